#include "s3/src/driver/write/part_sizes.hpp"

#include <gtest/gtest.h>

#include <ringpull/s3/names.hpp>

#include "s3/src/driver/write/rebuild.hpp"

namespace ringpull::s3::driver {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = 1 << 30;
constexpr std::uint64_t kTiB = std::uint64_t(1) << 40;

PartPlan plan(std::uint64_t chunk, std::uint64_t budget) {
  PartPlan plan;
  plan.chunk_bytes = chunk;
  plan.budget_bytes = budget;
  plan.held_bytes_max = budget - budget / 8;
  return plan;
}

PartPlan hinted(std::uint64_t chunk, std::uint64_t budget, std::uint64_t hint) {
  PartPlan with_hint = plan(chunk, budget);
  with_hint.size_hint = hint;
  return with_hint;
}

std::uint64_t capacity(const PartSizes& sizes) {
  std::uint64_t total = 0;
  for (std::uint32_t number = 1; number <= kPartNumberMax; ++number) total += sizes.at(number);
  return total;
}

TEST(PartSizes, StartAtTheChunkAndGrowByStepsUntilTenThousandHold5TiB) {
  for (std::uint64_t chunk : {5 * kMiB, 10 * kMiB, 11 * kMiB + 1, 64 * kMiB, 400 * kMiB}) {
    auto sizes = PartSizes::plan(plan(chunk, 64 * kGiB));
    ASSERT_TRUE(sizes) << sizes.error().message();
    EXPECT_EQ(sizes->at(1), chunk);
    EXPECT_EQ(sizes->at(1000), chunk);
    EXPECT_GT(sizes->at(1001), chunk);
    EXPECT_EQ(sizes->at(1001), sizes->at(1100));
    EXPECT_EQ(sizes->at(1101) - sizes->at(1100), sizes->at(1001) - sizes->at(1000));
    EXPECT_GE(capacity(*sizes), 5 * kTiB) << chunk;
    EXPECT_LE(capacity(*sizes), 5 * kTiB + 30 * kGiB) << chunk;
    EXPECT_EQ(sizes->exhausted().kind(), ErrorKind::too_large);
  }
}

TEST(PartSizes, DoNotGrowWhenTheChunkSufficesFor5TiB) {
  auto sizes = PartSizes::plan(plan(kGiB, 8 * kGiB));
  ASSERT_TRUE(sizes);
  EXPECT_EQ(sizes->at(kPartNumberMax), kGiB);
}

TEST(PartSizes, StopAtHalfTheBudgetAndSayWhichOneIsNeeded) {
  auto sizes = PartSizes::plan(plan(10 * kMiB, 256 * kMiB));
  ASSERT_TRUE(sizes);
  EXPECT_EQ(sizes->at(1), 10 * kMiB);
  EXPECT_EQ(sizes->at(kPartNumberMax), 128 * kMiB);
  Error error = sizes->exhausted();
  EXPECT_EQ(error.kind(), ErrorKind::resource_exhausted);
  auto enough = PartSizes::plan(plan(10 * kMiB, 64 * kGiB));
  std::string needed = std::to_string(2 * enough->at(kPartNumberMax));
  EXPECT_NE(error.message().find(needed + " bytes"), std::string::npos) << error.message();
}

TEST(PartSizes, StayUniformWhereTheServerWantsThat) {
  PartPlan uniform = plan(10 * kMiB, 256 * kMiB);
  uniform.uniform = true;
  auto sizes = PartSizes::plan(uniform);
  ASSERT_TRUE(sizes);
  EXPECT_EQ(sizes->at(kPartNumberMax), 10 * kMiB);
  Error error = sizes->exhausted();
  EXPECT_EQ(error.kind(), ErrorKind::too_large);
  EXPECT_NE(error.message().find("one size"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("10485760"), std::string::npos) << error.message();
}

TEST(PartSizes, HaveOneSizeThatFitsTheHint) {
  struct Case {
    std::uint64_t hint, first;
  };
  for (auto [hint, first] :
       {Case{0, 5 * kMiB}, Case{1, 5 * kMiB}, Case{7 * kMiB, 7 * kMiB},
        Case{10 * kMiB + 1, 10 * kMiB}, Case{97 * kGiB, 10 * kMiB}, Case{kTiB, 109953024}}) {
    auto sizes = PartSizes::plan(hinted(10 * kMiB, 256 * kMiB, hint));
    ASSERT_TRUE(sizes) << sizes.error().message();
    EXPECT_EQ(sizes->first(), first) << hint;
    auto last = static_cast<std::uint32_t>(hint / first + 1);
    if (last <= kPartNumberMax) {
      EXPECT_EQ(sizes->at(last), first) << hint;
    }
    EXPECT_GE(first * kPartNumberMax, hint);
  }
}

TEST(PartSizes, GoOnBehindAHintThatWasTooSmall) {
  auto sizes = PartSizes::plan(hinted(10 * kMiB, 64 * kGiB, 1));
  ASSERT_TRUE(sizes);
  EXPECT_GE(capacity(*sizes), 5 * kTiB);
}

TEST(PartSizes, RefuseAHintThatTheBudgetCannotServe) {
  auto refused = PartSizes::plan(hinted(10 * kMiB, 256 * kMiB, 5 * kTiB));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::resource_exhausted);
  // 5 TiB / 10,000 in whole pages, twice.
  EXPECT_NE(refused.error().message().find("raise it to 1099513856 bytes"), std::string::npos);
  refused = PartSizes::plan(hinted(10 * kMiB, 64 * kGiB, 60 * kTiB));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::too_large);
}

