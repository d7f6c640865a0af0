#include <remote/device/device_scope.h>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <unordered_map>

#include <remote/device/error.h>
#include <remote/device/runtime.h>

// Note [Device scope]
// LibTorch gives C++ no "default device". The dispatch key DeferredInit has no kernels and comes before all others: a
// boxed fallback on it sees every op of a thread that includes the key, and can fill in the device argument of a
// factory that was left empty. The key is excluded while the op runs, so that what an op makes inside (a CPU copy, a
// printed tensor) stays where the op wants it.

namespace remote {
namespace {

thread_local std::optional<c10::Device> t_device;

/// Where a factory takes its device.
struct Factory {
  int device_argument = -1;  // -1: no factory
};

const Factory& factory_of(const c10::OperatorHandle& op) {
  static thread_local std::unordered_map<const c10::FunctionSchema*, Factory> known;
  const auto& schema = op.schema();
  const auto [entry, is_new] = known.try_emplace(&schema);
  if (!is_new) return entry->second;
  bool takes_tensor = false;
  const auto& arguments = schema.arguments();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string type = arguments[i].type()->str();
    if (arguments[i].name() == "device" && type.find("Device") != type.npos)
      entry->second.device_argument = static_cast<int>(i);
    takes_tensor |= type.find("Tensor") != type.npos;
  }
  if (takes_tensor) entry->second.device_argument = -1;
  return entry->second;
}

void fill_in_device(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
  const Factory& factory = factory_of(op);
  c10::impl::ExcludeDispatchKeyGuard once(c10::DispatchKey::DeferredInit);
  if (t_device && factory.device_argument >= 0) {
    auto& device = torch::jit::peek(*stack, factory.device_argument, op.schema().arguments().size());
    if (device.isNone()) device = *t_device;
  }
  op.callBoxed(stack);
}

c10::Device with_index(c10::Device device) {
  if (device.is_cpu()) return device;
  if (device.type() != c10::DeviceType::PrivateUse1) {
    throw Error(StatusCode::kInvalidArgument,
                "remote: DeviceScope takes \"remote:N\" or \"cpu\", got \"" + device.str() + "\"");
  }
  if (!device.has_index()) return {device.type(), device::Runtime::current_device()};
  device::Runtime::checked(device.index());
  return device;
}

TORCH_LIBRARY_IMPL(_, DeferredInit, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&fill_in_device>());
}

}  // namespace

DeviceScope::DeviceScope(c10::Device device) : outer_(t_device), include_(c10::DispatchKey::DeferredInit) {
  t_device = with_index(device);
}

DeviceScope::~DeviceScope() { t_device = outer_; }

std::optional<c10::Device> DeviceScope::current() { return t_device; }

}  // namespace remote
