#pragma once
// The clock that requests are signed by: ours, moved to the server's. Not synchronised.

#include <chrono>

namespace ringpull::inline v0::s3 {

/// How far the server's clock is from ours, for signing only.
class ClockOffset {
 public:
  /// `server` is the Date of a response, `now` our clock when it arrived.
  void observe(std::chrono::sys_seconds server, std::chrono::sys_seconds now) noexcept {
    offset_ = server - now;
  }
  std::chrono::sys_seconds apply(std::chrono::sys_seconds now) const noexcept {
    return now + offset_;
  }
  std::chrono::seconds offset() const noexcept { return offset_; }

 private:
  std::chrono::seconds offset_{0};
};

}  // namespace ringpull::inline v0::s3
