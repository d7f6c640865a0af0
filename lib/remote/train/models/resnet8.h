#pragma once
#include <cstdint>

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <remote/train/model.h>

namespace remote::train {

struct ResNet8Options {
  int64_t num_classes = 10;
  /// Channels of the input images.
  int64_t in_channels = 1;
  /// Channels of the first stage; the second and the third have twice and four times as many.
  int64_t width = 16;
};

/// A residual network for small images (He et al., arXiv:1512.03385, section 4.2, with n = 1): a 3x3 convolution and
/// three stages of one block each, then the mean over the image and one linear layer. Parameters have torchvision's
/// names: "layer2.0.downsample.0.weight". Takes float [B, in_channels, H, W], returns scores [B, num_classes].
class ResNet8 final : public Model {
 public:
  /// Parameters are made, and initialised as torchvision does, where the calling thread's factories make tensors.
  explicit ResNet8(const ResNet8Options& options);

  torch::Tensor forward(torch::Tensor images) override;

 private:
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  torch::nn::Sequential layer1_{nullptr};
  torch::nn::Sequential layer2_{nullptr};
  torch::nn::Sequential layer3_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

}  // namespace remote::train
