// Shapes: B batch, N patches and the class token, W width, H heads, S size of a head.
#include "learner.h"

namespace remote::test {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int64_t kImageClasses = 5;

nn::Conv2d convolution(int64_t in, int64_t out, int64_t size, int64_t stride = 1) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, size).stride(stride).padding(size / 2).bias(false));
}

/// Two 3x3 convolutions beside a shortcut, as in He et al., "Deep Residual Learning", figure 2.
class ResidualBlock final : public nn::Module {
 public:
  ResidualBlock(int64_t in, int64_t out, int64_t stride) {
    body_ = register_module("body", nn::Sequential(convolution(in, out, 3, stride), nn::BatchNorm2d(out), nn::ReLU(),
                                                   convolution(out, out, 3), nn::BatchNorm2d(out)));
    if (in == out && stride == 1) return;
    shortcut_ = register_module("shortcut", nn::Sequential(convolution(in, out, 1, stride), nn::BatchNorm2d(out)));
  }
  Tensor forward(const Tensor& x) {
    return torch::relu(body_->forward(x) + (shortcut_.is_empty() ? x : shortcut_->forward(x)));
  }

 private:
  nn::Sequential body_{nullptr}, shortcut_{nullptr};
};

/// The 18 layers of that paper's table 1, with channels for small images.
class ResNet18 final : public Network {
 public:
  ResNet18() {
    layers_ = register_module("layers",
                              nn::Sequential(convolution(3, kWidth, 7, 2), nn::BatchNorm2d(kWidth), nn::ReLU(),
                                             nn::MaxPool2d(nn::MaxPool2dOptions(3).stride(2).padding(1))));
    for (int64_t stage = 0, in = kWidth; stage < 4; ++stage) {
      const int64_t out = kWidth << stage;
      layers_->push_back(ResidualBlock(in, out, stage == 0 ? 1 : 2));
      layers_->push_back(ResidualBlock(out, out, 1));
      in = out;
    }
    layers_->push_back(nn::AdaptiveAvgPool2d(1));
    layers_->push_back(nn::Flatten());
    layers_->push_back(nn::Linear(kWidth << 3, kImageClasses));
  }
  Tensor forward(Tensor images) override { return layers_->forward(images); }

 private:
  static constexpr int64_t kWidth = 4;
  nn::Sequential layers_{nullptr};
};

/// Two levels down and up again, by transposed convolutions, with what was seen on the way down beside it: a class for
/// each pixel.
class UNet final : public Network {
 public:
  UNet() {
    down_1_ = register_module("down_1", pair(1, 4));
    down_2_ = register_module("down_2", pair(4, 8));
    bottom_ = register_module("bottom", pair(8, 16));
    up_2_ = register_module("up_2", nn::ConvTranspose2d(nn::ConvTranspose2dOptions(16, 8, 2).stride(2)));
    merge_2_ = register_module("merge_2", pair(16, 8));
    up_1_ = register_module("up_1", nn::ConvTranspose2d(nn::ConvTranspose2dOptions(8, 4, 2).stride(2)));
    merge_1_ = register_module("merge_1", pair(8, 4));
    head_ = register_module("head", nn::Conv2d(nn::Conv2dOptions(4, 3, 1)));
  }
  Tensor forward(Tensor images) override {
    const Tensor fine = down_1_->forward(images), middle = down_2_->forward(torch::max_pool2d(fine, 2));
    const Tensor coarse = bottom_->forward(torch::max_pool2d(middle, 2));
    const Tensor upper = merge_2_->forward(torch::cat({middle, up_2_(coarse)}, 1));
    return head_(merge_1_->forward(torch::cat({fine, up_1_(upper)}, 1)));
  }

 private:
  static nn::Sequential pair(int64_t in, int64_t out) {
    return nn::Sequential(convolution(in, out, 3), nn::BatchNorm2d(out), nn::ReLU(), convolution(out, out, 3),
                          nn::BatchNorm2d(out), nn::ReLU());
  }

  nn::Sequential down_1_{nullptr}, down_2_{nullptr}, bottom_{nullptr}, merge_2_{nullptr}, merge_1_{nullptr};
  nn::ConvTranspose2d up_2_{nullptr}, up_1_{nullptr};
  nn::Conv2d head_{nullptr};
};

