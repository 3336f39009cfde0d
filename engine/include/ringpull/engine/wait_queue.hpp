#pragma once
// What Event, Semaphore and Channel are made of (sync.hpp), for those who write another. A waiter
// is granted or stopped, never both.

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/context.hpp>

namespace ringpull::inline v0::engine {

class WaitQueue;

/// One coroutine waiting in a WaitQueue: resumed by the queue's owner (granted) or by a stop of its
/// context.
class Waiter {
 public:
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

 protected:
  Waiter() noexcept = default;
  ~Waiter();
  /// Enqueues and suspends; false (do not suspend) when the context is stopped already.
  bool wait(WaitQueue& queue, std::coroutine_handle<> waiter, Context& context) noexcept;
  /// Why the wait ended without a grant; none when it was granted.
  StopReason stopped() const noexcept { return stopped_; }

 private:
  friend class WaitQueue;
  struct Hook : StopHook {
    explicit Hook(Waiter& waiter) noexcept : StopHook(&Hook::on_stop), owner(&waiter) {}
    static void on_stop(StopHook& hook, StopReason reason) noexcept;
    Waiter* owner;
  };

  Hook hook_{*this};
  std::coroutine_handle<> handle_;
  WaitQueue* queue_ = nullptr;
  Waiter* previous_ = nullptr;
  Waiter* next_ = nullptr;
  StopReason stopped_ = StopReason::none;
};

/// First in, first out; intrusive, so waiting allocates nothing. For one loop.
class WaitQueue {
 public:
  WaitQueue() noexcept = default;
  ~WaitQueue() {
    RINGPULL_ASSERT(head_ == nullptr, "a WaitQueue was destroyed with tasks waiting in it");
  }
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  bool empty() const noexcept { return head_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  /// Null when empty.
  Waiter* front() const noexcept { return head_; }
  /// Removes the first waiter and resumes it later through the loop; false when there is none.
  bool grant_one() noexcept;
  void grant_all() noexcept {
    while (grant_one()) {
    }
  }

 private:
  friend class Waiter;
  void push(Waiter& waiter) noexcept;
  void remove(Waiter& waiter) noexcept;

  Waiter* head_ = nullptr;
  Waiter* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ringpull::inline v0::engine
