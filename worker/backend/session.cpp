#include <worker/backend/session.h>

#include <utility>

#include <worker/backend/errors.h>

namespace remote::worker {
namespace {

/// How much runs before the others get a turn.
constexpr uint64_t kRecordsPerTurn = 64;
constexpr auto kTimePerTurn = std::chrono::milliseconds(1);

}  // namespace

SessionImpl::SessionImpl(std::shared_ptr<Core> core, wire::Welcome welcome, std::shared_ptr<wire::RecordSource> source,
                         std::shared_ptr<SessionSink> sink)
    : core_(std::move(core)),
      welcome_(std::move(welcome)),
      source_(std::move(source)),
      sink_(std::move(sink)),
      fetched_(std::make_shared<FetchedBytes>()),
      transfers_(*core_->device, welcome_.limits.max_inflight_transfer_bytes),
      state_(*core_),
      interpreter_(*core_, state_, transfers_, fetched_->bytes) {}

SessionImpl::Bulk::~Bulk() {
  count->bytes.fetch_sub(bytes, std::memory_order_release);
  // A fetch may have waited for this one to go.
  if (const auto session = count->session.lock()) session->wake();
}

Status SessionImpl::supply(const wire::Chunk& chunk) {
  auto complete = transfers_.supply(chunk);
  if (complete.ok()) {
    if (*complete) wake();
    return {};
  }
  {
    std::lock_guard lock(refusal_mutex_);
    if (refusal_.ok()) refusal_ = complete.status();
  }
  refused_.store(true, std::memory_order_release);
  wake();
  return complete.status();
}

void SessionImpl::disconnect(bool keep_lease) {
  if (disconnected_.exchange(true)) return;
  keep_lease_ = keep_lease;
  if (core_->executor.detach(shared_from_this())) detached();
}

void SessionImpl::detached() {
  source_.reset();
  sink_.reset();
  transfers_.close();
  if (!keep_lease_ || ended_ || core_->draining) return expire();
  leased_.store(true, std::memory_order_release);
  core_->executor.call_at(Executor::Clock::now() + std::chrono::milliseconds(welcome_.lease_ms),
                          [weak = weak_from_this()] {
                            if (const auto session = weak.lock()) session->expire();
                          });
}

void SessionImpl::expire() {
  if (freed_.exchange(true)) return;
  state_.clear();
  core_->remove(welcome_.session);
}

Task::Step SessionImpl::step() {
  if (ended_) return Step::kIdle;
  if (core_->device_lost()) return end(core_->health());
  if (refused_.load(std::memory_order_acquire)) {
    std::lock_guard lock(refusal_mutex_);
    return end(refusal_);
  }
  // Known only now: a constructor can't ask for its own weak pointer.
  if (fetched_->session.expired()) fetched_->session = weak_from_this();
  try {
    state_.lane->enter();
    if (core_->settings_owner != state_.settings.serial()) core_->apply_settings(state_.settings);
    return run();
  } catch (const std::exception& error) {
    const Status status = status_of(error);
    if (is_lost(status)) return end(core_->health());
    return end({StatusCode::kInvalidArgument, "a record that can't be carried out: " + status.message()});
  }
}

bool SessionImpl::is_lost(const Status& status) {
  if (!core_->device_lost() && core_->device->lost()) core_->lose_device(status);
  return core_->device_lost();
}

Task::Step SessionImpl::run() {
  const auto start = Executor::Clock::now();
  for (uint64_t records = 1;; ++records) {
    if (disconnected_.load(std::memory_order_relaxed)) return Step::kIdle;
    if (!reader_ && !take_batch()) return ended_ ? Step::kIdle : idle();
    if (reader_->done()) {
      if (executed_ != received_) {
        return end({StatusCode::kInvalidArgument,
                    "a batch said to have " + std::to_string(batch_.record_count) + " records, and has fewer"});
      }
      unreported_bytes_ += batch_.bytes.size();
      reader_.reset();
      continue;
    }
    if (executed_ == received_) {
      return end({StatusCode::kInvalidArgument,
                  "a batch said to have " + std::to_string(batch_.record_count) + " records, and has more"});
    }
    const bool runs = reader_->peek() == static_cast<uint8_t>(wire::Verb::kRun);
    // Nobody should wait for an op for what was ready before it.
    if ((runs && !state_.outbox.empty()) || must_report()) {
      flush();
      if (disconnected_.load(std::memory_order_relaxed)) return Step::kIdle;
    }
    const wire::ByteReader before = *reader_;
    switch (interpreter_.execute(*reader_, executed_ + 1)) {
      case Interpreter::Outcome::kDone:
        ++executed_;
        break;
      case Interpreter::Outcome::kWait:
        reader_ = before;
        return idle();
      case Interpreter::Outcome::kEnd:
        return end(interpreter_.end_reason());
    }
    if (core_->device_lost()) return end(core_->health());
    if (core_->executor.others_wait() &&
        (records >= kRecordsPerTurn || Executor::Clock::now() - start > kTimePerTurn)) {
      flush();
      return Step::kMore;
    }
  }
}

bool SessionImpl::take_batch() {
  auto batch = source_->take(welcome_.limits.max_batch_bytes);
  if (!batch) return false;
  const wire::Limits& limits = welcome_.limits;
  if (batch->first_sequence != received_ + 1) {
    end({StatusCode::kInvalidArgument, "records from number " + std::to_string(batch->first_sequence) + " came where " +
                                           std::to_string(received_ + 1) + " was next"});
    return false;
  }
  if (batch->record_count > 1 && batch->bytes.size() > limits.max_inflight_bytes + limits.max_batch_bytes) {
    end({StatusCode::kResourceExhausted, "a batch of " + std::to_string(batch->bytes.size()) +
                                             " bytes came, the worker allows " +
                                             std::to_string(limits.max_batch_bytes)});
    return false;
  }
  batch_ = std::move(*batch);
  reader_.emplace(batch_.bytes);
  received_ += batch_.record_count;
  return true;
}

Task::Step SessionImpl::idle() {
  if (!state_.outbox.empty() || core_->executor.others_wait() || reader_ || has_peer_answers()) flush();
  return state_.outbox.deliveries.empty() ? Step::kIdle : Step::kWaitsForDevice;
}

Task::Step SessionImpl::end(Status reason) {
  ended_ = true;
  state_.outbox.failures.push_back({0, std::move(reason)});
  // What still waits for the device may wait for one that is lost.
  std::erase_if(state_.outbox.deliveries, [](const Outbox::Delivery& delivery) { return delivery.ticket != nullptr; });
  flush();
  transfers_.close();
  reader_.reset();
  batch_ = {};
  state_.clear();
  return Step::kIdle;
}

bool SessionImpl::must_report() const {
  const wire::Limits& limits = welcome_.limits;
  return executed_ - reported_ > limits.max_inflight_records / 8 || unreported_bytes_ > limits.max_inflight_bytes / 8;
}

void SessionImpl::settle() {
  if (!ended_ && executed_ != reported_) guarded([&] { flush(); });
}

void SessionImpl::wait_for_device() {
  const auto& deliveries = state_.outbox.deliveries;
  if (!deliveries.empty() && deliveries.front().ticket) guarded([&] { deliveries.front().ticket->wait(); });
}

void SessionImpl::guarded(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    // A wait for the device brings the errors of what it was doing.
    if (const Status status = status_of(error); !is_lost(status)) end(status);
  }
}

