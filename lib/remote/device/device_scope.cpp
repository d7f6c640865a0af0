#include <remote/device/device_scope.h>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <remote/device/error.h>
#include <remote/device/op_info.h>
#include <remote/device/runtime.h>

// Note [Device scope]
// LibTorch gives C++ no "default device". The dispatch key DeferredInit has no kernels and comes before all others: a
// boxed fallback on it sees every op of a thread that includes the key, and can fill in the device argument of a
// factory that was left empty. The key is excluded while the op runs, so that what an op makes inside (a CPU copy, a
// printed tensor) stays where the op wants it.

namespace remote {
namespace {

thread_local std::optional<c10::Device> t_device;

void fill_in_device(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const device::OpInfo& info = device::op_info(op);
  c10::impl::ExcludeDispatchKeyGuard once(c10::DispatchKey::DeferredInit);
  if (t_device && info.is_factory) {
    auto& device = torch::jit::peek(*stack, static_cast<size_t>(info.device_argument), info.argument_count);
    if (device.isNone()) device = *t_device;
  }
  // With the keys that it was called with: those of a generator can't be told from the stack.
  op.redispatchBoxed(keys.remove(c10::DispatchKey::DeferredInit), stack);
}

c10::Device with_index(c10::Device device) {
  if (device.is_cpu()) return device;
  if (device.type() != c10::DeviceType::PrivateUse1) {
    throw_error(StatusCode::kInvalidArgument,
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
