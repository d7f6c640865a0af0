#include <remote/train/state_dict.h>

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <map>
#include <set>
#include <sstream>

#include <remote/device/error.h>
#include <remote/tensor/fetch.h>

namespace remote::train {
namespace {

/// Every name, tied ones included.
NamedTensors all_names(const torch::nn::Module& module) {
  NamedTensors result;
  for (const auto& item : module.named_parameters()) result.push_back({item.key(), item.value()});
  for (const auto& item : module.named_buffers()) result.push_back({item.key(), item.value()});
  std::erase_if(result, [](const NamedTensor& entry) { return !entry.tensor.defined(); });
  return result;
}

bool may_be_missing(const std::string& name) { return name.ends_with("num_batches_tracked"); }

void list(std::ostringstream& out, const char* what, const std::vector<std::string>& entries) {
  if (entries.empty()) return;
  out << "\n  " << what << ":";
  for (const std::string& entry : entries) out << "\n    " << entry;
}

std::string shape_of(const at::Tensor& tensor) {
  std::ostringstream out;
  out << tensor.sizes();
  return out.str();
}

}  // namespace

NamedTensors state_dict(const torch::nn::Module& module) {
  NamedTensors result;
  std::set<const void*> seen;
  for (NamedTensor& entry : all_names(module)) {
    if (seen.insert(entry.tensor.unsafeGetTensorImpl()).second) result.push_back(std::move(entry));
  }
  return result;
}

NamedTensors fetch_all(const NamedTensors& tensors) {
  std::vector<TensorFuture> futures;
  for (const NamedTensor& entry : tensors) futures.push_back(fetch(entry.tensor.detach()));
  NamedTensors result;
  for (size_t i = 0; i < tensors.size(); ++i) result.push_back({tensors[i].name, futures[i].get()});
  return result;
}

void load_state_dict(torch::nn::Module& module, const NamedTensors& values, const std::string& source) {
  const NamedTensors own = all_names(module);
  std::map<std::string, at::Tensor> given, wanted;
  for (const NamedTensor& entry : values) given[entry.name] = entry.tensor;
  std::set<const void*> covered;
  for (const NamedTensor& entry : own) {
    wanted[entry.name] = entry.tensor;
    if (given.count(entry.name)) covered.insert(entry.tensor.unsafeGetTensorImpl());
  }

  std::vector<std::string> missing, unexpected, mismatched;
  for (const NamedTensor& entry : own) {
    if (!covered.count(entry.tensor.unsafeGetTensorImpl()) && !may_be_missing(entry.name)) {
      missing.push_back(entry.name + " " + shape_of(entry.tensor));
    }
  }
  for (const auto& [name, tensor] : given) {
    auto target = wanted.find(name);
    if (target == wanted.end()) {
      unexpected.push_back(name + " " + shape_of(tensor));
    } else if (target->second.sizes() != tensor.sizes()) {
      mismatched.push_back(name + ": " + shape_of(tensor) + " there, " + shape_of(target->second) + " in the model");
    }
  }
  if (!missing.empty() || !unexpected.empty() || !mismatched.empty()) {
    std::ostringstream out;
    out << source << " does not fit the model:";
    list(out, "missing there", missing);
    list(out, "not in the model", unexpected);
    list(out, "of another shape", mismatched);
    throw_error(StatusCode::kInvalidArgument, out.str());
  }

  at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : given) wanted.at(name).copy_(tensor);
}

}  // namespace remote::train
