#pragma once
// How far a reader reads ahead. Pure computation.

#include <cstdint>

#include <ringpull/engine/deadline.hpp>

namespace ringpull::inline v0::s3::driver {

/// Bytes that a reader may have under way or waiting for its caller.
///
/// Twice what the caller has asked for so far, up to a limit that goes from `least` to `most` by
/// doubling. Where each connection is slow, as to a server far away or to one that limits them,
/// the limit is as if it were not there. To a server at hand it is doubled once a few windows have
/// passed, and back again when that brought less than a quarter more bytes per second: more
/// connections would only keep the processor's caches cold and the memory budget from others. Now
/// and then it is tried again, since neither server nor network stay as they were.
class ReadWindow {
 public:
  /// `least` counts as `most` where it is larger.
  ReadWindow(std::uint64_t least, std::uint64_t most) noexcept;

  std::uint64_t bytes() const noexcept;
  /// The caller asks for bytes up to this one.
  void advance(std::uint64_t asked) noexcept;
  /// A part of full size has come at `now`, in `time` from the request on.
  void received(std::uint64_t part_bytes, engine::Duration time, engine::TimePoint now) noexcept;

 private:
  /// A few windows of one limit.
  struct Round {
    engine::TimePoint start;
    std::uint64_t bytes = 0;
    engine::Duration connections{0};  // of all parts together
  };

  bool trying() const noexcept { return next_trial_ == 0; }
  void double_limit() noexcept;

  const std::uint64_t least_;
  const std::uint64_t most_;
  std::uint64_t limit_;
  std::uint64_t asked_ = 0;
  std::uint64_t next_trial_ = 0;  // when so much is asked for; 0: the limit is on trial
  Round round_;
  double rate_ = 0;  // bytes per second of the last round; 0: not known
};

}  // namespace ringpull::inline v0::s3::driver
