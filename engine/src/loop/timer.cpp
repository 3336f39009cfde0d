#include <ringpull/engine/timer.hpp>

namespace ringpull::inline v0::engine {

bool SleepAwaiter::start(std::coroutine_handle<> waiter, Context& context) noexcept {
  if (context.stop_requested()) {
    stopped_ = context.stop_reason();
    return false;
  }
  Loop& loop = Loop::current();
  if (until_.time() <= loop.now()) return false;
  waiter_ = waiter;
  context.add(hook_);
  if (!until_.is_never()) loop.timers().arm(entry_, until_.time());
  return true;
}

Result<void> SleepAwaiter::await_resume() const {
  if (stopped_ != StopReason::none) return fail(stop_error(stopped_, "sleep"));
  return {};
}

void SleepAwaiter::Entry::on_fire(TimerEntry& entry) noexcept {
  SleepAwaiter& self = *static_cast<Entry&>(entry).owner;
  StopList::remove(self.hook_);
  Loop::current().resume_later(self.waiter_);
}

void SleepAwaiter::Hook::on_stop(StopHook& hook, StopReason reason) noexcept {
  SleepAwaiter& self = *static_cast<Hook&>(hook).owner;
  self.stopped_ = reason;
  Loop& loop = Loop::current();
  loop.timers().disarm(self.entry_);
  loop.resume_later(self.waiter_);
}

}  // namespace ringpull::inline v0::engine
