#include <gtest/gtest.h>
#include <limits>

#include <ringpull/http/range.hpp>

namespace ringpull::http {
namespace {

constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();

TEST(ByteRange, IncludesBothEnds) {
  auto range = ByteRange::create(10, 19);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->length(), 10U);
  EXPECT_EQ(range->to_range_header(), "bytes=10-19");
  EXPECT_EQ(range->to_content_range_header(100), "bytes 10-19/100");
  EXPECT_EQ(*ByteRange::of_length(10, 10), *range);
}

TEST(ByteRange, CannotBeEmptyOrUncountable) {
  EXPECT_FALSE(ByteRange::create(1, 0));
  EXPECT_TRUE(ByteRange::create(0, 0));
  EXPECT_FALSE(ByteRange::create(0, kMax));
  EXPECT_TRUE(ByteRange::create(0, kMax - 1));
  EXPECT_FALSE(ByteRange::of_length(5, 0));
  EXPECT_TRUE(ByteRange::of_length(0, kMax));
  EXPECT_FALSE(ByteRange::of_length(1, kMax));
  EXPECT_FALSE(ByteRange::of_length(kMax, 1));
  EXPECT_FALSE(ByteRange::of_length(kMax, kMax));
}

TEST(ContentRange, ReadsRangeAndTotal) {
  auto parsed = ContentRange::parse("bytes 0-9/100");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->range, *ByteRange::create(0, 9));
  EXPECT_EQ(parsed->total, 100U);
}

TEST(ContentRange, ReadsAnUnknownTotalAndAnUnsatisfiedRange) {
  auto unknown = ContentRange::parse("Bytes 5-5/*");
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->range->first(), 5U);
  EXPECT_EQ(unknown->total, std::nullopt);
  auto unsatisfied = ContentRange::parse("bytes */0");
  ASSERT_TRUE(unsatisfied);
  EXPECT_EQ(unsatisfied->range, std::nullopt);
  EXPECT_EQ(unsatisfied->total, 0U);
}

TEST(ContentRange, RefusesEverythingElse) {
  for (const std::string_view value : {"",
                                       "bytes",
                                       "bytes ",
                                       "bytes=0-9/100",
                                       "items 0-9/100",
                                       "bytes 0-9",
                                       "bytes 0-9/",
                                       "bytes -9/100",
                                       "bytes 0-/100",
                                       "bytes 9-0/100",
                                       "bytes 0-100/100",
                                       "bytes 0-9/5",
                                       "bytes */*",
                                       "bytes  0-9/100",
                                       "bytes 0 - 9/100",
                                       "bytes 0-9/100 ",
                                       "bytes +0-9/100",
                                       "bytes 0x0-9/100",
                                       "bytes 0-9/1e2",
                                       "bytes 0-9223372036854775808/*",
                                       "bytes 0-9,20-29/100"}) {
    auto parsed = ContentRange::parse(value);
    ASSERT_FALSE(parsed) << '"' << value << '"';
    EXPECT_EQ(parsed.error().kind(), ErrorKind::protocol);
  }
}

using Kind = RangeSelection::Kind;

void expect_partial(std::string_view header, std::uint64_t size, std::uint64_t first,
                    std::uint64_t last) {
  const auto selection = select_range(header, size);
  ASSERT_EQ(selection.kind, Kind::partial) << header;
  EXPECT_EQ(selection.range->first(), first) << header;
  EXPECT_EQ(selection.range->last(), last) << header;
}

TEST(SelectRange, TakesTheThreeForms) {
  expect_partial("bytes=0-0", 10, 0, 0);
  expect_partial("bytes=2-5", 10, 2, 5);
  expect_partial("BYTES=2-", 10, 2, 9);
  expect_partial("bytes=-3", 10, 7, 9);
}

TEST(SelectRange, CutsWhatReachesBeyondTheEnd) {
  expect_partial("bytes=5-100", 10, 5, 9);
  expect_partial("bytes=-100", 10, 0, 9);
  expect_partial("bytes=0-9223372036854775807", 1, 0, 0);
}

TEST(SelectRange, CannotSatisfyWhatBeginsBeyondTheEnd) {
  for (const std::string_view header : {"bytes=10-", "bytes=10-20", "bytes=-0"}) {
    EXPECT_EQ(select_range(header, 10).kind, Kind::unsatisfiable) << header;
  }
  for (const std::string_view header : {"bytes=0-0", "bytes=0-", "bytes=-1"}) {
    EXPECT_EQ(select_range(header, 0).kind, Kind::unsatisfiable) << header;
  }
}

TEST(SelectRange, IgnoresWhatItDoesNotUnderstand) {
  for (const std::string_view header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,3-4", "items=0-1",
        "bytes 0-1", "bytes=0--1", "bytes=+1-2", "bytes=1", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(select_range(header, 10).kind, Kind::whole) << '"' << header << '"';
  }
}

}  // namespace
}  // namespace ringpull::http
