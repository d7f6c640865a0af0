// What module.py calls: the C++ API as ops of the namespace `remote`, the one door between Python and C++ that needs no
// Python header.
#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <c10/util/Exception.h>
#include <torch/library.h>

#include <algorithm>

#include <remote/client/session.h>
#include <remote/connect.h>
#include <remote/device/runtime.h>
#include <remote/stats.h>

namespace remote::python {
namespace {

/// All devices, where one is expected.
constexpr int64_t kAll = -1;

c10::Device device_at(int64_t index) {
  return {c10::DeviceType::PrivateUse1, static_cast<c10::DeviceIndex>(device::Runtime::checked(index))};
}

std::optional<c10::Device> device_or_all(int64_t index) {
  if (index == kAll) return std::nullopt;
  return device_at(index);
}

const at::Generator& generator(int64_t index) { return at::globalContext().defaultGenerator(device_at(index)); }

void seed(int64_t value, int64_t index) {
  const int64_t first = index == kAll ? 0 : index, last = index == kAll ? device::kDeviceCount - 1 : index;
  for (int64_t i = first; i <= last; ++i) {
    at::Generator one = generator(i);
    std::lock_guard lock(one.mutex());
    one.set_current_seed(static_cast<uint64_t>(value));
  }
}

/// The warnings of the worker: ops that Python calls as this one don't make them Python's.
c10::List<std::string> synchronize(int64_t index) {
  class Collect final : public c10::WarningHandler {
   public:
    void process(const c10::Warning& warning) override { texts.push_back(warning.msg()); }
    c10::List<std::string> texts;
  } collect;
  try {
    const c10::WarningUtils::WarningHandlerGuard here(&collect);
    remote::synchronize(device_or_all(index));
  } catch (const std::exception&) {
    for (const std::string& text : collect.texts) TORCH_WARN(text);
    throw;
  }
  return collect.texts;
}

/// No worker that is connected has a GPU.
bool computes_on_cpu() {
  return std::ranges::all_of(device::Runtime::get().sessions(),
                             [](const auto& session) { return session->welcome().hardware.device == c10::kCPU; });
}

c10::Dict<std::string, int64_t> counted(int64_t index) {
  c10::Dict<std::string, int64_t> result;
  const Stats counters = stats(device_at(index));
  for (const auto& [name, count] : named_counters(counters)) result.insert(name, static_cast<int64_t>(count));
  for (const auto& [place, count] : counters.synchronisation_places) {
    result.insert("wait: " + place, static_cast<int64_t>(count));
  }
  return result;
}

TORCH_LIBRARY(remote, m) {
  m.def("connect(str[] addresses, str credential) -> ()",
        [](const c10::List<std::string>& addresses, std::string credential) {
          ConnectOptions options;
          options.credential = std::move(credential);
          remote::connect({addresses.begin(), addresses.end()}, options);
        });
  m.def("disconnect(int device) -> ()", [](int64_t device) { remote::disconnect(device_or_all(device)); });
  m.def("synchronize(int device) -> str[]", &synchronize);
  m.def("clear_errors(int device) -> ()", [](int64_t device) { remote::clear_errors(device_or_all(device)); });
  m.def("stats(int device) -> Dict(str, int)", &counted);
  m.def("drain() -> ()", &device::Runtime::drain);
  m.def("finish_embedded() -> ()", [] { device::Runtime::finish_embedded("a new setting"); });
  m.def("computes_on_cpu() -> bool", &computes_on_cpu);
  m.def("is_in_bad_fork() -> bool", [] { return device::Runtime::get().is_in_bad_fork(); });
  m.def("device_count() -> int", [] { return int64_t{device::Runtime::get().device_count()}; });
  m.def("current_device() -> int", [] { return static_cast<int64_t>(device::Runtime::current_device()); });
  m.def("set_device(int device) -> ()", [](int64_t device) {
    device::Runtime::set_current_device(static_cast<c10::DeviceIndex>(device::Runtime::checked(device)));
  });
  m.def("manual_seed(int seed, int device) -> ()", &seed);
  m.def("get_rng_state(int device) -> Tensor", [](int64_t device) { return generator(device).get_state(); });
  m.def("set_rng_state(Tensor state, int device) -> ()",
        [](const at::Tensor& state, int64_t device) { at::Generator(generator(device)).set_state(state); });
}

}  // namespace
}  // namespace remote::python
