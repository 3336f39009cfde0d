#pragma once
// The engine's clock, and the one way to write a time limit. The wall clock has no place here:
// dates and expiries are the business of the parts above.

#include <chrono>

namespace ringpull::inline v0::engine {

/// Time inside the engine is monotonic (CLOCK_MONOTONIC): a jump of the wall clock fires no timer.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

/// An absolute point in time by which something must end. "No limit" is written
/// `Deadline::never()`; no number means forever, and a deadline handed on to retries does not start
/// anew.
class Deadline {
 public:
  static constexpr Deadline never() noexcept { return Deadline(TimePoint::max()); }
  static constexpr Deadline at(TimePoint when) noexcept { return Deadline(when); }
  /// Counts from the clock of the loop that runs on this thread (from the system's clock where none
  /// runs).
  static Deadline after(Duration duration) noexcept;

  constexpr TimePoint time() const noexcept { return when_; }
  constexpr bool is_never() const noexcept { return when_ == TimePoint::max(); }
  constexpr auto operator<=>(const Deadline&) const noexcept = default;

 private:
  explicit constexpr Deadline(TimePoint when) noexcept : when_(when) {}
  TimePoint when_;
};

}  // namespace ringpull::inline v0::engine
