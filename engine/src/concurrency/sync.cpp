#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/sync.hpp>

namespace ringpull::inline v0::engine {

Waiter::~Waiter() { RINGPULL_ASSERT(queue_ == nullptr, "a waiter was destroyed while it waits"); }

bool Waiter::wait(WaitQueue& queue, std::coroutine_handle<> waiter, Context& context) noexcept {
  if (context.stop_requested()) {
    stopped_ = context.stop_reason();
    return false;
  }
  handle_ = waiter;
  context.add(hook_);
  queue.push(*this);
  return true;
}

void Waiter::Hook::on_stop(StopHook& hook, StopReason reason) noexcept {
  Waiter& self = *static_cast<Hook&>(hook).owner;
  self.stopped_ = reason;
  self.queue_->remove(self);
  Loop::current().resume_later(self.handle_);
}

bool WaitQueue::grant_one() noexcept {
  if (head_ == nullptr) return false;
  Waiter& waiter = *head_;
  remove(waiter);
  StopList::remove(waiter.hook_);
  Loop::current().resume_later(waiter.handle_);
  return true;
}

void WaitQueue::push(Waiter& waiter) noexcept {
  waiter.queue_ = this;
  waiter.previous_ = tail_;
  waiter.next_ = nullptr;
  (tail_ != nullptr ? tail_->next_ : head_) = &waiter;
  tail_ = &waiter;
  ++size_;
}

void WaitQueue::remove(Waiter& waiter) noexcept {
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : head_) = waiter.next_;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : tail_) = waiter.previous_;
  waiter.queue_ = nullptr;
  waiter.previous_ = waiter.next_ = nullptr;
  --size_;
}

Result<void> Event::Wait::await_resume() const {
  if (stopped() != StopReason::none) return fail(stop_error(stopped(), "wait for an event"));
  return {};
}

void Semaphore::Permit::release() noexcept {
  if (semaphore_ == nullptr) return;
  std::exchange(semaphore_, nullptr)->give_back(std::exchange(units_, 0));
}

bool Semaphore::Acquire::start(std::coroutine_handle<> waiter, Context& context) noexcept {
  if (semaphore_.waiters_.empty() && semaphore_.free_ >= units_ && !context.stop_requested()) {
    semaphore_.free_ -= units_;
    return false;
  }
  waited_ = true;
  return wait(semaphore_.waiters_, waiter, context);
}

Result<Semaphore::Permit> Semaphore::Acquire::await_resume() {
  if (stopped() == StopReason::none) return Permit(semaphore_, units_);
  if (waited_) semaphore_.serve();  // whoever stood behind us may fit
  return fail(stop_error(stopped(), "wait for a semaphore"));
}

std::optional<Semaphore::Permit> Semaphore::try_acquire(std::size_t units) noexcept {
  if (!waiters_.empty() || free_ < units) return std::nullopt;
  free_ -= units;
  return Permit(*this, units);
}

void Semaphore::give_back(std::size_t units) noexcept {
  free_ += units;
  serve();
}

void Semaphore::serve() noexcept {
  while (!waiters_.empty()) {
    auto& first = *static_cast<Acquire*>(waiters_.front());
    if (first.units_ > free_) return;
    free_ -= first.units_;
    waiters_.grant_one();
  }
}

}  // namespace ringpull::inline v0::engine
