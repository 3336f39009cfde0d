#pragma once
// The limit on memory that all loops of a process share: who may have how much, and in which order.
// The memory itself comes from buffer_pool.hpp; a Reservation only counts.

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/block_cache.hpp>
#include <ringpull/engine/context.hpp>
#include <ringpull/engine/fwd.hpp>
#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::engine {

class MemoryBudgetOptions {
 public:
  MemoryBudgetOptions() = default;
  /// Bytes that all loops together may hold at a time. 256 MiB: sixteen parts of 8 MiB on their way
  /// in while sixteen more are being consumed.
  std::size_t limit_bytes = std::size_t{256} << 20;
  /// Bytes of it that lasting holds leave to brief ones; more than an eighth of the limit counts as
  /// an eighth. 16 MiB: the first blocks of sixteen readers, whatever slow clients hold.
  std::size_t reserve_bytes = std::size_t{16} << 20;
};

/// On what it depends that memory is given back.
enum class MemoryHold : unsigned char {
  brief,    ///< on the work that wanted it: a request, a copy
  lasting,  ///< on somebody outside: what a client's upload fills, or was read ahead of a client
};

struct MemoryBudgetStats {
  MemoryBudgetStats() = default;
  std::size_t limit_bytes = 0;
  std::size_t used_bytes = 0;    ///< reserved or leased now
  std::size_t cached_bytes = 0;  ///< in free blocks kept for reuse; used + cached <= limit
  std::size_t used_bytes_peak = 0;
  std::size_t waiting = 0;  ///< coroutines that wait for memory
};

namespace detail {

class BudgetQueue;

/// One coroutine that asks a MemoryBudget for bytes, or for a block of a BufferPool; the awaiters
/// Acquire and Lease derive from it.
class BudgetRequest {
 public:
  BudgetRequest(const BudgetRequest&) = delete;
  BudgetRequest& operator=(const BudgetRequest&) = delete;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    return start(self, self.promise().context());
  }
  bool start(std::coroutine_handle<> waiter, Context& context) noexcept;

 protected:
  enum class Outcome : unsigned char { granted, stopped, too_large };

  BudgetRequest(MemoryBudget& budget, std::size_t bytes, MemoryHold hold, bool wants_block) noexcept
      : budget_(budget), bytes_(bytes), hold_(hold), wants_block_(wants_block) {}
  ~BudgetRequest() { RINGPULL_ASSERT(!queued_, "a wait for memory was destroyed while it waits"); }

  /// The Error when the outcome is not `granted`.
  Error refusal() const;

  MemoryBudget& budget_;
  std::size_t bytes_;
  MemoryHold hold_;
  void* block_ = nullptr;  // a cached block that came with the grant
  Outcome outcome_ = Outcome::granted;

 private:
  friend class engine::MemoryBudget;
  friend class BudgetQueue;
  struct Hook : StopHook {
    explicit Hook(BudgetRequest& request) noexcept : StopHook(&Hook::on_stop), owner(&request) {}
    static void on_stop(StopHook& hook, StopReason reason) noexcept;
    BudgetRequest* owner;
  };
  /// On the waiter's own loop.
  void resume() noexcept;

  bool wants_block_;
  // Touched by the waiter's loop.
  Hook hook_{*this};
  std::coroutine_handle<> waiter_;
  StopReason reason_ = StopReason::none;
  // Guarded by the budget's lock.
  Loop* loop_ = nullptr;
  BudgetRequest* next_ = nullptr;
  BudgetRequest* previous_ = nullptr;
  std::uint64_t turn_ = 0;
  bool queued_ = false;
};

/// Requests in the order of asking.
class BudgetQueue {
 public:
  BudgetRequest* front() const noexcept { return head_; }
  void push(BudgetRequest& request) noexcept;
  void remove(BudgetRequest& request) noexcept;

 private:
  BudgetRequest* head_ = nullptr;
  BudgetRequest* tail_ = nullptr;
};

}  // namespace detail

