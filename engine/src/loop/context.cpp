#include <algorithm>
#include <string>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/context.hpp>
#include <ringpull/engine/loop.hpp>

namespace ringpull::inline v0::engine {

Error stop_error(StopReason reason, std::string_view what, std::uint64_t bytes_done) {
  bool late = reason == StopReason::timed_out;
  std::string text(what);
  text += late ? ": the deadline passed" : ": cancelled";
  return Error(late ? ErrorKind::timed_out : ErrorKind::cancelled, std::move(text))
      .with_bytes_done(bytes_done);
}

StopList::~StopList() { RINGPULL_ASSERT(empty(), "a StopList was destroyed with hooks linked"); }

void StopList::fire(StopReason reason) noexcept {
  // A called hook may unlink others, so take one at a time from the front.
  while (!empty()) {
    StopHook& hook = *anchor_.next_;
    remove(hook);
    hook.function_(hook, reason);
  }
}

Context::Context() noexcept : parent_link_(*this), timer_(*this) {}

Context::~Context() { detach(); }

void Context::detach() noexcept {
  StopList::remove(parent_link_);
  if (timer_.armed()) Loop::current().timers().disarm(timer_);
}

void Context::attach(Context* parent, Deadline deadline) noexcept {
  RINGPULL_ASSERT(!parent_link_.linked() && deadline_.is_never(), "a Context was attached twice");
  deadline_ = deadline;
  if (parent != nullptr) {
    if (parent->stop_requested()) {
      request_stop(parent->stop_reason());
      return;
    }
    parent->add(parent_link_);
    // The parent's own timer stops us too, so only a nearer deadline needs one of ours.
    if (parent->deadline() <= deadline) {
      deadline_ = parent->deadline();
      return;
    }
  }
  if (deadline.is_never()) return;
  Loop& loop = Loop::current();
  if (deadline.time() <= loop.now()) {
    request_stop(StopReason::timed_out);
  } else {
    loop.timers().arm(timer_, deadline.time());
  }
}

void Context::request_stop(StopReason reason) noexcept {
  if (reason_ != StopReason::none) return;
  reason_ = reason;
  hooks_.fire(reason);
}

void Context::Link::on_stop(StopHook& hook, StopReason reason) noexcept {
  static_cast<Link&>(hook).owner->request_stop(reason);
}

void Context::DeadlineTimer::on_fire(TimerEntry& entry) noexcept {
  static_cast<DeadlineTimer&>(entry).owner->request_stop(StopReason::timed_out);
}

void StopSource::link(StopHook& hook) noexcept {
  hooks_.add(hook);
  if (requested_) hooks_.fire(StopReason::cancelled);
}

}  // namespace ringpull::inline v0::engine
