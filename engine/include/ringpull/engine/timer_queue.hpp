#pragma once
// The timers of one loop, under its sleeps and deadlines. For writers of awaiters, who own the
// entries; programs sleep by timer.hpp. Not synchronised.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ringpull/engine/deadline.hpp>

namespace ringpull::inline v0::engine {

/// One pending point in time; owned by whoever waits. The function runs on the loop's thread, after
/// the entry has left the queue, and must not resume a coroutine.
struct TimerEntry {
  using Function = void (*)(TimerEntry&) noexcept;
  static constexpr std::uint32_t kIdle = UINT32_MAX;

  explicit TimerEntry(Function fire) noexcept : function(fire) {}
  TimerEntry(const TimerEntry&) = delete;
  TimerEntry& operator=(const TimerEntry&) = delete;
  bool armed() const noexcept { return index != kIdle; }

  TimePoint when{};
  Function function;
  std::uint32_t index = kIdle;
};

/// A 4-ary heap of timers in user space: arming and disarming cost no system call, and the kernel
/// sees one timeout per turn of the loop. Entries with equal times fire in no particular order.
class TimerQueue {
 public:
  TimerQueue() { heap_.reserve(kReserved); }
  void arm(TimerEntry& entry, TimePoint when);
  void disarm(TimerEntry& entry) noexcept;
  /// TimePoint::max() when nothing is armed.
  TimePoint next() const noexcept { return heap_.empty() ? TimePoint::max() : heap_.front()->when; }
  /// Fires every entry due at `now`; an entry armed by a firing function waits for the next call if
  /// it is not due.
  std::size_t fire_due(TimePoint now) noexcept;
  std::size_t size() const noexcept { return heap_.size(); }

 private:
  static constexpr std::size_t kReserved = 1024;  // no allocation below this many timers
  void sift_up(std::size_t index) noexcept;
  void sift_down(std::size_t index) noexcept;
  void place(std::size_t index, TimerEntry* entry) noexcept;

  std::vector<TimerEntry*> heap_;
};

}  // namespace ringpull::inline v0::engine
