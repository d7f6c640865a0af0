#include <ATen/Parallel.h>

#include <algorithm>
#include <iterator>

#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

struct Geometry {
  Ints input, weight, stride, padding, dilation;
  bool transposed = false;
  Ints output_padding;
  int64_t groups = 1;
};

const std::vector<Geometry> kGeometries = {
    {{2, 3, 9}, {4, 3, 3}, {1}, {1}, {1}, false, {0}},
    {{2, 3, 9}, {3, 4, 3}, {2}, {1}, {1}, true, {1}},
    {{3, 1, 24}, {4, 1, 2}, {1}, {0}, {1}, false, {0}},
    {{3, 4, 1}, {2, 4, 1}, {1}, {1}, {1}, false, {0}},
    {{3, 1, 6}, {1, 4, 2}, {1}, {0}, {1}, true, {0}},
    {{3, 3, 1}, {6, 1, 1}, {1}, {1}, {1}, false, {0}, 3},
    {{1, 2, 1, 1}, {2, 1, 1, 1}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 2},
    {{2, 3, 1, 1}, {6, 1, 2, 1}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 3},
    {{3, 2, 1, 1}, {4, 1, 1, 3}, {1, 1}, {0, 1}, {1, 1}, false, {0, 0}, 2},
    {{2, 4, 1, 1}, {4, 1, 5, 3}, {1, 1}, {0, 0}, {1, 1}, true, {0, 0}, 2},
    {{2, 4, 8, 8}, {6, 4, 3, 3}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}},
    {{2, 4, 8, 8}, {6, 4, 3, 3}, {2, 1}, {0, 1}, {1, 2}, false, {0, 0}},
    {{2, 4, 8, 8}, {6, 4, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}},
    {{2, 4, 8, 8}, {6, 2, 3, 3}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 2},
    {{2, 4, 8, 8}, {4, 1, 3, 3}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 4},
    {{2, 4, 8, 8}, {4, 6, 3, 3}, {2, 2}, {1, 1}, {1, 1}, true, {1, 1}},
    {{2, 4, 8, 8}, {4, 3, 3, 3}, {2, 2}, {1, 1}, {1, 1}, true, {1, 1}, 2},
    {{1, 1, 8, 8}, {6, 1, 5, 5}, {1, 1}, {2, 2}, {1, 1}, false, {0, 0}},
    {{17, 4, 8, 8}, {6, 4, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}},
    {{2, 4, 1, 1}, {6, 4, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}},
    {{2, 4, 3, 3}, {6, 4, 3, 3}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}},
    {{2, 3, 9}, {4, 3, 1}, {1}, {0}, {1}, false, {0}},
    {{4, 1, 4, 4}, {4, 1, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}},
    {{4, 4, 1, 1}, {4, 1, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 4},
    {{1, 4, 1, 1}, {4, 1, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 4},
    {{3, 4, 1, 1}, {8, 1, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 4},
    {{3, 8, 1, 1}, {4, 2, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 4},
    {{2, 4, 5, 5}, {4, 1, 5, 5}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 4},
    {{2, 4, 4, 4}, {4, 1, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, 4},
    {{1, 4, 8, 8}, {6, 4, 3, 3}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}},
    {{1, 64, 20, 20}, {2, 64, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}},
    {{1, 64, 20, 20, 2}, {2, 64, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, false, {0, 0, 0}},
    {{1, 4, 8, 8}, {6, 4, 1, 1}, {1, 1}, {0, 0}, {1, 1}, false, {0, 0}},
    {{1, 4, 5, 6, 7}, {6, 4, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, false, {0, 0, 0}},
    {{2, 4, 5, 6, 7}, {6, 4, 1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {1, 1, 1}, false, {0, 0, 0}},
    {{2, 4, 5, 6, 7}, {6, 4, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, false, {0, 0, 0}},
    {{1, 4, 5, 6, 7}, {4, 6, 3, 3, 3}, {2, 2, 2}, {1, 1, 1}, {1, 1, 1}, true, {0, 0, 0}},
    {{1, 4, 6, 7}, {4, 6, 3, 3}, {2, 2}, {1, 1}, {1, 1}, true, {0, 0}},
    {{2, 4, 5, 6, 7}, {4, 6, 3, 3, 3}, {2, 2, 2}, {1, 1, 1}, {1, 1, 1}, true, {0, 0, 0}},
};

const Geometry kPlane = {{2, 4, 8, 8}, {6, 4, 3, 3}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}};

Ints output_sizes(const Geometry& g) {
  return at::convolution(filled(g.input), filled(g.weight), {}, g.stride, g.padding, g.dilation, g.transposed,
                         g.output_padding, g.groups)
      .sizes()
      .vec();
}

Values forward(const Geometry& g, const at::Tensor& input, const at::Tensor& weight, const c10::IValue& bias) {
  return {input, weight, bias, g.stride, g.padding, g.dilation, g.transposed, g.output_padding, g.groups};
}

Values backward(const Geometry& g, const at::Tensor& grad, const at::Tensor& input, const at::Tensor& weight,
                std::array<bool, 3> mask) {
  return {grad,       input,        weight,           Ints{grad.size(1)}, g.stride, g.padding,
          g.dilation, g.transposed, g.output_padding, g.groups,           mask};
}

/// LibTorch takes its own kernel for filters of one pixel with one thread, and oneDNN's with more.
class ConvolutionRules : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { at::set_num_threads(GetParam()); }
  void TearDown() override { at::set_num_threads(threads_); }

  static std::vector<Geometry> geometries() {
    std::vector<Geometry> those;
    std::ranges::copy_if(kGeometries, std::back_inserter(those),
                         [](const Geometry& g) { return GetParam() == 1 || g.weight.back() == 1; });
    return those;
  }

 private:
  const int threads_ = at::get_num_threads();
};

INSTANTIATE_TEST_SUITE_P(Threads, ConvolutionRules, testing::Values(1, 2));

TEST_P(ConvolutionRules, OutputKeepsChannelsLastOfInputOrWeight) {
  for (const Geometry& g : geometries()) {
    const int64_t channels_out = output_sizes(g)[1];
    for (const auto& input : layouts(g.input)) {
      for (const auto& weight : layouts(g.weight)) {
        check("convolution", forward(g, input, weight, {}));
        check("convolution", forward(g, input, weight, filled({channels_out})));
      }
    }
  }
}

TEST_P(ConvolutionRules, GradientsKeepChannelsLastOfInputOrWeight) {
  for (const Geometry& g : geometries()) {
    const Ints out = output_sizes(g);
    for (const auto& input : layouts(g.input)) {
      for (const auto& weight : layouts(g.weight)) {
        check("convolution_backward", backward(g, filled(out), input, weight, {true, true, true}));
      }
    }
    for (const auto& grad : layouts(out)) {
      check("convolution_backward", backward(g, grad, filled(g.input), filled(g.weight), {true, true, true}));
    }
  }
}

TEST_P(ConvolutionRules, MaskedGradientsAreUndefined) {
  const Geometry& g = kPlane;
  const at::Tensor grad = filled(output_sizes(g));
  for (int bits = 0; bits < 8; ++bits) {
    const std::array<bool, 3> mask{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    const Values arguments = backward(g, grad, filled(g.input), filled(g.weight), mask);
    const OutputSpecs specs = foretold("convolution_backward", arguments, c10::DeviceType::CPU);
    ASSERT_EQ(specs.size(), 3u);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(specs[i].kind == OutputSpec::Kind::kTensor, mask[i]);
    // oneDNN computes the gradient of the weight along with that of the bias, wanted or not.
    if (mask[1] || !mask[2]) check("convolution_backward", arguments);
  }
}

TEST_P(ConvolutionRules, DoubleKeepsChannelsLastExceptInVolumes) {
  for (const Geometry& g : geometries()) {
    for (const auto& input : layouts(g.input, at::kDouble)) {
      check("convolution", forward(g, input, filled(g.weight, at::kDouble), {}));
      check("convolution_backward", backward(g, filled(output_sizes(g), at::kDouble), input,
                                             filled(g.weight, at::kDouble), {true, true, true}));
    }
  }
}

TEST_P(ConvolutionRules, HalfTypesIn2d) {
  for (const Geometry& g : kGeometries) {
    if (g.input.size() == 5) continue;
    for (const auto& input : layouts(g.input, at::kBFloat16)) {
      check("convolution", forward(g, input, filled(g.weight, at::kBFloat16), {}));
    }
  }
}

TEST_P(ConvolutionRules, EmptyBatch) {
  Geometry g = kPlane;
  g.input[0] = 0;
  for (const auto& input : {filled(g.input), filled(g.input).contiguous(at::MemoryFormat::ChannelsLast)}) {
    check("convolution", forward(g, input, filled(g.weight), filled({6})));
    check("convolution_backward", backward(g, filled({0, 6, 8, 8}), input, filled(g.weight), {true, true, true}));
  }
}

TEST_P(ConvolutionRules, WithoutOneDnnVolumesInChannelsLastAreLeftToTheWorker) {
  const Geometry& g = kGeometries.back();
  const at::Tensor input = filled(g.input).contiguous(at::MemoryFormat::ChannelsLast3d);
  at::globalContext().setUserEnabledMkldnn(false);
  check_unknown("convolution", forward(g, input, filled(g.weight), {}));
  check("convolution", forward(g, filled(g.input), filled(g.weight), {}));
  at::globalContext().setUserEnabledMkldnn(true);
}

TEST_P(ConvolutionRules, WrongChannelsAreRefusedWithBothShapes) {
  const Geometry& g = kPlane;
  try {
    foretold("convolution", forward(g, filled({2, 3, 8, 8}), filled(g.weight), {}), c10::DeviceType::CPU);
    FAIL() << "accepted";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("to have 4 channels, but got 3 channels"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace remote::device
