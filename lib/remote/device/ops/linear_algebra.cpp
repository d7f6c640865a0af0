// Linear algebra whose LibTorch code does otherwise than its wrapper says, or can't say what is wrong.
#include <ATen/ATen.h>
#include <ATen/CompositeExplicitAutogradNonFunctionalFunctions.h>
#include <torch/library.h>

#include <remote/device/describe.h>
#include <remote/device/error.h>
#include <remote/device/recorder.h>

namespace remote::device {
namespace {

/// LibTorch's wrapper makes some results like A and some like B, and reports two devices as a bug of its own.
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> linalg_solve(const at::Tensor& A, const at::Tensor& B,
                                                                        bool left, bool check_errors) {
  if (A.device() != B.device()) {
    throw_error(StatusCode::kInvalidArgument, "linalg_solve: expected both tensors on one remote worker, but got " +
                                                  describe_for_people(A) + " and " + describe_for_people(B) +
                                                  "; move one with .to(...) first");
  }
  return at::compositeexplicitautogradnonfunctional::_linalg_solve_ex(A, B, left, check_errors);
}

/// addmv.out(self, mat, vec, beta, alpha, out). A product with an empty matrix is beta x self, of self's size:
/// LibTorch's kernel lets the out shrink, or grow, where self is a number that its wrapper has broadcast.
void record_addmv(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const auto arguments = torch::jit::last(*stack, op.schema().arguments().size());
  const at::Tensor &self = arguments[0].toTensor(), &mat = arguments[1].toTensor(), &vec = arguments[2].toTensor();
  if (mat.numel() != 0) return record_op(op, keys, stack);
  const at::Scalar beta = arguments[3].toScalar();
  at::Tensor out = arguments[5].toTensor();
  const auto dtype = self.scalar_type();
  const bool is_valid = mat.dim() == 2 && vec.dim() == 1 && mat.size(1) == vec.size(0) && mat.scalar_type() == dtype &&
                        vec.scalar_type() == dtype && out.scalar_type() == dtype;
  const bool is_number = self.dim() == 0 || (self.dim() == 1 && self.size(0) == 1);
  if (!is_valid || !is_number || beta.toComplexDouble() == 0.0) return record_op(op, keys, stack);
  at::mul_out(out, self, at::scalar_tensor(beta, self.options().device(at::kCPU)));
  torch::jit::drop(*stack, arguments.size());
  torch::jit::push(*stack, out);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("_linalg_solve_ex", &linalg_solve);
  m.impl("addmv.out", torch::CppFunction::makeFromBoxedFunction<&record_addmv>());
}

}  // namespace
}  // namespace remote::device
