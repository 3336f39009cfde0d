#include <gtest/gtest.h>
#include <type_traits>

#include <ringpull/s3/types.hpp>

namespace ringpull::s3 {
namespace {

static_assert(!std::is_convertible_v<Bucket, ObjectKey>);
static_assert(!std::is_convertible_v<const char*, Bucket>);
static_assert(!std::is_aggregate_v<GetObjectOptions> && !std::is_aggregate_v<PutObjectOptions> &&
                  !std::is_aggregate_v<CopyObjectOptions> && !std::is_aggregate_v<ObjectInfo> &&
                  !std::is_aggregate_v<CompletedPart> && !std::is_aggregate_v<Bucket> &&
                  !std::is_aggregate_v<ETag> && !std::is_aggregate_v<PartNumber> &&
                  !std::is_aggregate_v<ListObjectsV2Options> &&
                  !std::is_aggregate_v<ObjectAttributes> && !std::is_aggregate_v<Encryption>,
              "g++ 12 frees aggregate temporaries twice in awaited calls");

TEST(ETag, IsTheSameWithAndWithoutQuotes) {
  EXPECT_EQ(ETag("\"abc-3\""), ETag("abc-3"));
  EXPECT_EQ(ETag("\"abc-3\"").str(), "abc-3");
  EXPECT_EQ(ETag("abc-3").quoted(), "\"abc-3\"");
  EXPECT_EQ(ETag("\""), ETag("\""));
  EXPECT_EQ(ETag("\"").str(), "\"");
  EXPECT_TRUE(ETag("\"\"").empty());
}

TEST(ETag, KeepsTheMarkOfAWeakTag) {
  ETag weak("W/\"abc\"");
  EXPECT_TRUE(weak.weak());
  EXPECT_EQ(weak.quoted(), "W/\"abc\"");
  EXPECT_FALSE(weak == ETag("abc"));
  EXPECT_TRUE(weak.if_strong().empty());
  EXPECT_EQ(ETag("abc").if_strong(), ETag("abc"));
}

}  // namespace
}  // namespace ringpull::s3
