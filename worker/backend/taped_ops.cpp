#include <worker/backend/taped_ops.h>

#include <ATen/ATen.h>
#include <c10/core/AutogradState.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/library.h>

#include <memory>
#include <vector>

#include <remote/wire/taped_ops.h>

namespace remote::worker {
namespace {

using at::Tensor;
using torch::jit::Stack;

/// What a taped op leaves behind for its backward pass.
struct Tape {
  std::vector<Tensor> inputs;   ///< those that need a gradient
  std::vector<Tensor> outputs;  ///< with the graph that made them
};

void delete_tape(void* tape) {
  delete static_cast<Tape*>(tape);
}

/// A tensor without elements whose storage owns the tape.
Tensor tensor_of(std::unique_ptr<Tape> tape) {
  const auto options = tape->outputs.front().options().dtype(at::kByte).requires_grad(false);
  Tensor tensor = at::empty({0}, options);
  auto* context = tape.release();
  tensor.storage().set_data_ptr_noswap({nullptr, context, &delete_tape, options.device()});
  return tensor;
}

const Tape& tape_of(const Tensor& tensor) {
  const auto* tape = tensor.has_storage() ? tensor.storage().data_ptr().cast_context<Tape>(&delete_tape) : nullptr;
  TORCH_CHECK(tape != nullptr, "expected what a taped op has saved, got another tensor");
  return *tape;
}

/// Lets the calling thread, which runs ops below autograd, run some above it.
class AboveAutograd {
 public:
  explicit AboveAutograd(bool records) : keys_(included(), excluded()), grad_mode_(records) {
    // The backward pass stays on this thread, and with it on the session's stream.
    c10::AutogradState::get_tls_state().set_multithreading_enabled(false);
  }

 private:
  static c10::DispatchKeySet included() { return c10::impl::tls_local_dispatch_key_set().included_; }
  static c10::DispatchKeySet excluded() {
    return c10::impl::tls_local_dispatch_key_set().excluded_ - c10::autograd_dispatch_keyset_with_ADInplaceOrView;
  }

  c10::impl::ForceDispatchKeyGuard keys_;
  at::AutoGradMode grad_mode_;
};

/// cuDNN complains each time that the weights of a layer lie in storages of their own, as all storages here do.
class WithoutWeightWarning final : public c10::WarningHandler {
 public:
  void process(const c10::Warning& warning) override {
    if (warning.msg().find("not part of single contiguous chunk") == std::string::npos) others_->process(warning);
  }

 private:
  c10::WarningHandler* const others_ = c10::WarningUtils::get_warning_handler();
};

void run_taped(const c10::OperatorHandle& op, Stack* stack) {
  const c10::List<bool> needs_gradient = torch::jit::pop(*stack).toBoolList();
  const c10::OperatorHandle aten_op = wire::untaped_op(op.operator_name());
  const auto& schema = aten_op.schema();
  auto tape = std::make_unique<Tape>();
  size_t seen = 0;
  const auto visit = [&](const Tensor& given) {
    TORCH_CHECK(seen < needs_gradient.size(), "needs_gradient has ", needs_gradient.size(),
                " elements, fewer than there are tensors");
    if (!needs_gradient.get(seen++)) return given;
    tape->inputs.push_back(given.detach().set_requires_grad(true));
    return tape->inputs.back();
  };
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    c10::IValue& value = torch::jit::peek(*stack, i, schema.arguments().size());
    if (wire::is_batch_sizes(schema.arguments()[i])) {
      value = at::tensor(value.toIntVector(), at::kLong);
    } else if (value.isTensor() && value.toTensor().defined()) {
      value = visit(value.toTensor());
    } else if (value.isTensorList()) {
      std::vector<Tensor> tensors = value.toTensorVector();
      for (Tensor& tensor : tensors) tensor = visit(tensor);
      value = std::move(tensors);
    }
  }
  TORCH_CHECK(seen == needs_gradient.size(), "needs_gradient has ", needs_gradient.size(), " elements for ", seen,
              " tensors");

  const bool records = !tape->inputs.empty();
  {
    WithoutWeightWarning handler;
    const c10::WarningUtils::WarningHandlerGuard quiet(&handler);
    const AboveAutograd above(records);
    aten_op.callBoxed(stack);
  }
  if (!records) return torch::jit::push(*stack, Tensor());
  const size_t returned = schema.returns().size();
  for (size_t i = 0; i < returned; ++i) {
    c10::IValue& value = torch::jit::peek(*stack, i, returned);
    tape->outputs.push_back(value.toTensor());
    value = value.toTensor().detach();
  }
  torch::jit::push(*stack, tensor_of(std::move(tape)));
}

void run_backward(const c10::OperatorHandle&, Stack* stack) {
  const c10::IValue list = torch::jit::pop(*stack);
  const auto gradients = list.toListRef();
  const Tensor saved = torch::jit::pop(*stack).toTensor();
  const Tape& tape = tape_of(saved);
  TORCH_CHECK(gradients.size() == tape.outputs.size(), "expected ", tape.outputs.size(), " gradients, got ",
              gradients.size());
  std::vector<Tensor> outputs, given;
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (!gradients[i].isTensor() || !gradients[i].toTensor().defined()) continue;
    outputs.push_back(tape.outputs[i]);
    given.push_back(gradients[i].toTensor());
  }
  std::vector<Tensor> results;
  {
    const AboveAutograd above(/*records=*/false);
    // The client may want the tape again; it says so by not releasing it.
    results = torch::autograd::grad(outputs, tape.inputs, given, /*retain_graph=*/true, /*create_graph=*/false,
                                    /*allow_unused=*/true);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].defined()) results[i] = at::zeros_like(tape.inputs[i]);
    results[i] = results[i].detach();
  }
  torch::jit::push(*stack, std::move(results));
}

}  // namespace

void register_taped_ops() {
  static const bool once = [] {
    for (const auto key : {c10::DispatchKey::CPU, c10::DispatchKey::CUDA}) {
      auto* library =
          new torch::Library(torch::Library::IMPL, std::string(wire::kTapedNamespace), key, __FILE__, __LINE__);
      for (const auto& name : wire::taped_ops()) {
        library->impl(toString(name).c_str(), torch::CppFunction::makeFromBoxedFunction<&run_taped>());
      }
      library->impl("backward", torch::CppFunction::makeFromBoxedFunction<&run_backward>());
    }
    return true;
  }();
  (void)once;
}

}  // namespace remote::worker
