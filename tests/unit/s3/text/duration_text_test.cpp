#include <gtest/gtest.h>
#include <limits>
#include <string>

#include <ringpull/s3/duration_text.hpp>

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

TEST(DurationText, ReadsWhatGoWrites) {
  const std::pair<const char*, nanoseconds> kCases[] = {
      {"0", 0ns},
      {"+0", 0ns},
      {"0s", 0ns},
      {"90s", 90s},
      {"20m", 20min},
      {"12h", 12h},
      {"20m0s", 20min},
      {"1h30m", 90min},
      {"1h15m30.918273645s", 1h + 15min + 30'918'273'645ns},
      {"-1.5h", -90min},
      {"+5s", 5s},
      {".5s", 500ms},
      {"5.s", 5s},
      {"250ms", 250ms},
      {"1us", 1us},
      {"1\u00b5s", 1us},
      {"1\u03bcs", 1us},
      {"3ns", 3ns},
      {"0.3333333333333333333h", 20min},
      {"1s1h", 1h + 1s},
      {"2562047h47m16.854775807s", nanoseconds::max()},
  };
  for (const auto& [text, expected] : kCases) {
    auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(DurationText, RefusesWhatGoRefuses) {
  for (const char* text : {"",
                           "3000",
                           "-",
                           "+",
                           "s",
                           ".s",
                           "-.s",
                           "3000 s",
                           " 1s",
                           "1s ",
                           "1 s",
                           "1d",
                           "1S",
                           "1M",
                           "one",
                           "1h30",
                           "1.2.3s",
                           "--1s",
                           "1e3s",
                           "0x10s",
                           "1;s",
                           "2562047h47m16.854775808s",
                           "9223372036854775808ns",
                           "3000000h",
                           "99999999999999999999h"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(DurationText, WritesWhatItReads) {
  const std::pair<nanoseconds, const char*> kCases[] = {
      {0ns, "0s"},          {20min, "20m"},        {90min, "1h30m"}, {1500ms, "1s500ms"},
      {1500us, "1ms500us"}, {-1500ms, "-1s500ms"}, {12h, "12h"},     {7ns, "7ns"}};
  for (const auto& [duration, text] : kCases) {
    EXPECT_EQ(duration_text(duration), text);
    EXPECT_EQ(parse_duration(text), duration);
  }
  EXPECT_EQ(parse_duration(duration_text(nanoseconds::max())), nanoseconds::max());
  EXPECT_EQ(duration_text(nanoseconds::min()), "-2562047h47m16s854ms775us808ns");
}

}  // namespace
}  // namespace ringpull::s3
