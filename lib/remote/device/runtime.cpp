#include <remote/device/runtime.h>

#include <pthread.h>
#include <torch/csrc/autograd/engine.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>

#include <remote/base/credential.h>
#include <remote/client/fork.h>
#include <remote/device/device_state.h>
#include <remote/device/error.h>
#include <remote/device/generator.h>

namespace remote::device {
namespace {

/// How long a program that ends waits for what it has recorded, on all devices together.
constexpr std::chrono::seconds kExitTimeout{30};

/// A forked child has none of autograd's threads, one for each device, and would wait ten seconds for them when it
/// ends.
void forget_autograd_threads() { torch::autograd::Engine::get_default_engine().release_workers(); }

/// Waits for what was recorded when the main thread's own variables are destroyed, which is before all static ones:
/// an embedded worker that still computes would find LibTorch's gone. An atexit() handler comes too late for statics
/// that are made after it was registered.
struct EndOfMainThread {
  ~EndOfMainThread() {
    if (::gettid() == ::getpid()) Runtime::drain();
  }
};
thread_local EndOfMainThread end_of_main_thread;

/// The library is loaded by the main thread, as a rule, and connected by it else.
void watch_main_thread() {
  (void)&end_of_main_thread;
}
[[maybe_unused]] const bool watched_at_load = (watch_main_thread(), true);

/// REMOTE_WORKERS=host:port,unix:/path,...; nothing when that is not set.
std::vector<std::string> addresses_from_environment() {
  std::vector<std::string> addresses;
  const char* list = std::getenv("REMOTE_WORKERS");
  if (list == nullptr || *list == '\0') return addresses;
  std::istringstream stream(list);
  for (std::string address; std::getline(stream, address, ',');) {
    const size_t first = address.find_first_not_of(' '), last = address.find_last_not_of(' ');
    addresses.push_back(first == address.npos ? "" : address.substr(first, last - first + 1));
  }
  if (addresses.size() > static_cast<size_t>(kDeviceCount)) {
    throw_error(StatusCode::kInvalidArgument, "REMOTE_WORKERS names " + std::to_string(addresses.size()) +
                                                  " workers; a process has at most " + std::to_string(kDeviceCount));
  }
  return addresses;
}

/// The N-th of REMOTE_WORKERS; "embedded" when that is not set.
std::string address_from_environment(c10::DeviceIndex device) {
  const auto addresses = addresses_from_environment();
  if (addresses.empty()) return "embedded";
  if (const auto index = static_cast<size_t>(device); index < addresses.size()) return addresses[index];
  throw_error(StatusCode::kFailedPrecondition,
              "remote:" + std::to_string(device) + " has no worker: REMOTE_WORKERS=" + std::getenv("REMOTE_WORKERS") +
                  " names " + std::to_string(addresses.size()) + "; add an address, or call remote::connect()");
}

/// The first line of the file REMOTE_CREDENTIAL_FILE; "" when that is not set.
std::string credential_from_environment() {
  const char* path = std::getenv("REMOTE_CREDENTIAL_FILE");
  if (path == nullptr || *path == '\0') return "";
  auto credential = read_credential(path);
  if (credential.ok()) return std::move(credential).value();
  throw_error(credential.status().code(), "REMOTE_CREDENTIAL_FILE: " + credential.status().message());
}

}  // namespace

Runtime& Runtime::get() {
  static auto* runtime = new Runtime();
  return *runtime;
}

void Runtime::connect(const std::vector<std::string>& addresses, const client::SessionOptions& options) {
  if (addresses.empty() || addresses.size() > static_cast<size_t>(kDeviceCount)) {
    throw_error(StatusCode::kInvalidArgument, "remote::connect: expected 1 to " + std::to_string(kDeviceCount) +
                                                  " addresses, got " + std::to_string(addresses.size()));
  }
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < addresses.size(); ++i) {
    const auto& session = sessions_[i];
    if (session && session->alive() && session->address() != addresses[i]) {
      throw_error(StatusCode::kAlreadyExists, "remote::connect: remote:" + std::to_string(i) + " is connected to " +
                                                  session->address() + ", not " + addresses[i] +
                                                  "; call remote::disconnect() first, which ends its tensors");
    }
  }
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (sessions_[i] && sessions_[i]->alive()) continue;
    attach(static_cast<c10::DeviceIndex>(i), addresses[i], options);
  }
}