TEST(PartSizes, HalveTheChunkForASmallBudgetButNotBelow5MiB) {
  EXPECT_EQ(PartSizes::plan(plan(10 * kMiB, 16 * kMiB))->first(), 8 * kMiB);
  EXPECT_EQ(PartSizes::plan(plan(10 * kMiB, 6 * kMiB))->first(), 5 * kMiB);
  auto refused = PartSizes::plan(plan(10 * kMiB, 4 * kMiB));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::resource_exhausted);
}

TEST(PartSizes, CountWhatAnUploadHasAlready) {
  PartPlan resumed = hinted(10 * kMiB, 256 * kMiB, 100 * kGiB);
  resumed.stored_parts = 9000;
  resumed.stored_bytes = 60 * kGiB;
  auto sizes = PartSizes::plan(resumed);
  ASSERT_TRUE(sizes) << sizes.error().message();
  EXPECT_GE(sizes->first() * 1000, 40 * kGiB);
}

TEST(PartSizes, KeepASizeThatIsSettled) {
  PartPlan settled = plan(10 * kMiB, 64 * kMiB);
  settled.uniform = true;
  settled.settled_bytes = 50 * kMiB;
  auto sizes = PartSizes::plan(settled);
  ASSERT_TRUE(sizes);
  EXPECT_EQ(sizes->at(77), 50 * kMiB);
  settled.settled_bytes = 65 * kMiB;
  sizes = PartSizes::plan(settled);
  ASSERT_FALSE(sizes);
  EXPECT_EQ(sizes.error().kind(), ErrorKind::resource_exhausted);
}

std::uint64_t covered(const RebuildPlan& plan) {
  std::uint64_t next = 0;
  for (const http::ByteRange& range : plan.ranges) {
    EXPECT_EQ(range.first(), next);
    next += range.length();
  }
  EXPECT_EQ(plan.rest_offset, next);
  return next + plan.rest_bytes;
}

TEST(RebuildPlan, ReadsWhatIsBelow5MiBAndCopiesTheRestWhole) {
  auto sizes = PartSizes::plan(plan(10 * kMiB, 256 * kMiB));
  RebuildPlan small = plan_rebuild(5 * kMiB - 1, *sizes, 32 * kMiB);
  EXPECT_TRUE(small.ranges.empty());
  EXPECT_EQ(covered(small), 5 * kMiB - 1);
  for (std::uint64_t total : {5 * kMiB, 33 * kMiB, 64 * kMiB, 7 * kGiB + 1, 5 * kTiB}) {
    RebuildPlan plan = plan_rebuild(total, *sizes, 32 * kMiB);
    EXPECT_EQ(covered(plan), total);
    EXPECT_EQ(plan.rest_bytes, 0u);
    EXPECT_LE(plan.ranges.size(), 5000u);
    for (const http::ByteRange& range : plan.ranges) {
      EXPECT_GE(range.length(), 5 * kMiB);
      EXPECT_LE(range.length(), kPartBytesMax);
    }
  }
}

TEST(RebuildPlan, KeepsPartsUniformWhereTheServerWantsThat) {
  PartPlan uniform = plan(10 * kMiB, 256 * kMiB);
  uniform.uniform = true;
  auto sizes = PartSizes::plan(uniform);
  RebuildPlan plan = plan_rebuild(33 * kMiB, *sizes, 32 * kMiB);
  EXPECT_EQ(covered(plan), 33 * kMiB);
  EXPECT_EQ(plan.ranges.size(), 3u);
  EXPECT_EQ(plan.rest_bytes, 3 * kMiB);
}

}  // namespace
}  // namespace ringpull::s3::driver
