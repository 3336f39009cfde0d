#include "http/src/wire/send_receive.hpp"

#include <cerrno>

#include <ringpull/engine/loop.hpp>

namespace ringpull::inline v0::http {

using engine::Loop;
using engine::Op;
using engine::OpCode;

SendReceive::SendReceive(int fd, std::span<const ConstBytes> pieces, MutableBytes out) noexcept {
  RINGPULL_ASSERT(pieces.size() <= kPiecesMax, "a SendReceive got too many pieces");
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    vectors_[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
  }
  message_.msg_iov = vectors_.data();
  message_.msg_iovlen = pieces.size();
  send_.fd = receive_.fd = fd;
  send_.flags = MSG_NOSIGNAL | MSG_WAITALL;
  if (pieces.size() == 1) {
    send_.code = OpCode::send;
    send_.address = pieces.front().data();
    send_.length = static_cast<std::uint32_t>(pieces.front().size());
  } else {
    send_.code = OpCode::sendmsg;
    send_.address = &message_;
  }
  send_.complete = &SendReceive::on_sent;
  receive_.code = OpCode::recv;
  receive_.poll_first = true;
  receive_.address = out.data();
  receive_.length = static_cast<std::uint32_t>(out.size());
  receive_.complete = &SendReceive::on_received;
}

bool SendReceive::start(std::coroutine_handle<> waiter, engine::Context& context) noexcept {
  context_ = &context;
  if (context.stop_requested()) {
    send_.result = receive_.result = -ECANCELED;
    return false;
  }
  waiter_ = waiter;
  context.add(hook_);
  running_ = 2;
  submit(send_);
  submit(receive_);
  return true;
}

void SendReceive::submit(Part& part) noexcept { Loop::current().submit(part); }

void SendReceive::Hook::on_stop(engine::StopHook& hook, engine::StopReason) noexcept {
  SendReceive& self = *static_cast<Hook&>(hook).owner;
  engine::Backend& backend = Loop::current().backend();
  backend.cancel(self.send_);
  backend.cancel(self.receive_);
}

/// False when everything is sent.
bool SendReceive::advance() noexcept {
  auto count = static_cast<std::size_t>(send_.result);
  sent_ += count;
  while (message_.msg_iovlen > 0 && count >= message_.msg_iov->iov_len) {
    count -= message_.msg_iov->iov_len;
    ++message_.msg_iov;
    --message_.msg_iovlen;
  }
  if (message_.msg_iovlen == 0) return false;
  message_.msg_iov->iov_base = static_cast<std::byte*>(message_.msg_iov->iov_base) + count;
  message_.msg_iov->iov_len -= count;
  send_.code = OpCode::sendmsg;
  send_.address = &message_;
  send_.length = 0;
  return true;
}

void SendReceive::on_sent(Op& op) noexcept {
  SendReceive& self = *static_cast<Part&>(op).owner;
  bool more = self.send_.result == -EINTR || (self.send_.result >= 0 && self.advance());
  bool stopping = self.context_->stop_requested() || !self.receive_.in_flight;
  if (more && !stopping) return self.submit(self.send_);
  if (more) self.send_.result = -ECANCELED;
  // A connection that broke may still hold an answer, and the receive ends by itself; after any
  // other failure nothing would end it.
  bool broken = self.send_.result == -EPIPE || self.send_.result == -ECONNRESET;
  if (self.send_.result < 0 && !broken) Loop::current().backend().cancel(self.receive_);
  self.ended();
}

void SendReceive::on_received(Op& op) noexcept {
  SendReceive& self = *static_cast<Part&>(op).owner;
  if (self.receive_.result == -EINTR) {
    if (!self.context_->stop_requested()) return self.submit(self.receive_);
    self.receive_.result = -ECANCELED;
  }
  Loop::current().backend().cancel(self.send_);  // nothing, when it has ended
  self.ended();
}

void SendReceive::ended() noexcept {
  if (--running_ > 0) return;
  engine::StopList::remove(hook_);
  Loop::current().resume_later(waiter_);
}

Error SendReceive::failure(const Part& part, std::string_view what) const {
  if (part.result != -ECANCELED) return Error::from_errno(-part.result, what);
  engine::StopReason reason = context_->stop_reason();
  // Without a stop of the caller's: the other half ended first.
  if (reason == engine::StopReason::none) reason = engine::StopReason::cancelled;
  return stop_error(reason, what);
}

SendReceive::Outcome SendReceive::await_resume() const {
  Result<std::size_t> received;
  if (receive_.result < 0) {
    received = fail(failure(receive_, "receive"));
  } else {
    received = static_cast<std::size_t>(receive_.result);
  }
  Result<void> sent;
  if (send_.result < 0) sent = fail(failure(send_, "send").with_bytes_done(sent_));
  return Outcome(std::move(received), std::move(sent), sent_);
}

}  // namespace ringpull::inline v0::http