void SessionImpl::deliver(wire::Reply& reply, std::vector<std::shared_ptr<Bulk>>& bulks) {
  auto& deliveries = state_.outbox.deliveries;
  while (!deliveries.empty() && (!deliveries.front().ticket || deliveries.front().ticket->done())) {
    Outbox::Delivery delivery = std::move(deliveries.front());
    deliveries.pop_front();
    if (delivery.peer) {
      send_to_peer(std::move(delivery));
      continue;
    }
    if (delivery.value.bulk) {
      bulks.push_back(counted(delivery));
    } else if (delivery.byte_count != 0) {
      delivery.value.bytes.assign(static_cast<const char*>(delivery.bytes.get()), delivery.byte_count);
    }
    reply.values.push_back(std::move(delivery.value));
  }
  std::lock_guard lock(peer_answers_->mutex);
  for (auto& value : peer_answers_->values) reply.values.push_back(std::move(value));
  peer_answers_->values.clear();
}

std::shared_ptr<SessionImpl::Bulk> SessionImpl::counted(Outbox::Delivery& delivery) const {
  auto bulk = std::make_shared<Bulk>();
  bulk->data = std::move(delivery.bytes);
  bulk->bytes = delivery.byte_count;
  bulk->count = fetched_;
  return bulk;
}

void SessionImpl::send_to_peer(Outbox::Delivery delivery) {
  const auto bulk = counted(delivery);
  const void* data = bulk->data.get();
  core_->options.peers->send(
      std::move(*delivery.peer), delivery.transfer, bulk, data, delivery.byte_count,
      [value = std::move(delivery.value), answers = peer_answers_, weak = weak_from_this()](Status status) mutable {
        value.status = std::move(status);
        {
          std::lock_guard lock(answers->mutex);
          answers->values.push_back(std::move(value));
        }
        if (const auto session = weak.lock()) session->wake();
      });
}

bool SessionImpl::has_peer_answers() {
  std::lock_guard lock(peer_answers_->mutex);
  return !peer_answers_->values.empty();
}

void SessionImpl::flush() {
  wire::Reply reply;
  std::vector<std::shared_ptr<Bulk>> bulks;
  deliver(reply, bulks);
  if (reply.values.empty() && state_.outbox.failures.empty() && executed_ == reported_) return;
  reply.received = received_;
  reply.executed = executed_;
  reply.failures = std::exchange(state_.outbox.failures, {});
  reply.warnings = state_.outbox.take_warnings();
  reported_ = executed_;
  unreported_bytes_ = 0;

  std::vector<uint64_t> transfers;
  for (const auto& value : reply.values) {
    if (value.bulk) transfers.push_back(value.request);
  }
  // A callback may disconnect: the sink may be used no more then, and lives until the step has ended.
  const std::shared_ptr<SessionSink> sink = sink_;
  sink->on_reply(std::move(reply));
  for (size_t i = 0; i < bulks.size() && !disconnected_.load(std::memory_order_relaxed); ++i) {
    const auto& bulk = bulks[i];
    sink->on_bulk(transfers[i], bulk, bulk->data.get(), bulk->bytes);
  }
}

}  // namespace remote::worker
