#include <remote/name_parameters.h>

#include <torch/nn/module.h>

#include <remote/device/error.h>
#include <remote/device/runtime.h>
#include <remote/device/storage.h>
#include <remote/nn/scoped_module.h>
#include <remote/wire/limits.h>

namespace remote {
namespace {

void name_tensor(const at::Tensor& tensor, const std::string& full_name) {
  if (!tensor.defined() || !tensor.is_privateuseone()) return;
  const std::string name = full_name.substr(0, wire::kMaxNameBytes);
  const device::StorageContext& context = *device::context_of(*tensor.unsafeGetTensorImpl());
  device::name_storage(context, name);
  const auto recorded = device::Runtime::get().session(context.device).record([&](wire::RecordWriter& out) {
    // The worker knows a storage from its first mention; one that nothing has written yet has no error to name it in.
    if (context.announced) out.name_storage(context.id, name);
    return Status();
  });
  throw_if_error(recorded.status());
}

}  // namespace

void name_parameters(torch::nn::Module& module, const std::string& prefix) {
  const std::string start = prefix.empty() ? "" : prefix + ".";
  for (const auto& item : module.named_parameters()) name_tensor(item.value(), start + item.key());
  for (const auto& item : module.named_buffers()) name_tensor(item.value(), start + item.key());
  auto set_path = [](torch::nn::Module& part, const std::string& path) {
    if (auto* scoped = dynamic_cast<nn::ScopedModule*>(&part)) scoped->set_scope_path(path);
  };
  set_path(module, prefix);
  for (const auto& item : module.named_modules(prefix, /*include_self=*/false)) set_path(*item.value(), item.key());
}

}  // namespace remote
