#include <chrono>
#include <gtest/gtest.h>

#include <ringpull/s3/clock_offset.hpp>

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;

TEST(ClockOffset, MovesSigningTimeToTheServers) {
  std::chrono::sys_seconds now(1'000'000s);
  ClockOffset clock;
  EXPECT_EQ(clock.apply(now), now);
  clock.observe(now + 1h, now);
  EXPECT_EQ(clock.apply(now + 5s), now + 1h + 5s);
  clock.observe(now - 20min, now);
  EXPECT_EQ(clock.apply(now), now - 20min);
}

}  // namespace
}  // namespace ringpull::s3
