#include "module_case.h"

namespace remote::nn::test {

namespace {

void add_activations(ModuleCases& c) {
  const at::Tensor x = numbers({4, 6}), image = numbers({2, 3, 4, 5});
  REMOTE_NN_CASE(c, Identity, 1, (x));
  REMOTE_NN_CASE(c, ELU, 1, (x), ELUOptions().alpha(0.7));
  REMOTE_NN_CASE(c, SELU, 1, (x));
  REMOTE_NN_CASE(c, Hardshrink, 1, (x));
  REMOTE_NN_CASE(c, Hardtanh, 1, (x), HardtanhOptions().min_val(-0.5));
  REMOTE_NN_CASE(c, LeakyReLU, 1, (x));
  REMOTE_NN_CASE(c, LogSigmoid, 1, (x));
  REMOTE_NN_CASE(c, Softmax, 1, (x), 1);
  REMOTE_NN_CASE(c, Softmin, 1, (x), 1);
  REMOTE_NN_CASE(c, LogSoftmax, 1, (x), 1);
  REMOTE_NN_CASE(c, Softmax2d, 1, (image));
  REMOTE_NN_CASE(c, ReLU, 1, (x));
  REMOTE_NN_CASE(c, ReLU6, 1, (x));
  REMOTE_NN_CASE(c, RReLU, 1, (x));
  REMOTE_NN_CASE(c, CELU, 1, (x));
  REMOTE_NN_CASE(c, GLU, 1, (x));
  REMOTE_NN_CASE(c, GELU, 1, (x));
  REMOTE_NN_CASE(c, SiLU, 1, (x));
  REMOTE_NN_CASE(c, Mish, 1, (x));
  REMOTE_NN_CASE(c, Sigmoid, 1, (x));
  REMOTE_NN_CASE(c, Softplus, 1, (x));
  REMOTE_NN_CASE(c, Softshrink, 1, (x));
  REMOTE_NN_CASE(c, Softsign, 1, (x));
  REMOTE_NN_CASE(c, Tanh, 1, (x));
  REMOTE_NN_CASE(c, Tanhshrink, 1, (x));
  REMOTE_NN_CASE(c, Threshold, 1, (x), 0.1, 20);
  REMOTE_NN_CASE(c, Dropout, 1, (x), 0.3);
  REMOTE_NN_CASE(c, Dropout2d, 1, (image), 0.3);
  REMOTE_NN_CASE(c, Dropout3d, 1, (numbers({2, 3, 2, 2, 2})), 0.3);
  REMOTE_NN_CASE(c, AlphaDropout, 1, (x), 0.3);
  REMOTE_NN_CASE(c, FeatureAlphaDropout, 1, (image), 0.3);
  REMOTE_NN_CASE(c, LocalResponseNorm, 1, (image), 2);
  REMOTE_NN_CASE(c, CrossMapLRN2d, 1, (numbers({2, 5, 4, 4})), 3);
}

void add_shapes(ModuleCases& c) {
  REMOTE_NN_CASE(c, Flatten, 1, (numbers({2, 3, 4})));
  REMOTE_NN_CASE(c, Unflatten, 1, (numbers({4, 6})), UnflattenOptions(1, {2, 3}));
  REMOTE_NN_CASE(c, Fold, 1, (numbers({1, 12, 12})), FoldOptions({4, 5}, {2, 2}));
  REMOTE_NN_CASE(c, Unfold, 1, (numbers({1, 2, 4, 4})), UnfoldOptions({2, 2}));
  REMOTE_NN_CASE(c, PixelShuffle, 1, (numbers({1, 8, 2, 2})), 2);
  REMOTE_NN_CASE(c, PixelUnshuffle, 1, (numbers({1, 2, 4, 4})), 2);
  REMOTE_NN_CASE(c, Upsample, 1, (numbers({1, 2, 3, 3})),
                 UpsampleOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kBilinear).align_corners(false));
  const at::Tensor x_1d = numbers({1, 2, 5}), x_2d = numbers({1, 2, 5, 5}), x_3d = numbers({1, 2, 4, 4, 4});
  REMOTE_NN_CASE(c, ReflectionPad1d, 1, (x_1d), 2);
  REMOTE_NN_CASE(c, ReflectionPad2d, 1, (x_2d), 2);
  REMOTE_NN_CASE(c, ReflectionPad3d, 1, (x_3d), 1);
  REMOTE_NN_CASE(c, ReplicationPad1d, 1, (x_1d), 2);
  REMOTE_NN_CASE(c, ReplicationPad2d, 1, (x_2d), 2);
  REMOTE_NN_CASE(c, ReplicationPad3d, 1, (x_3d), 1);
  REMOTE_NN_CASE(c, ZeroPad1d, 1, (x_1d), 2);
  REMOTE_NN_CASE(c, ZeroPad2d, 1, (x_2d), 2);
  REMOTE_NN_CASE(c, ZeroPad3d, 1, (x_3d), 1);
  REMOTE_NN_CASE(c, ConstantPad1d, 1, (x_1d), ConstantPad1dOptions(2, 3.5));
  REMOTE_NN_CASE(c, ConstantPad2d, 1, (x_2d), ConstantPad2dOptions(2, 3.5));
  REMOTE_NN_CASE(c, ConstantPad3d, 1, (x_3d), ConstantPad3dOptions(1, 3.5));
}

void add_pooling(ModuleCases& c) {
  const at::Tensor x_1d = numbers({1, 2, 8}), x_2d = numbers({1, 2, 6, 6}), x_3d = numbers({1, 2, 6, 6, 6});
  REMOTE_NN_CASE(c, AvgPool1d, 1, (x_1d), 2);
  REMOTE_NN_CASE(c, AvgPool2d, 1, (x_2d), 2);
  REMOTE_NN_CASE(c, AvgPool3d, 1, (x_3d), 2);
  REMOTE_NN_CASE(c, MaxPool1d, 1, (x_1d), 2);
  REMOTE_NN_CASE(c, MaxPool2d, 1, (x_2d), 2);
  REMOTE_NN_CASE(c, MaxPool3d, 1, (x_3d), 2);
  REMOTE_NN_CASE(c, AdaptiveAvgPool1d, 1, (x_1d), 3);
  REMOTE_NN_CASE(c, AdaptiveAvgPool2d, 1, (x_2d), 3);
  REMOTE_NN_CASE(c, AdaptiveAvgPool3d, 1, (x_3d), 3);
  REMOTE_NN_CASE(c, AdaptiveMaxPool1d, 1, (x_1d), 3);
  REMOTE_NN_CASE(c, AdaptiveMaxPool2d, 1, (x_2d), 3);
  REMOTE_NN_CASE(c, AdaptiveMaxPool3d, 1, (x_3d), 3);
  REMOTE_NN_CASE(c, FractionalMaxPool2d, 1, (x_2d), FractionalMaxPool2dOptions(2).output_size(3));
  REMOTE_NN_CASE(c, FractionalMaxPool3d, 1, (x_3d), FractionalMaxPool3dOptions(2).output_size(3));
  REMOTE_NN_CASE(c, LPPool1d, 1, (x_1d.abs()), LPPool1dOptions(2, 3));
  REMOTE_NN_CASE(c, LPPool2d, 1, (x_2d.abs()), LPPool2dOptions(2, 2));
  REMOTE_NN_CASE(c, LPPool3d, 1, (x_3d.abs()), LPPool3dOptions(2, 2));
  const auto [max_1d, where_1d] = at::max_pool1d_with_indices(x_1d, 2);
  const auto [max_2d, where_2d] = at::max_pool2d_with_indices(x_2d, 2);
  const auto [max_3d, where_3d] = at::max_pool3d_with_indices(x_3d, 2);
  REMOTE_NN_CASE(c, MaxUnpool1d, 2, (max_1d, where_1d), 2);
  REMOTE_NN_CASE(c, MaxUnpool2d, 2, (max_2d, where_2d), 2);
  REMOTE_NN_CASE(c, MaxUnpool3d, 2, (max_3d, where_3d), 2);
}

}  // namespace

void add_shape_only_modules(ModuleCases& c) {
  add_activations(c);
  add_shapes(c);
  add_pooling(c);
}

}  // namespace remote::nn::test
