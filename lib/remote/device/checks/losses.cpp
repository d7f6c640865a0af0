#include <ATen/native/LossMulti.h>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>

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
}

/// multilabel_margin_loss_forward(self, target, reduction)
void multilabel_margin_loss(const Schema& schema, Arguments arguments) {
  is_long<1>(schema, arguments);
  const Tensor& input = tensor_at(arguments, 0);
  int64_t frames = 0, dim = 0;
  at::native::multilabel_margin_loss_shape_check(frames, dim, input.dim(), input, tensor_at(arguments, 1));
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
}

constexpr NamedCheck kLossesChecks[] = {
    {"huber_loss", huber_loss},
    {"binary_cross_entropy", binary_cross_entropy},
    {"nll_loss_forward", class_weight},
    {"nll_loss2d_forward", class_weight},
    {"multi_margin_loss", multi_margin_loss},
    {"multilabel_margin_loss_forward", multilabel_margin_loss},
    {"_ctc_loss", ctc_loss},
};

}  // namespace

CheckTable losses_checks() {
  return kLossesChecks;
}

}  // namespace remote::device::checks
