#include <worker/backend/core.h>

#include <unistd.h>

#include <chrono>
#include <random>

#include <worker/backend/session.h>

namespace remote::worker {
namespace {

constexpr std::chrono::seconds kIdleGrace{1};

}  // namespace

uint64_t draw_number() {
  uint64_t number = 0;
  while (number == 0) {
    if (getentropy(&number, sizeof number) != 0) {
      std::random_device device;
      number = (uint64_t{device()} << 32) | device();
    }
  }
  return number;
}

Core::Core(BackendOptions backend_options, std::unique_ptr<Device> backend_device)
    : options(std::move(backend_options)),
      incarnation(draw_number()),
      device(std::move(backend_device)),
      worker_name(options.peer_address.empty() ? device->name() : options.peer_address + " on " + device->name()),
      operations(*device, options.allowed_namespaces, options.shares_process),
      executor(*device, options.threads) {}

void Core::add(const std::shared_ptr<SessionImpl>& session) {
  std::lock_guard lock(mutex_);
  sessions_.emplace(session->welcome().session, session);
  ++sessions_opened_;
}

void Core::remove(uint64_t session) {
  std::shared_ptr<SessionImpl> removed;  // destroyed after the lock is free
  {
    std::lock_guard lock(mutex_);
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    removed = std::move(found->second);
    sessions_.erase(found);
    removed_.notify_all();
    if (!options.on_idle || !sessions_.empty()) return;
  }
  executor.call_at(Executor::Clock::now() + kIdleGrace, [this] {
    if (session_count() == 0) options.on_idle();
  });
}

std::vector<std::shared_ptr<SessionImpl>> Core::sessions() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<SessionImpl>> all;
  for (const auto& [id, session] : sessions_) all.push_back(session);
  return all;
}

uint64_t Core::session_count() const {
  std::lock_guard lock(mutex_);
  return sessions_.size();
}

uint64_t Core::sessions_opened() const {
  std::lock_guard lock(mutex_);
  return sessions_opened_;
}

bool Core::wait_until_empty(Executor::Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return removed_.wait_until(lock, deadline, [&] { return sessions_.empty(); });
}

void Core::apply_settings(const SessionSettings& settings) {
  if (settings.shares_process()) return;
  try {
    process_settings.apply(settings.values());
  } catch (const std::exception&) {
    // Old and new precision switches of LibTorch contradict each other in this process: the session runs with what
    // there is.
  }
  settings_owner = settings.serial();
}

void Core::lose_device(const Status& why) {
  {
    std::lock_guard lock(mutex_);
    if (device_lost_) return;
    lost_ = {StatusCode::kUnavailable, "DEVICE_LOST: " + device->name() + " can't be used any more, by any session: " +
                                           why.message() + "; the worker must be started again"};
    device_lost_.store(true, std::memory_order_release);
  }
  for (const auto& session : sessions()) session->wake();
  if (options.on_device_lost) report_lost_device();
}

void Core::report_lost_device() {
  executor.call_at(Executor::Clock::now() + std::chrono::milliseconds(10), [this] {
    if (executor.others_wait()) return report_lost_device();
    options.on_device_lost(health());
  });
}

Status Core::health() const {
  std::lock_guard lock(mutex_);
  return lost_;
}

}  // namespace remote::worker
