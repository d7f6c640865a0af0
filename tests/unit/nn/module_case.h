#pragma once
#include <torch/torch.h>

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <remote/nn/nn.h>

namespace remote::nn::test {

/// An argument of forward().
struct Input {
  Input(at::Tensor tensor) : tensor(std::move(tensor)) {}
  at::Tensor tensor;
  bool stays_local = false;  ///< lengths of sequences, which LibTorch reads on the CPU for any device
  bool has_gradient = true;  ///< of a tensor of floating point
};
inline Input local(at::Tensor tensor) {
  Input input(std::move(tensor));
  input.stays_local = true;
  return input;
}
inline Input without_gradient(at::Tensor tensor) {
  Input input(std::move(tensor));
  input.has_gradient = false;
  return input;
}
using Inputs = std::vector<Input>;

template <class... T>
Inputs inputs_of(T... inputs) {
  return {Input(std::move(inputs))...};
}

/// A module that was made, behind one type.
struct Made {
  std::shared_ptr<torch::nn::Module> module;
  /// Calls the forward() of the type that it was made with; returns the outputs, flattened.
  std::vector<at::Tensor> (*forward)(torch::nn::Module&, const std::vector<at::Tensor>&);
};

/// How to make the same module from torch::nn and from remote::nn, and what to feed it.
struct ModuleCase {
  Inputs inputs;
  Made (*make_local)();
  Made (*make_remote)();
};

inline void flatten(std::vector<at::Tensor>& out, const at::Tensor& tensor) {
  if (tensor.defined()) out.push_back(tensor);
}
inline void flatten(std::vector<at::Tensor>& out, const torch::nn::ASMoutput& result) {
  flatten(out, result.output);
  out.push_back(at::scalar_tensor(result.loss));
}
template <class... T>
void flatten(std::vector<at::Tensor>& out, const std::tuple<T...>& tuple) {
  std::apply([&](const auto&... element) { (flatten(out, element), ...); }, tuple);
}

template <class Impl, size_t... I>
std::vector<at::Tensor> call(torch::nn::Module& module, const std::vector<at::Tensor>& inputs,
                             std::index_sequence<I...>) {
  std::vector<at::Tensor> outputs;
  flatten(outputs, static_cast<Impl&>(module).forward(inputs.at(I)...));
  return outputs;
}

template <class Holder, size_t kInputs, class... Arguments>
Made make(const Arguments&... arguments) {
  using Impl = typename Holder::ContainedType;
  return {std::make_shared<Impl>(arguments...), [](torch::nn::Module& module, const std::vector<at::Tensor>& inputs) {
            return call<Impl>(module, inputs, std::make_index_sequence<kInputs>());
          }};
}

/// By the module's name.
using ModuleCases = std::map<std::string, ModuleCase>;

void add_parameter_modules(ModuleCases& cases);
void add_shape_only_modules(ModuleCases& cases);
void add_losses(ModuleCases& cases);

/// Normal numbers, the same in every run.
inline at::Tensor numbers(at::IntArrayRef sizes) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(17), at::TensorOptions(at::kFloat));
}
inline at::Tensor other_numbers(at::IntArrayRef sizes) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(18), at::TensorOptions(at::kFloat));
}
inline at::Tensor indices(int64_t high, at::IntArrayRef sizes) {
  return at::randint(high, sizes, at::make_generator<at::CPUGeneratorImpl>(19), at::TensorOptions(at::kLong));
}
/// Of 0 and 1, and of -1 and 1.
inline at::Tensor flags(at::IntArrayRef sizes) { return indices(2, sizes).to(at::kFloat); }
inline at::Tensor signs(at::IntArrayRef sizes) { return flags(sizes) * 2 - 1; }

/// Out of line: inlined a hundred times, this is most of the time that the cases take to compile.
void add_case(ModuleCases& cases, const char* name, Inputs inputs, Made (*make_local)(), Made (*make_remote)());

// REMOTE_NN_CASE(cases, Name, number of inputs, (inputs...), constructor arguments...)
#define REMOTE_NN_CASE(cases, Name, COUNT, INPUTS, ...)                                     \
  add_case(cases, #Name, inputs_of INPUTS, [] { return make<torch::nn::Name, COUNT>(__VA_ARGS__); }, \
           [] { return make<remote::nn::Name, COUNT>(__VA_ARGS__); })

}  // namespace remote::nn::test
