#include <remote/train/models/resnet8.h>

#include <torch/nn/init.h>

#include <remote/train/layer_scope.h>

namespace remote::train {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// Convolutions are followed by a batch norm, whose bias makes theirs superfluous.
nn::Conv2d conv(int64_t in_channels, int64_t out_channels, int64_t kernel_size, int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in_channels, out_channels, kernel_size)
                        .stride(stride)
                        .padding(kernel_size / 2)
                        .bias(false));
}

/// Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes.
class BasicBlockImpl : public nn::Module {
 public:
  BasicBlockImpl(int64_t in_channels, int64_t out_channels, int64_t stride)
      : conv1_(register_module("conv1", conv(in_channels, out_channels, 3, stride))),
        bn1_(register_module("bn1", nn::BatchNorm2d(out_channels))),
        conv2_(register_module("conv2", conv(out_channels, out_channels, 3, 1))),
        bn2_(register_module("bn2", nn::BatchNorm2d(out_channels))) {
    if (stride == 1 && in_channels == out_channels) return;
    downsample_ = register_module(
        "downsample", nn::Sequential(conv(in_channels, out_channels, 1, stride), nn::BatchNorm2d(out_channels)));
  }

  Tensor forward(const Tensor& input) {
    const Tensor hidden = torch::relu(bn1_->forward(conv1_->forward(input)));
    const Tensor output = bn2_->forward(conv2_->forward(hidden));
    return torch::relu(output + (downsample_ ? downsample_->forward(input) : input));
  }

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  nn::Conv2d conv2_;
  nn::BatchNorm2d bn2_;
  nn::Sequential downsample_{nullptr};
};
TORCH_MODULE(BasicBlock);

}  // namespace

ResNet8::ResNet8(const ResNet8Options& options) : Model("ResNet8") {
  TORCH_CHECK(options.num_classes > 0 && options.in_channels > 0 && options.width > 0,
              "ResNet8: num_classes, in_channels and width must be above 0, got ", options.num_classes, ", ",
              options.in_channels, " and ", options.width);
  const int64_t width = options.width;
  conv1_ = register_module("conv1", conv(options.in_channels, width, 3, 1));
  bn1_ = register_module("bn1", nn::BatchNorm2d(width));
  layer1_ = register_module("layer1", nn::Sequential(BasicBlock(width, width, 1)));
  layer2_ = register_module("layer2", nn::Sequential(BasicBlock(width, 2 * width, 2)));
  layer3_ = register_module("layer3", nn::Sequential(BasicBlock(2 * width, 4 * width, 2)));
  fc_ = register_module("fc", nn::Linear(4 * width, options.num_classes));
  for (const auto& item : named_parameters()) {
    if (item.value().dim() == 4) nn::init::kaiming_normal_(item.value(), 0, torch::kFanOut, torch::kReLU);
  }
}

Tensor ResNet8::forward(Tensor images) {
  Tensor x = run_layer("layer conv1", [&] { return torch::relu(bn1_->forward(conv1_->forward(images))); });
  x = run_layer("layer layer1", [&] { return layer1_->forward(x); });
  x = run_layer("layer layer2", [&] { return layer2_->forward(x); });
  x = run_layer("layer layer3", [&] { return layer3_->forward(x); });
  return run_layer("layer fc", [&] { return fc_->forward(x.mean({2, 3})); });
}

}  // namespace remote::train
