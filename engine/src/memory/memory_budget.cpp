#include <algorithm>
#include <string>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/memory_budget.hpp>

namespace ringpull::inline v0::engine {

using detail::BlockList;
using detail::BudgetQueue;
using detail::BudgetRequest;

bool BudgetRequest::start(std::coroutine_handle<> waiter, Context& context) noexcept {
  if (bytes_ > budget_.limit_bytes(hold_)) {
    outcome_ = Outcome::too_large;
    return false;
  }
  if (context.stop_requested()) {
    outcome_ = Outcome::stopped;
    reason_ = context.stop_reason();
    return false;
  }
  BlockList victims;  // unmapped when the lock is free again
  std::lock_guard lock(budget_.mutex_);
  if (budget_.is_turn_of(hold_) && budget_.is_free(bytes_, hold_)) {
    block_ = budget_.take(bytes_, hold_, wants_block_, victims);
    return false;
  }
  waiter_ = waiter;
  loop_ = &Loop::current();
  context.add(hook_);
  budget_.enqueue(*this);
  return true;
}

// A grant that was on its way wins: it resumes us itself.
void BudgetRequest::Hook::on_stop(StopHook& hook, StopReason reason) noexcept {
  BudgetRequest& self = *static_cast<Hook&>(hook).owner;
  MemoryBudget& budget = self.budget_;
  BlockList victims;
  BudgetRequest* granted = nullptr;
  {
    std::lock_guard lock(budget.mutex_);
    if (!self.queued_) return;
    budget.remove(self);
    granted = budget.serve(victims);  // whoever stood behind us may fit
  }
  self.outcome_ = Outcome::stopped;
  self.reason_ = reason;
  self.loop_->resume_later(self.waiter_);
  victims.unmap_all();
  budget.wake(granted);
}

void BudgetRequest::resume() noexcept {
  StopList::remove(hook_);
  loop_->resume_later(waiter_);
}

Error BudgetRequest::refusal() const {
  if (outcome_ == Outcome::stopped) {
    std::string what = "wait for " + std::to_string(bytes_) + " bytes of the memory budget";
    return stop_error(reason_, what);
  }
  return Error(ErrorKind::resource_exhausted,
               "a request for " + std::to_string(bytes_) + " bytes exceeds " +
                   (hold_ == MemoryHold::lasting ? "what may be held of " : "") +
                   "the memory budget of " + std::to_string(budget_.limit_) +
                   " bytes; raise MemoryBudgetOptions::limit_bytes or use smaller parts");
}

void BudgetQueue::push(BudgetRequest& request) noexcept {
  request.previous_ = tail_;
  request.next_ = nullptr;
  (tail_ != nullptr ? tail_->next_ : head_) = &request;
  tail_ = &request;
}

void BudgetQueue::remove(BudgetRequest& request) noexcept {
  (request.previous_ != nullptr ? request.previous_->next_ : head_) = request.next_;
  (request.next_ != nullptr ? request.next_->previous_ : tail_) = request.previous_;
  request.next_ = request.previous_ = nullptr;
}

MemoryBudget::~MemoryBudget() {
  RINGPULL_ASSERT(waiting_ == 0, "a MemoryBudget was destroyed while coroutines wait for it");
  RINGPULL_ASSERT(used_ == 0, "a MemoryBudget was destroyed before its reservations and leases");
  trim();
}

Result<MemoryBudget::Reservation> MemoryBudget::Acquire::await_resume() {
  if (outcome_ != Outcome::granted) return fail(refusal());
  return Reservation(budget_, bytes_, hold_);
}

void MemoryBudget::Reservation::release() noexcept {
  if (budget_ == nullptr) return;
  std::exchange(budget_, nullptr)->give_back(std::exchange(bytes_, 0), hold_);
}

std::optional<MemoryBudget::Reservation> MemoryBudget::try_acquire(std::size_t bytes,
                                                                   MemoryHold hold) noexcept {
  BlockList victims;
  std::lock_guard lock(mutex_);
  if (!is_turn_of(hold) || !is_free(bytes, hold)) return std::nullopt;
  take(bytes, hold, false, victims);
  return Reservation(*this, bytes, hold);
}

bool MemoryBudget::try_take_block(std::size_t size, MemoryHold hold, void*& block) noexcept {
  BlockList victims;
  std::lock_guard lock(mutex_);
  if (!is_turn_of(hold) || !is_free(size, hold)) return false;
  block = take(size, hold, true, victims);
  return true;
}

MemoryBudgetStats MemoryBudget::stats() const noexcept {
  std::lock_guard lock(mutex_);
  MemoryBudgetStats stats;
  stats.limit_bytes = limit_;
  stats.used_bytes = used_;
  stats.cached_bytes = cache_.bytes();
  stats.used_bytes_peak = used_peak_;
  stats.waiting = waiting_;
  return stats;
}

void MemoryBudget::trim() noexcept {
  BlockList victims;
  std::lock_guard lock(mutex_);
  cache_.trim_to(0, victims);
}

void MemoryBudget::give_back(std::size_t bytes, MemoryHold hold) noexcept {
  BlockList victims;
  BudgetRequest* granted = nullptr;
  {
    std::lock_guard lock(mutex_);
    untake(bytes, hold);
    granted = serve(victims);
  }
  victims.unmap_all();
  wake(granted);
}

void MemoryBudget::give_back_block(void* block, std::size_t size, MemoryHold hold) noexcept {
  if (size > detail::BlockCache::kBlockBytesMax) {
    detail::unmap_block(block, size);
    give_back(size, hold);
    return;
  }
  BlockList victims;
  BudgetRequest* granted = nullptr;
  {
    std::lock_guard lock(mutex_);
    untake(size, hold);
    cache_.push(block, size);
    granted = serve(victims);
  }
  victims.unmap_all();
  wake(granted);
}

/// Whether lasting holds would leave the reserve alone.
bool MemoryBudget::fits_reserve(std::size_t bytes, MemoryHold hold) const noexcept {
  return hold == MemoryHold::brief || bytes <= lasting_limit_ - lasting_;
}

bool MemoryBudget::is_free(std::size_t bytes, MemoryHold hold) const noexcept {
  return bytes <= limit_ - used_ && fits_reserve(bytes, hold);
}

/// Of bytes that are free; a cached block where one is wanted and there is one.
void* MemoryBudget::take(std::size_t bytes, MemoryHold hold, bool wants_block,
                         BlockList& victims) noexcept {
  void* block = wants_block ? cache_.pop(bytes) : nullptr;
  used_ += bytes;
  if (hold == MemoryHold::lasting) lasting_ += bytes;
  used_peak_ = std::max(used_peak_, used_);
  cache_.trim_to(limit_ - used_, victims);
  return block;
}

void MemoryBudget::untake(std::size_t bytes, MemoryHold hold) noexcept {
  used_ -= bytes;
  if (hold == MemoryHold::lasting) lasting_ -= bytes;
}

detail::BudgetQueue& MemoryBudget::queue(MemoryHold hold) noexcept {
  return hold == MemoryHold::lasting ? lasting_queue_ : brief_queue_;
}

/// Whoever asked first, but for a lasting hold that waits for other lasting ones.
BudgetRequest* MemoryBudget::next_in_line() const noexcept {
  BudgetRequest* brief = brief_queue_.front();
  BudgetRequest* lasting = lasting_queue_.front();
  if (lasting == nullptr || !fits_reserve(lasting->bytes_, MemoryHold::lasting)) return brief;
  if (brief == nullptr || lasting->turn_ < brief->turn_) return lasting;
  return brief;
}

/// Whether one that asks now overtakes nobody.
bool MemoryBudget::is_turn_of(MemoryHold hold) const noexcept {
  bool behind_lasting = hold == MemoryHold::lasting && lasting_queue_.front() != nullptr;
  return !behind_lasting && next_in_line() == nullptr;
}

BudgetRequest* MemoryBudget::serve(BlockList& victims) noexcept {
  BudgetRequest* first = nullptr;
  BudgetRequest* last = nullptr;
  while (BudgetRequest* request = next_in_line()) {
    if (!is_free(request->bytes_, request->hold_)) break;
    request->block_ = take(request->bytes_, request->hold_, request->wants_block_, victims);
    remove(*request);
    (last != nullptr ? last->next_ : first) = request;
    last = request;
  }
  return first;
}

void MemoryBudget::enqueue(BudgetRequest& request) noexcept {
  request.queued_ = true;
  request.turn_ = next_turn_++;
  queue(request.hold_).push(request);
  ++waiting_;
}

void MemoryBudget::remove(BudgetRequest& request) noexcept {
  request.queued_ = false;
  queue(request.hold_).remove(request);
  --waiting_;
}

void MemoryBudget::wake(BudgetRequest* granted) noexcept {
  while (granted != nullptr) {
    // Once posted, the request may be gone.
    BudgetRequest* request = std::exchange(granted, granted->next_);
    if (request->loop_ == Loop::current_or_null()) {
      request->resume();
    } else {
      std::lock_guard lock(wake_mutex_);
      request->loop_->post([request] {
        {
          std::lock_guard posted(request->budget_.wake_mutex_);
        }
        request->resume();
      });
    }
  }
}

}  // namespace ringpull::inline v0::engine