class VitBlock final : public nn::Module {
 public:
  VitBlock(int64_t width, int64_t heads) : heads_(heads) {
    norm_1_ = register_module("norm_1", nn::LayerNorm(nn::LayerNormOptions({width})));
    norm_2_ = register_module("norm_2", nn::LayerNorm(nn::LayerNormOptions({width})));
    qkv_ = register_module("qkv", nn::Linear(width, 3 * width));
    projection_ = register_module("projection", nn::Linear(width, width));
    mlp_ = register_module("mlp", nn::Sequential(nn::Linear(width, 2 * width), nn::GELU(), nn::Dropout(0.1),
                                                 nn::Linear(2 * width, width)));
  }
  Tensor forward(const Tensor& x_BNW) {
    const Tensor attended_BNW = x_BNW + projection_(attend(norm_1_(x_BNW)));
    return attended_BNW + mlp_->forward(norm_2_(attended_BNW));
  }

 private:
  Tensor attend(const Tensor& x_BNW) {
    const int64_t batch = x_BNW.size(0), tokens = x_BNW.size(1), width = x_BNW.size(2);
    const Tensor parts = qkv_(x_BNW).view({batch, tokens, 3, heads_, width / heads_});
    const auto qkv_BHNS = parts.permute({2, 0, 3, 1, 4}).unbind(0);
    const Tensor out_BHNS = torch::scaled_dot_product_attention(qkv_BHNS[0], qkv_BHNS[1], qkv_BHNS[2]);
    return out_BHNS.transpose(1, 2).reshape({batch, tokens, width});
  }

  int64_t heads_;
  nn::LayerNorm norm_1_{nullptr}, norm_2_{nullptr};
  nn::Linear qkv_{nullptr}, projection_{nullptr};
  nn::Sequential mlp_{nullptr};
};

class Vit final : public Network {
 public:
  Vit() {
    patches_ = register_module("patches", nn::Conv2d(nn::Conv2dOptions(3, kWidth, 4).stride(4)));
    class_token_ = register_parameter("class_token", torch::zeros({1, 1, kWidth}));
    positions_ = register_parameter("positions", 0.02 * torch::randn({1, 1 + kPatches, kWidth}));
    blocks_ = register_module("blocks", nn::Sequential(VitBlock(kWidth, 3), VitBlock(kWidth, 3)));
    norm_ = register_module("norm", nn::LayerNorm(nn::LayerNormOptions({kWidth})));
    head_ = register_module("head", nn::Linear(kWidth, kImageClasses));
  }
  Tensor forward(Tensor images) override {
    const Tensor patches_BNW = patches_(images).flatten(2).transpose(1, 2);
    const Tensor class_token = class_token_.expand({images.size(0), -1, -1});
    const Tensor x_BNW = torch::cat({class_token, patches_BNW}, 1) + positions_;
    return head_(norm_(blocks_->forward(x_BNW)).select(1, 0));
  }

 private:
  static constexpr int64_t kWidth = 24, kPatches = 16;
  nn::Conv2d patches_{nullptr};
  Tensor class_token_, positions_;
  nn::Sequential blocks_{nullptr};
  nn::LayerNorm norm_{nullptr};
  nn::Linear head_{nullptr};
};

/// Pictures of 3 channels, each class with a brightness of its own.
template <class N>
Task pictures_task(int64_t side) {
  auto generator = at::detail::createCPUGenerator(21);
  const Tensor classes = torch::randint(kImageClasses, {3 * 8 + 5}, generator, torch::kLong);
  const Tensor images = torch::randn({classes.size(0), 3, side, side}, generator) + classes.view({-1, 1, 1, 1});
  return {"pictures", [] { return std::make_shared<N>(); }, images, classes, 8};
}

/// Which of three bands of brightness each pixel lies in, after smoothing.
Task segmentation_task() {
  auto generator = at::detail::createCPUGenerator(22);
  const Tensor images = torch::randn({3 * 4 + 2, 1, 16, 16}, generator);
  const Tensor smooth = torch::avg_pool2d(images, 3, /*stride=*/1, /*padding=*/1).squeeze(1);
  const Tensor bands = smooth.ge(-0.2).to(torch::kLong) + smooth.ge(0.2);
  return {"segmentation", [] { return std::make_shared<UNet>(); }, images, bands, 4};
}

}  // namespace

std::vector<Model> vision_models() {
  return {classifier("MLP", mlp_task), classifier("CNN", cnn_task),
          classifier("ResNet18", [] { return pictures_task<ResNet18>(32); }), classifier("UNet", segmentation_task),
          classifier("ViT", [] { return pictures_task<Vit>(16); })};
}

}  // namespace remote::test
