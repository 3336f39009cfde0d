#include <string>

#include <ringpull/engine/buffer_pool.hpp>

namespace ringpull::inline v0::engine {

BufferLease& BufferLease::operator=(BufferLease&& other) noexcept {
  if (this == &other) return *this;
  release();
  budget_ = std::exchange(other.budget_, nullptr);
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  hold_ = other.hold_;
  return *this;
}

void BufferLease::resize(std::size_t size) noexcept {
  RINGPULL_ASSERT(size <= capacity_, "a BufferLease was resized beyond its block");
  size_ = size;
}

void BufferLease::release() noexcept {
  if (data_ == nullptr) return;
  size_ = 0;
  budget_->give_back_block(std::exchange(data_, nullptr), std::exchange(capacity_, 0), hold_);
  budget_ = nullptr;
}

Result<BufferLease> BufferPool::Lease::await_resume() {
  if (outcome_ != Outcome::granted) return fail(refusal());
  return make_lease(budget_, block_, size_, bytes_, hold_);
}

Result<BufferLease> BufferPool::try_lease(std::size_t size, MemoryHold hold) {
  std::size_t capacity = detail::block_size(size);
  void* block = nullptr;
  if (!budget_.try_take_block(capacity, hold, block)) {
    return fail(ErrorKind::resource_exhausted, "no block of " + std::to_string(capacity) +
                                                   " bytes is free in the memory budget of " +
                                                   std::to_string(budget_.limit_bytes()) +
                                                   " bytes");
  }
  return make_lease(budget_, block, size, capacity, hold);
}

Result<BufferLease> BufferPool::make_lease(MemoryBudget& budget, void* block, std::size_t size,
                                           std::size_t capacity, MemoryHold hold) {
  if (block == nullptr) block = detail::map_block(capacity);
  if (block == nullptr) {
    budget.give_back(capacity, hold);
    return fail(ErrorKind::resource_exhausted,
                "the system has no memory for a block of " + std::to_string(capacity) + " bytes");
  }
  return BufferLease(budget, static_cast<std::byte*>(block), size, capacity, hold);
}

}  // namespace ringpull::inline v0::engine
