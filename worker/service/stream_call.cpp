#include "worker/service/stream_call.h"

#include <cstdio>

#include <proto/messages.h>

#include "worker/service/log.h"

namespace remote::worker {
namespace {

std::string hex(uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

}  // namespace

void StreamCall::accept(ServiceContext& context) {
  const auto call = std::make_shared<StreamCall>(context);
  call->call_.AsyncNotifyWhenDone(call->over_notice_.arm(call));
  context.service.RequestStream(&call->call_, &call->stream_, context.record_queue.get(), context.record_queue.get(),
                                call->accepted_.arm(call));
}

StreamCall::StreamCall(ServiceContext& context)
    : context_(context),
      counted_(context.calls),
      stream_(&call_),
      accepted_([this](bool ok) { on_accepted(ok); }),
      read_([this](bool ok) { on_read(ok); }),
      written_([this](bool ok) { on_written(ok); }),
      finished_([this](bool) { on_finished(); }),
      // A pending read says the same, but none is pending while the session has more batches than it can take.
      over_notice_([this](bool) {
        if (call_.IsCancelled()) gone();
      }) {}

void StreamCall::on_accepted(bool ok) {
  if (!ok) return over_notice_.disarm();
  accept(context_);
  std::lock_guard lock(mutex_);
  reading_ = true;
  stream_.Read(&incoming_, read_.arm(shared_from_this()));
}

void StreamCall::on_read(bool ok) {
  if (!ok) {
    gone();
  } else if (Status received = receive(); !received.ok()) {
    end(received);
  }
  std::lock_guard lock(mutex_);
  reading_ = false;
  pump();
}

Status StreamCall::receive() {
  switch (incoming_.kind_case()) {
    case v1::ClientMessage::kHello:
      if (link_) return {StatusCode::kInvalidArgument, "expected a Batch or a Farewell, but a second Hello came"};
      return open(incoming_.hello());
    case v1::ClientMessage::kBatch:
      if (!link_) return {StatusCode::kInvalidArgument, "expected a Hello first, but a Batch came"};
      link_->push(proto::read(*incoming_.mutable_batch()));
      return {};
    case v1::ClientMessage::kFarewell:
      if (!link_) return {StatusCode::kInvalidArgument, "expected a Hello first, but a Farewell came"};
      farewell();
      return {};
    case v1::ClientMessage::KIND_NOT_SET: break;
  }
  return {StatusCode::kInvalidArgument, "expected a Hello, a Batch or a Farewell, but a message came that is none"};
}

Status StreamCall::open(const v1::Hello& hello) {
  auto link = std::make_shared<SessionLink>();
  link->attach_stream(weak_from_this());
  auto session = context_.backend->open(proto::read(hello), link, link);
  if (!session.ok()) {
    log::warning("client refused",
                 {{"client", hello.client_name()}, {"peer", call_.peer()}, {"reason", session.status().message()}});
    return session.status();
  }
  link->bind(*session);
  const wire::Welcome& welcome = (*session)->welcome();
  const std::string token = context_.sessions.add(welcome.session, link);
  log::info("session opened",
            {{"session", hex(welcome.session)}, {"client", hello.client_name()}, {"peer", call_.peer()}});

  std::lock_guard lock(mutex_);
  session_id_ = welcome.session;
  session_ = std::move(session).value();
  link_ = std::move(link);
  proto::write(welcome, token, *welcome_.emplace().mutable_welcome());
  return {};
}

void StreamCall::farewell() {
  std::shared_ptr<Session> session;
  {
    std::lock_guard lock(mutex_);
    if (over_ || leaving_) return;
    leaving_ = true;
    session = std::move(session_);
  }
  context_.sessions.remove(session_id_);
  context_.background.run([this, call = shared_from_this(), session = std::move(session)] {
    session->disconnect(/*keep_lease=*/false);
    log::info("session closed", {{"session", hex(session_id_)}});
    std::lock_guard lock(mutex_);
    if (over_) return;
    last_.emplace().mutable_farewell();
    over_ = grpc::Status::OK;
    pump();
  });
}

void StreamCall::gone() {
  bool lost = false;
  {
    std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    lost = !over_ && !leaving_ && session_;
    if (!over_) over_ = grpc::Status(grpc::StatusCode::CANCELLED, "the client is gone");
  }
  if (lost) {
    log::warning("client gone without a farewell; its session is kept for the lease", {{"session", hex(session_id_)}});
    disconnect(/*keep_lease=*/true);
  }
  if (link_) link_->close();
  std::lock_guard lock(mutex_);
  pump();
}

void StreamCall::end(const Status& reason) {
  {
    std::lock_guard lock(mutex_);
    if (over_ || leaving_) return;
    over_ = call_status(reason);
    if (session_) proto::write(reason, *last_.emplace().mutable_ended());
  }
  if (link_) {
    log::warning("session ended by the worker", {{"session", hex(session_id_)}, {"reason", reason.to_string()}});
    disconnect(/*keep_lease=*/false);
  }
  std::lock_guard lock(mutex_);
  pump();
}

void StreamCall::disconnect(bool keep_lease) {
  std::shared_ptr<Session> session;
  {
    std::lock_guard lock(mutex_);
    session.swap(session_);
  }
  if (!session) return;
  context_.sessions.remove(session_id_);
  context_.background.run([session = std::move(session), keep_lease] { session->disconnect(keep_lease); });
}

void StreamCall::kick() {
  std::shared_ptr<SessionLink> link;
  {
    std::lock_guard lock(mutex_);
    pump();
    link = link_;
  }
  if (!link) return;
  if (const auto reason = link->ended()) end(*reason);
}

void StreamCall::pump() {
  if (finishing_) return;
  if (!reading_ && !over_ && !leaving_ && (!link_ || link_->wants_batches())) {
    reading_ = true;
    stream_.Read(&incoming_, read_.arm(shared_from_this()));
  }
  if (writing_) return;
  if (!gone_ && next_message()) {
    writing_ = true;
    stream_.Write(outgoing_, written_.arm(shared_from_this()));
  } else if (over_) {
    finishing_ = true;
    stream_.Finish(*over_, finished_.arm(shared_from_this()));
  }
}

bool StreamCall::next_message() {
  if (welcome_) {
    outgoing_ = std::move(*welcome_);
    welcome_.reset();
    return true;
  }
  if (link_ && !leaving_) {
    if (auto reply = link_->next_reply()) {
      proto::write(std::move(*reply), *outgoing_.mutable_reply());
      return true;
    }
  }
  if (!last_) return false;
  outgoing_ = std::move(*last_);
  last_.reset();
  return true;
}

void StreamCall::on_written(bool ok) {
  if (!ok) gone();
  std::shared_ptr<SessionLink> link;
  {
    std::lock_guard lock(mutex_);
    writing_ = false;
    outgoing_.Clear();
    pump();
    link = link_;
  }
  if (link) link->settle();
}

void StreamCall::on_finished() {
  if (link_) link_->close();
}

}  // namespace remote::worker
