#pragma once
#include <c10/core/Device.h>

#include <functional>
#include <optional>

#include <remote/data/dataset.h>
#include <remote/data/options.h>
#include <remote/train/schema/component_registry.h>

namespace remote::schema {

/// A run's data: what it is, and how it becomes batches.
struct DataSource {
  /// Reads the files and puts them on the device. Throws remote::Error for a file that is missing or broken.
  std::function<data::Splits(c10::Device)> load;
  data::BatchOptions batches;
};

using DatasetRegistry = Registry<DataSource>;

void register_datasets(DatasetRegistry& registry);

/// How long the sequences of a dataset are, where it has sequences.
std::optional<int64_t> sequence_length(const Component& dataset);

}  // namespace remote::schema
