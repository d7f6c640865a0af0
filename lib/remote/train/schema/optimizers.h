#pragma once
#include <memory>

#include <remote/train/optimizer.h>
#include <remote/train/schema/component_registry.h>

namespace remote::schema {

/// Optimizers, by torch.optim's names and keywords, for the parameters of a module.
using OptimizerRegistry = Registry<std::unique_ptr<train::Optimizer>, const torch::nn::Module&>;

void register_optimizers(OptimizerRegistry& registry);

}  // namespace remote::schema
