#include <gtest/gtest.h>

#include <ringpull/http/date.hpp>

namespace ringpull::http {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

TEST(HttpDate, WritesTheExampleOfTheRfc) {
  EXPECT_EQ(format_http_date(sys_seconds(seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_date(sys_seconds(seconds(0))), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(HttpDate, ReadsWhatItWrites) {
  // A prime step over 130 years: every weekday, month, leap day and time of day comes by.
  for (std::int64_t at = -946771200; at < 4102444800; at += 7654321) {
    const sys_seconds time{seconds(at)};
    auto parsed = parse_http_date(format_http_date(time));
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(*parsed, time);
  }
}

TEST(HttpDate, TakesALeapSecondForTheOneBefore) {
  auto leap = parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT");
  ASSERT_TRUE(leap);
  EXPECT_EQ(format_http_date(*leap), "Sat, 31 Dec 2016 23:59:59 GMT");
}

TEST(HttpDate, RefusesOtherFormsAndTimesThatDoNotExist) {
  for (const std::string_view text :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Wed, 30 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT"}) {
    auto parsed = parse_http_date(text);
    ASSERT_FALSE(parsed) << '"' << text << '"';
    EXPECT_EQ(parsed.error().kind(), ErrorKind::protocol);
  }
}

}  // namespace
}  // namespace ringpull::http