/// A hard limit on memory shared by all loops and threads of a process: whoever wants some waits in
/// the order of asking until it is free. Make one per process and hand it to whatever allocates in
/// bulk; it outlives every reservation and lease.
///
/// Nobody overtakes: a large request at the front is served before small ones behind it, so none
/// starves. Only a lasting hold that has to wait for other lasting ones, since all that is left is
/// the reserve, keeps no brief one back. That is free of deadlock only while whoever holds memory
/// needs no more of it to finish and give it back: ask for everything a step needs in one request.
///
/// Any thread may call anything, except that an awaiter belongs to the loop it is awaited on.
class MemoryBudget {
 public:
  explicit MemoryBudget(const MemoryBudgetOptions& options = MemoryBudgetOptions()) noexcept
      : limit_(options.limit_bytes),
        lasting_limit_(limit_ - std::min(options.reserve_bytes, limit_ / 8)) {}
  ~MemoryBudget();
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  /// Bytes held; given back by the destructor or release(), on any thread.
  class Reservation {
   public:
    Reservation() noexcept = default;
    Reservation(Reservation&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          bytes_(std::exchange(other.bytes_, 0)),
          hold_(other.hold_) {}
    Reservation& operator=(Reservation&& other) noexcept {
      if (this == &other) return *this;
      release();
      budget_ = std::exchange(other.budget_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
      hold_ = other.hold_;
      return *this;
    }
    ~Reservation() { release(); }
    void release() noexcept;
    std::size_t bytes() const noexcept { return bytes_; }

   private:
    friend class MemoryBudget;
    Reservation(MemoryBudget& budget, std::size_t bytes, MemoryHold hold) noexcept
        : budget_(&budget), bytes_(bytes), hold_(hold) {}
    MemoryBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
    MemoryHold hold_ = MemoryHold::brief;
  };

  class [[nodiscard]] Acquire final : public detail::BudgetRequest {
   public:
    Acquire(MemoryBudget& budget, std::size_t bytes, MemoryHold hold) noexcept
        : BudgetRequest(budget, bytes, hold, false) {}
    Result<Reservation> await_resume();
  };

  /// Waits until `bytes` are free for such a hold and it is this caller's turn.
  /// `resource_exhausted` at once when they exceed the limit for it, `cancelled` or `timed_out`
  /// when stopped first.
  Acquire acquire(std::size_t bytes, MemoryHold hold = MemoryHold::brief) noexcept {
    return Acquire(*this, bytes, hold);
  }
  /// At once or not at all; does not overtake waiters.
  std::optional<Reservation> try_acquire(std::size_t bytes,
                                         MemoryHold hold = MemoryHold::brief) noexcept;

  std::size_t limit_bytes() const noexcept { return limit_; }
  /// What all such holds may have together: the limit, less the reserve for lasting ones.
  std::size_t limit_bytes(MemoryHold hold) const noexcept {
    return hold == MemoryHold::lasting ? lasting_limit_ : limit_;
  }
  MemoryBudgetStats stats() const noexcept;
  /// Gives the cached blocks back to the system; for a host that goes idle.
  void trim() noexcept;

 private:
  friend class BufferPool;
  friend class BufferLease;
  friend class detail::BudgetRequest;

  // A cached block of that size, or null and the right to map one; false when neither is free.
  bool try_take_block(std::size_t size, MemoryHold hold, void*& block) noexcept;
  void give_back(std::size_t bytes, MemoryHold hold) noexcept;
  void give_back_block(void* block, std::size_t size, MemoryHold hold) noexcept;

  // The following hold the lock.
  bool fits_reserve(std::size_t bytes, MemoryHold hold) const noexcept;
  bool is_free(std::size_t bytes, MemoryHold hold) const noexcept;
  void* take(std::size_t bytes, MemoryHold hold, bool wants_block,
             detail::BlockList& victims) noexcept;
  void untake(std::size_t bytes, MemoryHold hold) noexcept;
  detail::BudgetQueue& queue(MemoryHold hold) noexcept;
  detail::BudgetRequest* next_in_line() const noexcept;
  bool is_turn_of(MemoryHold hold) const noexcept;
  detail::BudgetRequest* serve(detail::BlockList& victims) noexcept;
  void enqueue(detail::BudgetRequest& request) noexcept;
  void remove(detail::BudgetRequest& request) noexcept;
  // Without the lock, and only after the victims were unmapped.
  void wake(detail::BudgetRequest* granted) noexcept;

  const std::size_t limit_;
  const std::size_t lasting_limit_;
  mutable std::mutex mutex_;
  // Held through a post to a waiter's loop, and taken by the waiter before it goes on: what it does
  // next may be to let that loop end.
  std::mutex wake_mutex_;
  std::size_t used_ = 0;
  std::size_t lasting_ = 0;  // of used_
  std::size_t used_peak_ = 0;
  std::size_t waiting_ = 0;
  std::uint64_t next_turn_ = 0;
  detail::BlockCache cache_;
  detail::BudgetQueue brief_queue_;
  detail::BudgetQueue lasting_queue_;
};

}  // namespace ringpull::inline v0::engine
