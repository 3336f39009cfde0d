#pragma once
// Sleeping, and letting others run. A limit on something else is with_deadline (combinators.hpp).

#include <coroutine>

#include <ringpull/engine/context.hpp>
#include <ringpull/engine/loop.hpp>

namespace ringpull::inline v0::engine {

/// `auto slept = co_await sleep_until(Deadline::after(1s));` completes at the time given, or
/// earlier with `cancelled` or `timed_out` when the context stops. `Deadline::never()` sleeps until
/// stopped.
class [[nodiscard]] SleepAwaiter {
 public:
  explicit SleepAwaiter(Deadline until) noexcept : until_(until) {}
  SleepAwaiter(const SleepAwaiter&) = delete;
  SleepAwaiter& operator=(const SleepAwaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    return start(self, self.promise().context());
  }
  bool start(std::coroutine_handle<> waiter, Context& context) noexcept;
  [[nodiscard]] Result<void> await_resume() const;

 private:
  struct Entry : TimerEntry {
    explicit Entry(SleepAwaiter& awaiter) noexcept : TimerEntry(&Entry::on_fire), owner(&awaiter) {}
    static void on_fire(TimerEntry& entry) noexcept;
    SleepAwaiter* owner;
  };
  struct Hook : StopHook {
    explicit Hook(SleepAwaiter& awaiter) noexcept : StopHook(&Hook::on_stop), owner(&awaiter) {}
    static void on_stop(StopHook& hook, StopReason reason) noexcept;
    SleepAwaiter* owner;
  };

  Deadline until_;
  Entry entry_{*this};
  Hook hook_{*this};
  std::coroutine_handle<> waiter_;
  StopReason stopped_ = StopReason::none;
};

inline SleepAwaiter sleep_until(Deadline until) noexcept { return SleepAwaiter(until); }
inline SleepAwaiter sleep_for(Duration duration) noexcept {
  return SleepAwaiter(Deadline::after(duration));
}

/// Lets everything that is ready run first; never fails.
class [[nodiscard]] YieldAwaiter {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) const { Loop::current().resume_later(self); }
  void await_resume() const noexcept {}
};
inline YieldAwaiter yield_now() noexcept { return {}; }

}  // namespace ringpull::inline v0::engine
