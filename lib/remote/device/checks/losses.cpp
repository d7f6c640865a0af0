#include <ATen/native/LossMulti.h>

#include <algorithm>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>
#include <remote/device/runtime.h>

namespace remote::device::checks {
namespace {

/// huber_loss(self, target, reduction, delta)
void huber_loss(const Schema&, Arguments arguments) {
  const double delta = arguments[3].toDouble();
  TORCH_CHECK(delta > 0, "huber_loss does not support non-positive values for delta, but got ", delta);
}

/// binary_cross_entropy(self, target, weight, reduction)
void binary_cross_entropy(const Schema& schema, Arguments arguments) {
  is_floating<0>(schema, arguments);
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  for (const size_t place : {1, 2}) {
    const Tensor& tensor = tensor_at(arguments, place);
    TORCH_CHECK(!tensor.defined() || tensor.scalar_type() == dtype, schema.name(), ": Found dtype ",
                tensor.scalar_type(), " of ", schema.arguments()[place].name(), " but expected ", dtype,
                "; convert it with .to(...)");
  }
}

/// nll_loss2d_forward(self, target, weight, reduction, ignore_index)
void nll_loss2d(const Schema& schema, Arguments arguments) {
  is_one_of<at::kLong, at::kByte>(schema, arguments, 1, "class numbers of dtype Long or Byte");
  const Tensor &input = tensor_at(arguments, 0), &target = tensor_at(arguments, 1), &weight = tensor_at(arguments, 2);
  TORCH_CHECK(input.dim() == 4 && target.dim() == 3,
              "nll_loss2d: expected an input of 4 dimensions and targets of 3, "
              "but got input ",
              input.sizes(), " and target ", target.sizes());
  TORCH_CHECK(input.size(0) == target.size(0) && input.size(2) == target.size(1) && input.size(3) == target.size(2),
              "size mismatch (got input: ", input.sizes(), " , target: ", target.sizes());
  TORCH_CHECK(!weight.defined() || weight.numel() == input.size(1),
              "weight tensor should be defined either for all or no classes, got ", weight.numel(), " for ",
              input.size(1), " classes");
}

/// The weight of nll_loss_forward(self, target, weight, ...) and nll_loss2d_forward is of the input's dtype.
void class_weight(const Schema& schema, Arguments arguments) {
  const Tensor &input = tensor_at(arguments, 0), &weight = tensor_at(arguments, 2);
  TORCH_CHECK(!weight.defined() || weight.scalar_type() == input.scalar_type(), schema.name(),
              ": expected scalar type ", input.scalar_type(), " for weight, but found ", weight.scalar_type(),
              "; convert it with .to(...)");
  if (schema.name() == "aten::nll_loss2d_forward") nll_loss2d(schema, arguments);
}

/// multi_margin_loss(self, target, p, margin, weight, reduction)
void multi_margin_loss(const Schema& schema, Arguments arguments) {
  is_long<1>(schema, arguments);
  const Tensor &input = tensor_at(arguments, 0), &weight = tensor_at(arguments, 4);
  int64_t frames = 0, dim = 0;
  at::native::multi_margin_loss_shape_check(frames, dim, input.dim(), input, tensor_at(arguments, 1),
                                            weight.defined() ? std::optional(weight) : std::nullopt);
  if (input.numel() == 0 || !worker_is(c10::kCPU, input)) return;
  const ScalarType dtype = input.scalar_type();
  TORCH_CHECK_NOT_IMPLEMENTED(dtype == at::kFloat || dtype == at::kDouble, schema.name(), ": not implemented for '",
                              dtype, "' on a CPU worker; convert the input to Float or Double with .to(...)");
  TORCH_CHECK(!weight.defined() || weight.scalar_type() == dtype, schema.name(), ": expected scalar type ", dtype,
              " for weight, but found ", weight.scalar_type(), "; convert it with .to(...)");
}

/// _softmax_backward_data(grad_output, output, dim, input_dtype) and that of log_softmax
void softmax_backward(const Schema& schema, Arguments arguments) {
  if (tensor_at(arguments, 0).numel() > 0) are_of_one_dtype<0, 1>(schema, arguments);
}

/// multilabel_margin_loss_forward(self, target, reduction)
void multilabel_margin_loss(const Schema& schema, Arguments arguments) {
  is_long<1>(schema, arguments);
  const Tensor& input = tensor_at(arguments, 0);
  int64_t frames = 0, dim = 0;
  at::native::multilabel_margin_loss_shape_check(frames, dim, input.dim(), input, tensor_at(arguments, 1));
}

/// The sequences that the lengths speak of are there: as ctc_loss_allocate_outputs() in
/// aten/src/ATen/native/LossCTC.cpp.
void check_lengths(const Tensor& log_probs_TBC, const Tensor& targets, c10::IntArrayRef inputs,
                   c10::IntArrayRef lengths) {
  for (const int64_t input : inputs) {
    TORCH_CHECK(input >= 0 && input <= log_probs_TBC.size(0), "Expected input_lengths to have values from 0 to ",
                log_probs_TBC.size(0), ", but got value ", input);
  }
  TORCH_CHECK(targets.dim() == 1 || targets.dim() == 2,
              "Expected targets to have 1 or 2 dimensions, but got one of sizes ", targets.sizes());
  int64_t longest = 0, all = 0;
  for (const int64_t length : lengths) {
    TORCH_CHECK(length >= 0, "Expected target_lengths to have value at least 0, but got value ", length);
    longest = std::max(longest, length);
    all += length;
  }
  if (targets.dim() == 1) {
    TORCH_CHECK(targets.size(0) == all, "Expected targets of size ", all, ", the sum of target_lengths, but got ",
                targets.sizes());
  } else {
    TORCH_CHECK(targets.size(0) == log_probs_TBC.size(1) && targets.size(1) >= longest, "Expected targets of sizes [",
                log_probs_TBC.size(1), ", ", longest, " or more], but got ", targets.sizes());
  }
}

/// _ctc_loss(log_probs, targets, input_lengths, target_lengths, ...)
void ctc_loss(const Schema& schema, Arguments arguments) {
  const Tensor& log_probs_TBC = tensor_at(arguments, 0);
  if (log_probs_TBC.dim() != 3) return;
  for (const size_t place : {2, 3}) {
    const int64_t count = arguments[place].isIntList() ? static_cast<int64_t>(arguments[place].toListRef().size())
                                                       : tensor_at(arguments, place).numel();
    TORCH_CHECK(count == log_probs_TBC.size(1), schema.arguments()[place].name(), " must be of size batch_size, ",
                log_probs_TBC.size(1), ", got ", count);
  }
  if (!arguments[2].isIntList() || !arguments[3].isIntList()) return;
  check_lengths(log_probs_TBC, tensor_at(arguments, 1), arguments[2].toDimVector(), arguments[3].toDimVector());
}

constexpr NamedCheck kLossesChecks[] = {
    {"huber_loss", huber_loss},
    {"binary_cross_entropy", binary_cross_entropy},
    {"nll_loss_forward", class_weight},
    {"nll_loss2d_forward", class_weight},
    {"multi_margin_loss", multi_margin_loss},
    {"_softmax_backward_data", softmax_backward},
    {"_log_softmax_backward_data", softmax_backward},
    {"multilabel_margin_loss_forward", multilabel_margin_loss},
    {"_ctc_loss", ctc_loss},
};

}  // namespace

CheckTable losses_checks() {
  return kLossesChecks;
}

}  // namespace remote::device::checks
