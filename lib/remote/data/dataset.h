#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace remote::data {

/// Some examples, on the device that the data lies on. The first dimension of both counts examples.
struct Batch {
  at::Tensor input;
  at::Tensor target;
};

/// Examples that lie on a device. A batch is gathered there, so that a step sends indices and no data. Immutable, hence
/// usable from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;

  /// How many examples an index can name.
  virtual int64_t size() const = 0;
  /// How far apart two examples must be to have nothing in common. More than 1 for windows over a text: an epoch then
  /// has size() / stride() examples, and a shuffled one draws them with replacement.
  virtual int64_t stride() const { return 1; }
  /// The examples of these indices, in this order. Waits for nothing. An index outside 0 to size() - 1 is an error of
  /// the device.
  virtual Batch gather(const std::vector<int64_t>& examples) const = 0;
};

/// What the examples of a dataset are for.
enum class Purpose { kClassification, kLanguageModelling };

/// What a run trains with and what it validates with.
struct Splits {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> val;
  Purpose purpose = Purpose::kClassification;
  /// How many different values a target can have: labels, or characters.
  int64_t num_classes = 0;
  /// What a model trained on this data must know in order to be used: {"vocabulary": "\n !..."} for text. Kept in
  /// checkpoints, and compared when one is loaded.
  std::map<std::string, std::string> metadata;
};

/// Indices as a tensor on `device`: an upload, unless that is the CPU.
at::Tensor index_tensor(const std::vector<int64_t>& indices, c10::Device device);

}  // namespace remote::data
