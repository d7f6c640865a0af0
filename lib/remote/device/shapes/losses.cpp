#include <algorithm>

#include <ATen/core/Reduction.h>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

bool is_reduced(const ShapeQuery& query, size_t index) {
  return int_at(query, index) != at::Reduction::None;
}

/// binary_cross_entropy(self, target, weight, reduction)
bool binary_cross_entropy(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  return returns(out, {is_reduced(query, 3) ? contiguous({}, self.scalar_type()) : dense_like(self)});
}

/// huber_loss(self, target, reduction, delta)
bool huber_loss(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const Tensor& target = tensor_at(query, 1);
  if (self.scalar_type() != target.scalar_type()) return false;
  if (is_reduced(query, 2)) return returns_scalar<0>(query, out);
  const OutputSpec loss = elementwise({self, target}, self.scalar_type());
  return returns(out, {self.sizes().equals(loss.sizes) ? dense_like(self) : loss});
}

/// mse_loss_backward(grad_output, self, target, reduction): row-major zeros of self's sizes, filled.
bool mse_loss_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 1);
  const OutputSpec filled = elementwise({self, tensor_at(query, 2), tensor_at(query, 0)}, self.scalar_type());
  if (!self.sizes().equals(filled.sizes)) return false;
  return returns_contiguous_like<1>(query, out);
}

/// (grad_output, self, target, reduction, beta or delta, *, grad_input)
bool pairwise_loss_backward_out(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {elementwise({tensor_at(query, 1), tensor_at(query, 2), tensor_at(query, 0)},
                                   tensor_at(query, 5).scalar_type())});
}

/// multi_margin_loss(self, target, p, margin, weight, reduction)
bool multi_margin_loss(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const bool per_sample = !is_reduced(query, 5) && tensor_at(query, 1).dim() > 0;
  const int64_t samples = self.dim() <= 1 ? 1 : self.size(0);
  return returns(out, {contiguous(per_sample ? IntArrayRef(samples) : IntArrayRef{}, self.scalar_type())});
}

/// multilabel_margin_loss_forward(self, target, reduction) -> (output, is_target)
bool multilabel_margin_loss(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const bool per_sample = !is_reduced(query, 2) && self.dim() > 1;
  return returns(out, {contiguous(per_sample ? self.sizes().slice(0, 1) : IntArrayRef{}, self.scalar_type()),
                       contiguous(tensor_at(query, 1).sizes(), self.scalar_type())});
}

/// nll_loss2d_forward(self, target, weight, reduction, ignore_index) -> (output, total_weight)
bool nll_loss2d(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const IntArrayRef sizes = is_reduced(query, 3) ? IntArrayRef{} : tensor_at(query, 1).sizes();
  return returns(out, {contiguous(sizes, self.scalar_type()), contiguous({}, self.scalar_type())});
}

/// nll_loss2d_backward(grad_output, self, ...): laid out as self, which the kernels refuse where that is not row-major
bool nll_loss2d_backward(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 1);
  OutputSpec grad_input = dense_like(self);
  TORCH_CHECK(grad_input.strides == contiguous(self.sizes(), self.scalar_type()).strides,
              "grad_input must be contiguous");
  return returns(out, {std::move(grad_input)});
}

/// _ctc_loss(log_probs, targets, input_lengths, target_lengths, ...) -> (neg_log_likelihood, log_alpha)
bool ctc_loss(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& log_probs = tensor_at(query, 0);  // [time, batch, classes]
  const Dims target_lengths = ints_at(query, 3);
  if (log_probs.dim() != 3) return false;
  const int64_t longest = target_lengths.empty() ? 0 : *std::max_element(target_lengths.begin(), target_lengths.end());
  const ScalarType dtype = log_probs.scalar_type();
  return returns(out, {contiguous({log_probs.size(1)}, dtype),
                       contiguous({log_probs.size(1), log_probs.size(0), 2 * longest + 1}, dtype)});
}

constexpr NamedRule kLossesRules[] = {
    {"binary_cross_entropy", binary_cross_entropy},
    {"binary_cross_entropy_backward", returns_like<1>},
    {"huber_loss", huber_loss},
    {"huber_loss_backward.out", pairwise_loss_backward_out},
    {"smooth_l1_loss_backward.grad_input", pairwise_loss_backward_out},
    {"mse_loss_backward", mse_loss_backward},
    {"multi_margin_loss", multi_margin_loss},
    {"multi_margin_loss_backward", returns_contiguous_like<1>},
    {"multilabel_margin_loss_forward", multilabel_margin_loss},
    {"multilabel_margin_loss_backward", returns_contiguous_like<1>},
    {"nll_loss2d_forward", nll_loss2d},
    {"nll_loss2d_backward", nll_loss2d_backward},
    {"_ctc_loss", ctc_loss},
    {"_ctc_loss_backward", returns_contiguous_like<1>},
    {"_ctc_loss_backward.Tensor", returns_contiguous_like<1>},
};

}  // namespace

RuleTable losses_rules() {
  return kLossesRules;
}

}  // namespace remote::device::shapes
