#include "s3/src/driver/read/read_window.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace ringpull::inline v0::s3::driver {

namespace {

// Bytes per second of one connection that mean a server at hand. S3 gives each 85 to 90 MB/s:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
constexpr double kQuick = 160e6;
// What a doubling must bring. Less is within the noise of a few parts.
constexpr double kGain = 1.25;
constexpr std::uint64_t kWindowsInRound = 2;
// A trial in vain takes four windows of the smaller size: a fifth of all bytes.
constexpr std::uint64_t kWindowsBetweenTrials = 16;
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

double per_second(std::uint64_t bytes, engine::Duration time) {
  return static_cast<double>(bytes) / std::chrono::duration<double>(time).count();
}

}  // namespace

ReadWindow::ReadWindow(std::uint64_t least, std::uint64_t most) noexcept
    : least_(std::min(least, most)), most_(most), limit_(least_) {}

std::uint64_t ReadWindow::bytes() const noexcept { return std::min(limit_, 2 * asked_); }

void ReadWindow::advance(std::uint64_t asked) noexcept {
  asked_ = std::max(asked_, asked);
  if (!trying() && asked_ >= next_trial_) double_limit();
}

void ReadWindow::received(std::uint64_t part_bytes, engine::Duration time,
                          engine::TimePoint now) noexcept {
  if (round_.bytes == 0) round_.start = now - time;
  round_.bytes += part_bytes;
  round_.connections += time;
  if (trying() && per_second(round_.bytes, round_.connections) < kQuick) {
    rate_ = 0;
    return double_limit();
  }
  if (round_.bytes < kWindowsInRound * limit_) return;
  double before = std::exchange(rate_, per_second(round_.bytes, now - round_.start));
  round_ = Round();
  if (!trying()) return;
  if (rate_ > kGain * before) return double_limit();
  limit_ = std::max(least_, limit_ / 2);
  rate_ = before;
  next_trial_ = asked_ + kWindowsBetweenTrials * limit_;
}

void ReadWindow::double_limit() noexcept {
  next_trial_ = limit_ == most_ ? kNever : 0;
  limit_ = std::min(most_, 2 * limit_);
  round_ = Round();
}

}  // namespace ringpull::inline v0::s3::driver
