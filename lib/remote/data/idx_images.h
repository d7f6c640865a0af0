#pragma once
#include <remote/data/dataset.h>
#include <remote/data/options.h>

namespace remote::data {

/// Images and labels, as bytes on the device. A batch is float32 [B, 1, H, W], normalised, and int64 [B].
class ImageDataset final : public Dataset {
 public:
  /// `images` is uint8 [N, H, W], `labels` uint8 [N], both on the CPU; they are uploaded.
  ImageDataset(const at::Tensor& images, const at::Tensor& labels, double mean, double std, c10::Device device);

  int64_t size() const override { return labels_.size(0); }
  Batch gather(const std::vector<int64_t>& examples) const override;

 private:
  at::Tensor images_;  // uint8 [N, 1, H, W]
  at::Tensor labels_;  // int64 [N]
  double mean_;
  double std_;
};

/// Reads the four files and uploads them. Throws remote::Error for a file that is missing or broken, or does not fit
/// the others.
Splits load(const IdxImagesOptions& options, c10::Device device);

}  // namespace remote::data
