#include <remote/client/session.h>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <remote/base/waiting.h>
#include <remote/client/fork.h>
#include <remote/wire/version.h>

namespace remote::client {
namespace {

std::string client_name() {
  char host[256] = "unknown host";
  gethostname(host, sizeof host - 1);
  return std::string(host) + ":" + std::to_string(getpid());
}

bool environment_flag(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

SessionOptions with_environment(SessionOptions options) {
  options.warn_sync |= environment_flag("REMOTE_WARN_SYNC");
  options.record_sites |= environment_flag("REMOTE_RECORD_SITES");
  return options;
}

}  // namespace

Session::Session(std::string address, const SessionOptions& options)
    : address_(std::move(address)),
      options_(with_environment(options)),
      fork_generation_(fork_generation()),
      errors_(std::make_shared<ErrorLog>()),
      sites_(options_.record_sites ? std::make_unique<CallSites>() : nullptr),
      seal_bytes_(wire::Limits().max_batch_bytes) {}

StatusOr<std::shared_ptr<Session>> Session::connect(const std::string& address, const SessionOptions& options) {
  static const uint64_t first_generation = fork_generation();
  auto session = connect_with(address, options,
                              [&](const wire::Hello& hello, wire::RecordSource& source, transport::Listener& listener) {
                                return transport::connect(address, hello, source, listener, options.connect);
                              });
  if (session.ok() || first_generation == fork_generation()) return session;
  return Status(session.status().code(),
                session.status().message() +
                    "; or is it that this process was forked from one that was connected? Connections can't be made "
                    "there: connect in the child alone, or start a new program");
}

StatusOr<std::shared_ptr<Session>> Session::connect_with(const std::string& address, const SessionOptions& options,
                                                         Connector connector) {
  wire::Hello hello;
  hello.protocol_version = wire::kProtocolVersion;
  hello.torch_version = TORCH_VERSION;
  hello.client_name = client_name();
  hello.credential = options.credential;

  std::shared_ptr<Session> session(new Session(address, options));
  auto connection = connector(hello, *session, *session);
  if (!connection.ok()) return connection.status();
  session->connection_ = std::move(connection).value();
  session->welcome_ = session->connection_->welcome();
  if (session->welcome_.protocol_version != wire::kProtocolVersion) {
    return Status(StatusCode::kFailedPrecondition, "worker " + address + " speaks protocol version " +
                                                       std::to_string(session->welcome_.protocol_version) +
                                                       ", this client " + std::to_string(wire::kProtocolVersion) +
                                                       ": update the older of the two");
  }
  std::lock_guard lock(session->mutex_);
  session->seal_bytes_ = session->welcome_.limits.max_batch_bytes;
  return session;
}

Session::~Session() {
  // A child has no carrier threads to join, and must not say farewell in its parent's name.
  if (forked()) {
    (void)connection_.release();
    new auto(std::move(giving_up_));
  } else {
    // Before the members that the connection's threads may still be using.
    close();
    giving_up_.clear();  // waits for those under way, which the closed connection has ended
  }
}

bool Session::forked() const {
  return fork_generation_ != fork_generation();
}

Status Session::forked_status() const {
  return {StatusCode::kFailedPrecondition,
          "worker " + address_ +
              " is connected to the parent process; a forked child must not use remote tensors: use "
              "threads, or start a new program"};
}

bool Session::has_credit() const {
  const wire::Limits& limits = welcome_.limits;
  const uint64_t records = last_sequence() - executed_;
  // One record may always go, whatever the worker says its limits are.
  return records == 0 ||
         (records < limits.max_inflight_records && batch_bytes_ + writer_.size() < limits.max_inflight_bytes);
}

Status Session::wait_for_credit(std::unique_lock<std::mutex>& lock, c10::function_ref<bool()> has_room,
                                Deadline deadline) {
  const auto may_go = [&] { return ended_ || has_room(); };
  if (!may_go()) ++counters_.credit_waits;
  while (!may_go()) {
    REMOTE_RETURN_IF_ERROR(may_wait());
    bool in_time = true;
    lock.unlock();
    {
      const Waiting waiting;
      lock.lock();
      ++credit_waiters_;
      if (deadline) {
        in_time = credit_.wait_until(lock, *deadline, may_go);
      } else {
        credit_.wait(lock, may_go);
      }
      --credit_waiters_;
      lock.unlock();
    }
    lock.lock();
    if (!in_time && !may_go()) {
      return {StatusCode::kDeadlineExceeded, "worker " + address_ +
                                                 " is so far behind that it takes no more records: " +
                                                 std::to_string(last_sequence() - executed_) + " are waiting"};
    }
  }
  return ended_.value_or(Status());
}

StatusOr<uint64_t> Session::record(Write write, ReportErrors report, Deadline deadline, CallSites::Here here) {
  if (forked()) return forked_status();
  if (report == ReportErrors::kYes) errors_->issue_warnings();
  std::unique_lock lock(mutex_);
  if (report == ReportErrors::kYes && errors_->any()) {
    if (Status error = errors_->take(); !error.ok()) return error;
  }
  if (ended_ || !has_credit()) {
    const auto has_room = [this] { return has_credit(); };
    REMOTE_RETURN_IF_ERROR(wait_for_credit(lock, has_room, deadline));
  }

  // Told before anything is written, so that releases from within `write` find the carrier told already: waking it may
  // take its lock, which it may hold while it waits for ours.
  const bool wake = !awake_.exchange(true);
  splice_releases();
  // The program knows now that what it wanted to change kept its value.
  if (errors_->take_reported()) writer_.clear_errors();
  keep_written();
  const uint64_t ops = counters_.ops;
  Status status = write(writer_);
  if (!status.ok()) {
    writer_.rollback(rollback_size_, rollback_records_);
    counters_.ops = ops;
  }
  const uint64_t sequence = last_sequence();
  if (here && status.ok()) sites_->note(sequence, std::move(here));
  if (writer_.size() >= seal_bytes_) sealed_.push_back(cut());
  lock.unlock();
  if (wake) wake_carrier();
  if (!status.ok()) return status;
  return sequence;
}

void Session::keep_written() {
  rollback_size_ = writer_.size();
  rollback_records_ = writer_.record_count();
}

uint32_t Session::op_number(const void* identity, const c10::OperatorHandle& op) {
  ++counters_.ops;
  const auto [entry, is_new] = op_numbers_.try_emplace(identity, op_numbers_.size() + 1);
  if (is_new) {
    const auto& schema = op.schema();
    writer_.define_op(entry->second, schema.name(), schema.overload_name(), toString(schema));
    keep_written();
  }
  return entry->second;
}

uint32_t Session::define_scope_if_new(uint32_t scope, c10::function_ref<std::string()> path) {
  if (scope == 0 || (scope < scopes_.size() && scopes_[scope])) return scope;
  if (scope_count_ >= wire::kMaxScopes) return 0;
  if (scope >= scopes_.size()) scopes_.resize(scope + 1);
  scopes_[scope] = true;
  ++scope_count_;
  writer_.define_scope(scope, path().substr(0, wire::kMaxNameBytes));
  keep_written();
  return scope;
}

void Session::release(uint64_t storage) noexcept {
  queue_release(released_, storage);
}

void Session::release_generator(uint64_t generator) noexcept {
  queue_release(released_generators_, generator);
}

void Session::queue_release(std::vector<uint64_t>& list, uint64_t id) noexcept {
  if (forked() || ended_flag_.load(std::memory_order_relaxed)) return;
  {
    std::lock_guard lock(release_mutex_);
    list.push_back(id);
    has_releases_.store(true);
  }
  wake_if_idle();
}

void Session::wake_if_idle() {
  if (!awake_.exchange(true)) wake_carrier();
}

void Session::splice_releases() {
  if (!has_releases_.load()) return;
  size_t generators = 0;
  {
    std::lock_guard lock(release_mutex_);
    splice_buffer_.clear();
    splice_buffer_.swap(released_);
    generators = released_generators_.size();
    splice_buffer_.insert(splice_buffer_.end(), released_generators_.begin(), released_generators_.end());
    released_generators_.clear();
    has_releases_.store(false);
  }
  c10::ArrayRef<uint64_t> storages(splice_buffer_.data(), splice_buffer_.size() - generators);
  while (!storages.empty()) {
    const size_t count = std::min<size_t>(storages.size(), wire::kMaxListElements);
    writer_.release(storages.slice(0, count));
    storages = storages.slice(count);
  }
  for (size_t i = splice_buffer_.size() - generators; i < splice_buffer_.size(); ++i) {
    writer_.release_generator(splice_buffer_[i]);
  }
}

void Session::wake_carrier() {
  std::shared_lock lock(connection_mutex_);
  if (connection_) connection_->wake();
}

Status Session::send_chunk(const wire::Chunk& chunk) {
  std::shared_lock lock(connection_mutex_);
  if (connection_) return connection_->send_chunk(chunk);
  return {StatusCode::kUnavailable, "the connection to worker " + address_ + " was closed"};
}

wire::Batch Session::cut() {
  wire::Batch batch = writer_.take(open_first_);
  open_first_ += batch.record_count;
  batches_.push_back({open_first_ - 1, batch.bytes.size()});
  batch_bytes_ += batch.bytes.size();
  counters_.records += batch.record_count;
  return batch;
}

std::optional<wire::Batch> Session::take(size_t max_bytes) {
  std::lock_guard lock(mutex_);
  if (ended_) return std::nullopt;
  seal_bytes_ = max_bytes;
  splice_releases();
  if (sealed_.empty() && writer_.record_count() == 0) {
    // From here on the next record or release wakes the carrier; a release that came just before did not.
    awake_.store(false);
    if (!has_releases_.load()) return std::nullopt;
    awake_.store(true);
    splice_releases();
  }
  wire::Batch batch;
  if (sealed_.empty()) {
    batch = cut();
  } else {
    batch = std::move(sealed_.front());
    sealed_.pop_front();
  }
  ++counters_.messages;
  counters_.bytes += batch.bytes.size();
  return batch;
}

void Session::on_reply(wire::Reply reply) {
  for (auto& failure : reply.failures) {
    if (failure.sequence == 0) {
      lost(failure.status);
    } else {
      tell_site(failure.status, failure.sequence);
      errors_->add(std::move(failure));
    }
  }
  for (auto& value : reply.values) tell_site(value.status, value.failed_sequence);
  errors_->add_warnings(std::move(reply.warnings));
  if (sites_) sites_->forget(reply.executed);
  {
    std::lock_guard lock(mutex_);
    executed_ = std::clamp(reply.executed, executed_, last_sequence());
    const auto drop_executed = [&](std::deque<Outstanding>& queue, uint64_t& sum) {
      for (; !queue.empty() && queue.front().last_sequence <= executed_; queue.pop_front()) sum -= queue.front().bytes;
    };
    drop_executed(batches_, batch_bytes_);
    drop_executed(transfers_, transfer_bytes_);
    if (credit_waiters_ > 0) credit_.notify_all();
  }
  if (reply.values.empty()) return;
  std::lock_guard lock(values_mutex_);
  for (auto& value : reply.values) {
    const auto entry = values_.find(value.request);
    if (entry != values_.end() && entry->second->complete(std::move(value))) values_.erase(entry);
  }
}

void Session::tell_site(Status& status, uint64_t sequence) {
  if (!sites_ || status.ok() || sequence == 0) return;
  const std::string site = sites_->describe(sequence);
  if (!site.empty()) status = {status.code(), status.message() + "; recorded at " + site};
}

void Session::on_chunk(const wire::Chunk& chunk) {
  std::shared_ptr<PendingValue> value;
  {
    std::lock_guard lock(values_mutex_);
    const auto entry = values_.find(chunk.transfer);
    if (entry == values_.end()) return;
    value = entry->second;
  }
  if (!value->add_chunk(chunk)) return;
  std::lock_guard lock(values_mutex_);
  values_.erase(chunk.transfer);
}

void Session::on_closed(Status reason) {
  if (reason.ok()) reason = {StatusCode::kUnavailable, "the connection ended"};
  lost(reason);
}

void Session::lost(const Status& reason) {
  uint64_t executed = 0, recorded = 0;
  {
    std::lock_guard lock(mutex_);
    executed = executed_;
    recorded = last_sequence();
  }
  const std::string gone = "worker " + address_ + " is gone: ";
  const bool says_so = reason.message().compare(0, gone.size(), gone) == 0;
  end({reason.code(), (says_so ? "" : gone) + reason.message() + "; it had run " + std::to_string(executed) + " of " +
                          std::to_string(recorded) + " records"});
}

void Session::end(const Status& status) {
  {
    std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = status;
    ended_flag_.store(true, std::memory_order_release);
    sealed_.clear();
    credit_.notify_all();
  }
  std::unordered_map<uint64_t, std::shared_ptr<PendingValue>> values;
  {
    std::lock_guard lock(values_mutex_);
    values.swap(values_);
  }
  for (auto& [request, value] : values) value->fail(status);
}

std::shared_ptr<PendingValue> Session::request(WriteRequest write, std::optional<FetchTarget> target, Deadline deadline,
                                               CallSites::Here here) {
  const auto fetch_bytes = target ? std::optional(target->bytes) : std::nullopt;
  auto value = std::make_shared<PendingValue>(errors_, std::move(target));
  if (forked()) return value->fail(forked_status()), value;
  const uint64_t request = next_request_.fetch_add(1, std::memory_order_relaxed);
  {
    std::lock_guard lock(values_mutex_);
    values_.emplace(request, value);
  }
  const auto sequence = record(
      [&](wire::RecordWriter& out) {
        REMOTE_RETURN_IF_ERROR(write(out, request));
        if (fetch_bytes) {
          ++counters_.fetches;
          counters_.fetch_bytes += *fetch_bytes;
        }
        return Status();
      },
      ReportErrors::kNo, deadline, std::move(here));
  if (sequence.ok()) {
    value->set_sequence(sequence.value());
  } else {
    {
      std::lock_guard lock(values_mutex_);
      values_.erase(request);
    }
    value->fail(sequence.status());
  }
  return value;
}

std::shared_ptr<PendingValue> Session::fetch(const wire::TensorRef& tensor) {
  uint64_t bytes = c10::elementSize(tensor.dtype);
  for (int64_t size : tensor.sizes) bytes *= static_cast<uint64_t>(size);
  return request([&](wire::RecordWriter& out, uint64_t request) { return out.fetch(request, tensor), Status(); },
                 FetchTarget{bytes}, {}, call_site());
}

std::shared_ptr<PendingValue> Session::request_mark(Deadline deadline) {
  return request([](wire::RecordWriter& out, uint64_t request) { return out.synchronize(request), Status(); }, {},
                 deadline);
}

bool Session::has_run_all() const {
  std::lock_guard lock(mutex_);
  return ended_ || executed_ == last_sequence();
}

Status Session::synchronize(std::string_view place, std::optional<std::chrono::milliseconds> timeout) {
  count_synchronisation(place);
  Deadline deadline;
  if (timeout) deadline = PendingValue::Clock::now() + *timeout;
  return request_mark(deadline)->wait(deadline).status();
}

Status Session::clear_errors() {
  return record([](wire::RecordWriter& out) { return out.clear_errors(), Status(); }).status();
}

Counters Session::counters() const {
  std::lock_guard lock(mutex_);
  Counters counters = counters_;
  counters.records += writer_.record_count();
  return counters;
}

void Session::count_synchronisation(std::string_view place) {
  if (forked()) return;
  {
    std::lock_guard lock(mutex_);
    ++counters_.synchronisations;
  }
  std::lock_guard lock(synchronisation_mutex_);
  const uint64_t count = ++synchronisation_places_[std::string(place)];
  if (options_.warn_sync) {
    std::fprintf(stderr, "remote: %.*s waits for worker %s (%llu times so far)\n", static_cast<int>(place.size()),
                 place.data(), address_.c_str(), static_cast<unsigned long long>(count));
  }
}

std::map<std::string, uint64_t> Session::synchronisation_places() const {
  std::lock_guard lock(synchronisation_mutex_);
  return synchronisation_places_;
}

void Session::close() {
  if (forked()) return;
  end({StatusCode::kFailedPrecondition, "the connection to worker " + address_ + " was closed"});
  {
    std::shared_lock lock(connection_mutex_);
    // Also ends the calls of other threads that block in it.
    if (connection_) connection_->close(options_.close_timeout);
  }
  std::unique_ptr<transport::Connection> gone;
  {
    std::unique_lock lock(connection_mutex_);
    gone = std::move(connection_);
  }
  gone.reset();
  forget_stream();
}

void Session::forget_stream() {
  std::lock_guard lock(mutex_);
  counters_.records += writer_.record_count();
  open_first_ += writer_.record_count();
  writer_ = {};
  rollback_size_ = rollback_records_ = 0;
  batches_ = {};
  transfers_ = {};
  batch_bytes_ = transfer_bytes_ = 0;
  op_numbers_ = {};
  scopes_ = {};
  scope_count_ = 0;
  splice_buffer_ = {};
}

}  // namespace remote::client
