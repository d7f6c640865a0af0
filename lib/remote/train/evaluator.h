#pragma once
#include <functional>
#include <optional>

#include <remote/data/dataset.h>
#include <remote/data/options.h>
#include <remote/train/metrics.h>
#include <remote/train/model.h>
#include <remote/train/task.h>

namespace remote::train {

/// The mean over a dataset of the loss and the task's metrics, named "<prefix>/loss", "<prefix>/accuracy", ...
///
/// Sums stay on the device, in float64, until one read at the end: that read is the only wait. The module is in
/// evaluation mode meanwhile and in its former mode afterwards. `max_batches`: none for all. `stop` is asked before
/// each batch; once it says so, the result is empty.
MetricValues evaluate(Model& model, const Task& task, const data::Dataset& data, const data::BatchOptions& batches,
                      const std::string& prefix, std::optional<int64_t> max_batches = std::nullopt,
                      const std::function<bool()>& stop = {});

}  // namespace remote::train
