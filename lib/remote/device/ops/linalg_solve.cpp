// linalg_solve on tensors of two devices: LibTorch's wrapper makes some results like A and some like B, and reports two
// devices as a bug of its own.
#include <ATen/CompositeExplicitAutogradNonFunctionalFunctions.h>
#include <torch/library.h>

#include <remote/device/describe.h>
#include <remote/device/error.h>

namespace remote::device {
namespace {

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> linalg_solve(const at::Tensor& A, const at::Tensor& B,
                                                                        bool left, bool check_errors) {
  if (A.device() != B.device()) {
    throw_error(StatusCode::kInvalidArgument, "linalg_solve: expected both tensors on one remote worker, but got " +
                                                  describe_for_people(A) + " and " + describe_for_people(B) +
                                                  "; move one with .to(...) first");
  }
  return at::compositeexplicitautogradnonfunctional::_linalg_solve_ex(A, B, left, check_errors);
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("_linalg_solve_ex", &linalg_solve);
}

}  // namespace
}  // namespace remote::device
