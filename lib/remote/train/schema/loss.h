#pragma once
#include <memory>

#include <remote/train/schema/component_registry.h>
#include <remote/train/task.h>

namespace remote::schema {

/// Losses, by torch.nn's names and keywords; each becomes the task of a run on data of a given purpose.
using LossRegistry = Registry<std::shared_ptr<const train::Task>, data::Purpose>;

/// Adds every loss. Those that compare values (MSELoss, ...) take class labels as rows of zeros with a one at the
/// label.
void register_losses(LossRegistry& registry);

}  // namespace remote::schema
