#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include <remote/train/model.h>
#include <remote/train/schema/layer.h>

namespace remote::schema {

/// What a model takes over from the data it is for, where its options leave that open.
struct ModelContext {
  /// Labels, or characters of the vocabulary.
  int64_t num_classes = 0;
};

/// Models: Sequential, a list of layers, and named architectures. Built where the calling thread's factories make
/// tensors.
using ModelRegistry = Registry<std::shared_ptr<train::Model>, const ModelContext&>;

/// `layers` must outlive the registry.
void register_models(ModelRegistry& registry, const LayerRegistry& layers);

/// The longest sequence that a model takes, where it has a limit.
std::optional<int64_t> max_sequence_length(const Component& model);

}  // namespace remote::schema
