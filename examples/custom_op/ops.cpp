// A library of ops of one's own. The client links it; a worker loads it and is told to allow its namespace:
//   rt-worker --load-ops libexample_ops.so --allow-namespace example
// The CPU kernels run on the worker; the Meta kernels tell the client the size of a result, so that it need not ask.
#include "ops.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace example {
namespace {

at::Tensor forward_kernel(const at::Tensor& x, double scale) { return (x * scale).tanh_(); }

at::Tensor backward_kernel(const at::Tensor& gradient, const at::Tensor& y, double scale) {
  return gradient * (1 - y * y) * scale;
}

at::Tensor call_forward(const at::Tensor& x, double scale) {
  static auto op = c10::Dispatcher::singleton()
                       .findSchemaOrThrow("example::scaled_tanh", "")
                       .typed<at::Tensor(const at::Tensor&, double)>();
  return op.call(x, scale);
}

at::Tensor call_backward(const at::Tensor& gradient, const at::Tensor& y, double scale) {
  static auto op = c10::Dispatcher::singleton()
                       .findSchemaOrThrow("example::scaled_tanh_backward", "")
                       .typed<at::Tensor(const at::Tensor&, const at::Tensor&, double)>();
  return op.call(gradient, y, scale);
}

struct ScaledTanh : torch::autograd::Function<ScaledTanh> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, double scale) {
    at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor y = call_forward(x, scale);
    context->save_for_backward({y});
    context->saved_data["scale"] = scale;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::Tensor y = context->get_saved_variables()[0];
    return {call_backward(gradients[0], y, context->saved_data["scale"].toDouble()), at::Tensor()};
  }
};

at::Tensor differentiable(const at::Tensor& x, double scale) { return ScaledTanh::apply(x, scale); }

at::Tensor forward_meta(const at::Tensor& x, double) { return at::empty_like(x); }
at::Tensor backward_meta(const at::Tensor& gradient, const at::Tensor&, double) { return at::empty_like(gradient); }

TORCH_LIBRARY(example, m) {
  m.def("scaled_tanh(Tensor x, float scale) -> Tensor");
  m.def("scaled_tanh_backward(Tensor gradient, Tensor y, float scale) -> Tensor");
}
TORCH_LIBRARY_IMPL(example, CPU, m) {
  m.impl("scaled_tanh", &forward_kernel);
  m.impl("scaled_tanh_backward", &backward_kernel);
}
TORCH_LIBRARY_IMPL(example, Meta, m) {
  m.impl("scaled_tanh", &forward_meta);
  m.impl("scaled_tanh_backward", &backward_meta);
}
TORCH_LIBRARY_IMPL(example, Autograd, m) { m.impl("scaled_tanh", &differentiable); }

}  // namespace

at::Tensor scaled_tanh(const at::Tensor& x, double scale) { return call_forward(x, scale); }

}  // namespace example
