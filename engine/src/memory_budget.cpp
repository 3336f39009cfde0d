#include <algorithm>
#include <string>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/memory_budget.hpp>

namespace ringpull::inline v0::engine {

using detail::BlockList;
using detail::BudgetRequest;

bool BudgetRequest::start(std::coroutine_handle<> waiter, Context& context) noexcept {
  if (bytes_ > budget_.limit_) {
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
  if (budget_.head_ == nullptr && budget_.take(bytes_, wants_block_, block_, victims)) return false;
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
               "a request for " + std::to_string(bytes_) + " bytes exceeds the memory budget of " +
                   std::to_string(budget_.limit_) +
                   " bytes; raise MemoryBudgetOptions::limit_bytes or use smaller parts");
}

MemoryBudget::~MemoryBudget() {
  RINGPULL_ASSERT(head_ == nullptr, "a MemoryBudget was destroyed while coroutines wait for it");
  RINGPULL_ASSERT(used_ == 0, "a MemoryBudget was destroyed before its reservations and leases");
  trim();
}

Result<MemoryBudget::Reservation> MemoryBudget::Acquire::await_resume() {
  if (outcome_ != Outcome::granted) return fail(refusal());
  return Reservation(budget_, bytes_);
}

void MemoryBudget::Reservation::release() noexcept {
  if (budget_ == nullptr) return;
  std::exchange(budget_, nullptr)->give_back(std::exchange(bytes_, 0));
}

std::optional<MemoryBudget::Reservation> MemoryBudget::try_acquire(std::size_t bytes) noexcept {
  BlockList victims;
  void* block = nullptr;
  std::lock_guard lock(mutex_);
  if (head_ != nullptr || !take(bytes, false, block, victims)) return std::nullopt;
  return Reservation(*this, bytes);
}

bool MemoryBudget::try_take_block(std::size_t size, void*& block) noexcept {
  BlockList victims;
  std::lock_guard lock(mutex_);
  return head_ == nullptr && take(size, true, block, victims);
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

void MemoryBudget::give_back(std::size_t bytes) noexcept {
  BlockList victims;
  BudgetRequest* granted = nullptr;
  {
    std::lock_guard lock(mutex_);
    used_ -= bytes;
    granted = serve(victims);
  }
  victims.unmap_all();
  wake(granted);
}

void MemoryBudget::give_back_block(void* block, std::size_t size) noexcept {
  if (size > detail::BlockCache::kBlockBytesMax) {
    detail::unmap_block(block, size);
    give_back(size);
    return;
  }
  BlockList victims;
  BudgetRequest* granted = nullptr;
  {
    std::lock_guard lock(mutex_);
    used_ -= size;
    cache_.push(block, size);
    granted = serve(victims);
  }
  victims.unmap_all();
  wake(granted);
}

bool MemoryBudget::take(std::size_t bytes, bool wants_block, void*& block,
                        BlockList& victims) noexcept {
  if (bytes > limit_ - used_) return false;
  if (wants_block) block = cache_.pop(bytes);
  used_ += bytes;
  used_peak_ = std::max(used_peak_, used_);
  cache_.trim_to(limit_ - used_, victims);
  return true;
}

BudgetRequest* MemoryBudget::serve(BlockList& victims) noexcept {
  BudgetRequest* first = nullptr;
  BudgetRequest* last = nullptr;
  while (head_ != nullptr) {
    BudgetRequest& request = *head_;
    if (!take(request.bytes_, request.wants_block_, request.block_, victims)) break;
    remove(request);
    (last != nullptr ? last->next_ : first) = &request;
    last = &request;
  }
  return first;
}

void MemoryBudget::enqueue(BudgetRequest& request) noexcept {
  request.queued_ = true;
  request.previous_ = tail_;
  request.next_ = nullptr;
  (tail_ != nullptr ? tail_->next_ : head_) = &request;
  tail_ = &request;
  ++waiting_;
}

void MemoryBudget::remove(BudgetRequest& request) noexcept {
  request.queued_ = false;
  (request.previous_ != nullptr ? request.previous_->next_ : head_) = request.next_;
  (request.next_ != nullptr ? request.next_->previous_ : tail_) = request.previous_;
  request.next_ = request.previous_ = nullptr;
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
