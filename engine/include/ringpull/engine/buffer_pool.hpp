#pragma once
// Memory for bulk data, under the limit of memory_budget.hpp. Heads and other small things use a
// Buffer (buffer.hpp).

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <ringpull/engine/memory_budget.hpp>

namespace ringpull::inline v0::engine {

/// A block of memory on loan; aligned to 4096 and filled with whatever it held before. Returns
/// itself when destroyed, on whatever thread that happens. Not synchronised itself.
class BufferLease {
 public:
  BufferLease() noexcept = default;
  BufferLease(BufferLease&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)),
        hold_(other.hold_) {}
  BufferLease& operator=(BufferLease&& other) noexcept;
  ~BufferLease() { release(); }

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  /// Bytes of the whole block; at least what was asked for, a multiple of 4096.
  std::size_t capacity() const noexcept { return capacity_; }
  std::span<std::byte> bytes() const noexcept { return {data_, size_}; }
  /// Changes what size() and bytes() say, up to the capacity; moves nothing.
  void resize(std::size_t size) noexcept;
  explicit operator bool() const noexcept { return data_ != nullptr; }
  /// Returns the block early; the lease is empty afterwards.
  void release() noexcept;

 private:
  friend class BufferPool;
  BufferLease(MemoryBudget& budget, std::byte* data, std::size_t size, std::size_t capacity,
              MemoryHold hold) noexcept
      : budget_(&budget), data_(data), size_(size), capacity_(capacity), hold_(hold) {}

  MemoryBudget* budget_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  MemoryHold hold_ = MemoryHold::brief;
};

/// Leases blocks under a MemoryBudget, which outlives the pool and the leases.
///
/// One set of free blocks for the process, under the budget's lock, rather than one per loop with
/// leases posted home: a block that a consumer's thread gives back can be taken by any loop at
/// once, and the limit holds at every instant. A lease carries at least tens of KiB of transfer, so
/// one uncontended lock per lease is not seen beside it. Free blocks are mapped memory: trimming
/// them gives it back to the system, and a request that needs their bytes in another size trims
/// them first.
class BufferPool {
 public:
  explicit BufferPool(MemoryBudget& budget) noexcept : budget_(budget) {}

  class [[nodiscard]] Lease final : public detail::BudgetRequest {
   public:
    Lease(MemoryBudget& budget, std::size_t size, MemoryHold hold) noexcept
        : BudgetRequest(budget, detail::block_size(size), hold, true), size_(size) {}
    Result<BufferLease> await_resume();

   private:
    std::size_t size_;
  };

  /// Waits for a block of at least `size` bytes, in the order in which MemoryBudget serves.
  /// `resource_exhausted` at once when the block exceeds the budget's limit for such a hold or the
  /// system has no memory; `cancelled` or `timed_out` when stopped first.
  Lease lease(std::size_t size, MemoryHold hold = MemoryHold::brief) noexcept {
    return Lease(budget_, size, hold);
  }
  /// At once or `resource_exhausted`; does not overtake waiters.
  Result<BufferLease> try_lease(std::size_t size, MemoryHold hold = MemoryHold::brief);

  /// What a lease of `size` bytes takes of the budget: at most a quarter more.
  static std::size_t block_bytes(std::size_t size) noexcept { return detail::block_size(size); }
  MemoryBudget& budget() const noexcept { return budget_; }

 private:
  static Result<BufferLease> make_lease(MemoryBudget& budget, void* block, std::size_t size,
                                        std::size_t capacity, MemoryHold hold);
  MemoryBudget& budget_;
};

}  // namespace ringpull::inline v0::engine
