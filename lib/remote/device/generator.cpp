#include <remote/device/generator.h>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <array>
#include <atomic>
#include <memory>

#include <remote/base/waiting.h>
#include <remote/client/session.h>
#include <remote/device/error.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

std::atomic<uint64_t> g_next_generator{1};

}  // namespace

RemoteGenerator::RemoteGenerator(c10::DeviceIndex device, uint64_t id)
    : c10::GeneratorImpl(c10::Device(c10::DeviceType::PrivateUse1, device),
                         c10::DispatchKeySet(c10::DispatchKey::PrivateUse1)),
      id_(id),
      seed_(c10::default_rng_seed_val) {}

RemoteGenerator::~RemoteGenerator() {
  if (created_in_ == nullptr) return;
  const auto session = Runtime::get().session_if_connected(device().index());
  if (session.get() == created_in_) session->release_generator(id_);
}

void RemoteGenerator::set_current_seed(uint64_t seed) {
  const LockedByCaller locked(callers_mutex());
  const auto session = Runtime::get().session_if_connected(device().index());
  const auto lock = lock_while_waiting(seed_mutex_);
  seed_ = seed;
  seeded_ = true;
  if (session == nullptr || (id_ != 0 && session.get() != created_in_)) return;
  value_or_throw(session->record([&](wire::RecordWriter& out) { return out.seed(id_, seed), Status(); }));
}

void RemoteGenerator::announce(client::Session& session) {
  if (!seeded_) return;
  value_or_throw(session.record([&](wire::RecordWriter& out) { return out.seed(id_, seed_), Status(); }));
}

uint64_t RemoteGenerator::wire_id() {
  if (id_ == 0) return id_;
  auto& session = Runtime::get().session(device().index());
  const auto lock = lock_while_waiting(seed_mutex_);
  if (created_in_ != &session) {
    value_or_throw(session.record([&](wire::RecordWriter& out) { return out.create_generator(id_, seed_), Status(); }));
    created_in_ = &session;
  }
  return id_;
}

void RemoteGenerator::set_offset(uint64_t offset) {
  if (offset == 0) return;
  throw_error(StatusCode::kUnimplemented,
              "remote: a worker's generator has no offset; use set_state() with a state that get_state() returned");
}

uint64_t RemoteGenerator::get_offset() const {
  return 0;
}

uint64_t RemoteGenerator::seed() {
  const uint64_t seed = c10::detail::getNonDeterministicRandom();
  set_current_seed(seed);
  return seed;
}

c10::intrusive_ptr<c10::TensorImpl> RemoteGenerator::get_state() const {
  const LockedByCaller locked(callers_mutex());
  auto& session = Runtime::get().session(device().index());
  const uint64_t id = const_cast<RemoteGenerator*>(this)->wire_id();
  session.count_synchronisation("Generator::get_state");
  auto pending = session.request([&](wire::RecordWriter& out, uint64_t request) {
    return out.fetch_generator_state(id, request), Status();
  });
  const std::string_view state = value_or_throw(pending->wait());
  at::Tensor tensor = at::empty({static_cast<int64_t>(state.size())}, at::TensorOptions(at::kByte).device(at::kCPU));
  std::memcpy(tensor.mutable_data_ptr(), state.data(), state.size());
  return tensor.getIntrusivePtr();
}

void RemoteGenerator::set_state(const c10::TensorImpl& state) {
  TORCH_CHECK_TYPE(state.device_type() == c10::DeviceType::CPU && state.dtype() == caffe2::TypeMeta::Make<uint8_t>(),
                   "remote: a generator's state must be a uint8 tensor on the CPU");
  const LockedByCaller locked(callers_mutex());
  auto& session = Runtime::get().session(device().index());
  uint64_t seed = 0;
  if (session.welcome().hardware.device == c10::kCPU) {
    // A CPU's generator says what is wrong with it, and which seed it began with.
    at::Generator twin = at::detail::createCPUGenerator();
    twin.unsafeGetGeneratorImpl()->set_state(state);
    seed = twin.current_seed();
  } else if (static_cast<size_t>(state.numel()) >= sizeof(seed)) {
    std::memcpy(&seed, state.data(), sizeof(seed));
  }
  const uint64_t id = wire_id();
  const std::string_view bytes(static_cast<const char*>(state.data()), state.numel());
  value_or_throw(session.record([&](wire::RecordWriter& out) { return out.set_generator_state(id, bytes), Status(); }));
  const auto lock = lock_while_waiting(seed_mutex_);
  seed_ = seed;
}

RemoteGenerator* RemoteGenerator::clone_impl() const {
  const LockedByCaller locked(callers_mutex());
  const uint64_t from = const_cast<RemoteGenerator*>(this)->wire_id();
  auto copy = std::make_unique<RemoteGenerator>(device().index(), g_next_generator++);
  auto& session = Runtime::get().session(device().index());
  value_or_throw(
      session.record([&](wire::RecordWriter& out) { return out.fork_generator(from, copy->id_), Status(); }));
  copy->seed_ = seed_;
  copy->created_in_ = &session;
  return copy.release();
}

const at::Generator& default_generator(c10::DeviceIndex device) {
  static auto* generators = [] {
    auto* all = new std::array<at::Generator, kDeviceCount>();
    for (c10::DeviceIndex i = 0; i < kDeviceCount; ++i) (*all)[i] = at::make_generator<RemoteGenerator>(i, 0);
    return all;
  }();
  return (*generators)[Runtime::checked(device)];
}

at::Generator new_generator(c10::DeviceIndex device) {
  return at::make_generator<RemoteGenerator>(device, g_next_generator++);
}

}  // namespace remote::device
