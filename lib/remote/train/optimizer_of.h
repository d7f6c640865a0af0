#pragma once
#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <string>

#include <remote/train/optimizer_base.h>

namespace remote::train {

/// What one of LibTorch's optimizers remembers of a parameter: specialised with `static void visit(ParamState&,
/// visitor)`, which calls visitor.count("step", x) for counts and visitor.moment("exp_avg", x) for tensors shaped like
/// the parameter.
template <class ParamState>
struct StateFields;

/// Collects a parameter's state under its name.
class StateWriter {
 public:
  StateWriter(NamedTensors& out, std::string prefix) : out_(out), prefix_(std::move(prefix)) {}

  void count(const char* name, int64_t& value) const {
    out_.push_back({prefix_ + name, at::scalar_tensor(value, at::TensorOptions(at::kLong).device(at::kCPU))});
  }
  void count(const char* name, at::Tensor& value) const { moment(name, value); }
  void moment(const char* name, at::Tensor& value) const {
    if (value.defined()) out_.push_back({prefix_ + name, value});
  }

 private:
  NamedTensors& out_;
  std::string prefix_;
};

/// Takes a parameter's state out of `given`; what is not there stays as it was.
class StateReader {
 public:
  StateReader(std::map<std::string, at::Tensor>& given, std::string prefix, const at::Tensor& parameter,
              const std::string& source)
      : given_(given), prefix_(std::move(prefix)), parameter_(parameter), source_(source) {}

  void count(const char* name, int64_t& value) const {
    if (at::Tensor tensor = take(name, {}); tensor.defined()) value = tensor.item<int64_t>();
  }
  /// Stays on the CPU, from where the optimizer takes it.
  void count(const char* name, at::Tensor& value) const {
    if (at::Tensor tensor = take(name, {}); tensor.defined()) value = tensor;
  }
  void moment(const char* name, at::Tensor& value) const {
    if (at::Tensor tensor = take(name, parameter_.sizes()); tensor.defined()) value = tensor.to(parameter_.device());
  }

 private:
  at::Tensor take(const char* name, at::IntArrayRef shape) const {
    auto node = given_.extract(prefix_ + name);
    if (!node) return {};
    if (node.mapped().sizes() != shape) {
      throw_error(StatusCode::kInvalidArgument, source_ + ": " + prefix_ + name + " has the shape " +
                                                    c10::str(node.mapped().sizes()) + ", expected " + c10::str(shape));
    }
    // A copy: the optimizer changes its state in place, and the tensor is the caller's.
    return node.mapped().clone();
  }

  std::map<std::string, at::Tensor>& given_;
  std::string prefix_;
  const at::Tensor& parameter_;
  const std::string& source_;
};

/// An Optimizer made of one of LibTorch's kind, whose options are KindOptions and whose state is ParamState.
template <class Kind, class KindOptions, class ParamState>
class OptimizerOf : public OptimizerBase {
 public:
  OptimizerOf(const torch::nn::Module& module, const WeightDecayOptions& decay, const KindOptions& options)
      : OptimizerBase(
            module, decay, options.lr(),
            [&](const auto& groups) { return std::make_unique<Kind>(groups, options); },
            [&](double weight_decay) {
              auto result = std::make_unique<KindOptions>(options);
              result->weight_decay(weight_decay);
              return result;
            }) {}

  NamedTensors state() const override {
    NamedTensors result;
    for (size_t i = 0; i < names().size(); ++i) {
      auto found = impl().state().find(parameters()[i].unsafeGetTensorImpl());
      if (found == impl().state().end()) continue;
      StateFields<ParamState>::visit(static_cast<ParamState&>(*found->second), StateWriter(result, names()[i] + "."));
    }
    return result;
  }

  void load_state(const NamedTensors& state, const std::string& source) override {
    std::map<std::string, at::Tensor> given;
    for (const NamedTensor& entry : state) given[entry.name] = entry.tensor;
    for (size_t i = 0; i < names().size(); ++i) {
      auto loaded = std::make_unique<ParamState>();
      const size_t before = given.size();
      StateFields<ParamState>::visit(*loaded, StateReader(given, names()[i] + ".", parameters()[i], source));
      if (given.size() < before) impl().state()[parameters()[i].unsafeGetTensorImpl()] = std::move(loaded);
    }
    if (!given.empty()) {
      throw_error(StatusCode::kInvalidArgument, source +
                                                    " has optimizer state that does not belong to this optimizer or "
                                                    "model: " +
                                                    given.begin()->first);
    }
  }
};

}  // namespace remote::train