void Runtime::attach(c10::DeviceIndex device, const std::string& address, client::SessionOptions options) {
  if (options.credential.empty()) options.credential = credential_from_environment();
  auto session = client::Session::connect(address, options);
  if (!session.ok()) {
    throw_error(session.status().code(), "remote:" + std::to_string(device) + ": " + session.status().message());
  }
  watch_main_thread();
  if (!exit_handler_registered_) {
    exit_handler_registered_ = true;
    std::atexit(&Runtime::at_exit);
    pthread_atfork(nullptr, nullptr, &forget_autograd_threads);
  }
  auto& place = sessions_[device];
  if (place) {
    place->close();
    closed_.push_back(std::move(place));
  }
  place = std::move(session).value();
  device_state(device).sent_settings = untold_settings();
  // The default generator lives as long as the process: tell the new session what it was seeded with.
  auto* generator = static_cast<RemoteGenerator*>(default_generator(device).unsafeGetGeneratorImpl());
  generator->announce(*place);
  fast_[device].store(place.get(), std::memory_order_release);
}

client::Session& Runtime::connect_on_first_use(c10::DeviceIndex device) {
  std::lock_guard lock(mutex_);
  if (auto* session = fast_[device].load(std::memory_order_acquire)) return *session;
  attach(device, address_from_environment(device), {});
  return *sessions_[device];
}

void Runtime::disconnect(c10::DeviceIndex device) {
  std::shared_ptr<client::Session> session;
  {
    std::lock_guard lock(mutex_);
    session = std::move(sessions_[checked(device)]);
    fast_[device].store(nullptr, std::memory_order_release);
    if (!session) return;
    closed_.push_back(session);
  }
  session->close();
}

std::shared_ptr<client::Session> Runtime::session_if_connected(c10::DeviceIndex device) {
  std::lock_guard lock(mutex_);
  return sessions_[checked(device)];
}

bool Runtime::is_in_bad_fork() const {
  return std::ranges::any_of(fast_, [](const std::atomic<client::Session*>& entry) {
    const auto* session = entry.load(std::memory_order_acquire);
    return session != nullptr && session->forked();
  });
}

int Runtime::device_count() {
  size_t count = std::max<size_t>(1, addresses_from_environment().size());
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < sessions_.size(); ++i) {
    if (sessions_[i]) count = std::max(count, i + 1);
  }
  return static_cast<int>(std::min<size_t>(count, kDeviceCount));
}

std::vector<std::shared_ptr<client::Session>> Runtime::sessions() {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<client::Session>> connected;
  for (const auto& session : sessions_) {
    if (session) connected.push_back(session);
  }
  return connected;
}

void Runtime::release(c10::DeviceIndex device, uint64_t storage) noexcept {
  // Without mutex_: a deleter may run under any lock. Sessions are never destroyed once they were used.
  if (auto* session = fast_[device].load(std::memory_order_acquire)) session->release(storage);
}

void Runtime::resize(const StorageContext& context, uint64_t bytes) {
  value_or_throw(session(context.device).record([&](wire::RecordWriter& out) {
    return out.resize(context.id, std::nullopt, bytes), Status();
  }));
}

void Runtime::drain() {
  if (client::fork_generation() != 0) return;
  using Clock = std::chrono::steady_clock;
  static const Clock::time_point deadline = Clock::now() + kExitTimeout;
  static auto* given_up = new std::set<const client::Session*>();  // told once
  for (const auto& session : get().sessions()) {
    if (!session->alive() || given_up->contains(session.get())) continue;
    // One that is not to blame gets a moment, too.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    Status status;
    try {
      status = session->synchronize("exit", std::max(left, std::chrono::milliseconds(1000)));
    } catch (const std::exception& error) {  // a warning that a handler has made an error
      status = {StatusCode::kUnknown, error.what()};
    }
    if (!status.ok()) std::fprintf(stderr, "remote: %s\n", status.message().c_str());
    if (status.code() == StatusCode::kDeadlineExceeded) given_up->insert(session.get());
  }
}

void Runtime::finish_embedded(std::string_view place) {
  constexpr std::chrono::seconds kPatience{10};
  // Not through sessions(): a thread that connects holds that lock, and may wait for the dispatcher's, which is held
  // here when an op goes.
  std::vector<client::Session*> sessions;
  for (const auto& connected : get().fast_) {
    auto* session = connected.load(std::memory_order_acquire);
    if (session != nullptr && session->alive() && session->address().starts_with("embedded"))
      sessions.push_back(session);
  }
  if (sessions.empty()) return;
  const auto deadline = client::PendingValue::Clock::now() + kPatience;
  for (auto* session : sessions) {
    session->count_synchronisation(place);
    // An answer that comes when all before it has run, and takes no error along.
    const auto state = session->request(
        [](wire::RecordWriter& out, uint64_t request) { return out.fetch_generator_state(0, request), Status(); }, {},
        deadline);
    (void)state->wait(deadline, client::ReportErrors::kNo);
  }
}

void Runtime::at_exit() {
  if (client::fork_generation() != 0) return;
  drain();
  for (const auto& session : get().sessions()) session->close();
}

}  // namespace remote::device
