// The S3 client with temporary keys, where a HEAD cannot say that they have expired.
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/refreshing_credentials.hpp>

#include "tests/unit/s3/client/client_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_head;
using ringpull::testing::write;
using testing::ClientBed;
using testing::kBedNow;
using testing::response;

/// KEY1, KEY2, ... with session tokens or without; down after `keys_max` of them.
class NumberedSource final : public CredentialsSource {
 public:
  NumberedSource(std::string token, int keys_max) : token_(std::move(token)), keys_max_(keys_max) {}
  std::string name() const override { return "numbered"; }
  Task<Result<Credentials>> load() override {
    if (loads_ == keys_max_) co_return fail(ErrorKind::unavailable, "the source is down");
    Credentials credentials("KEY" + std::to_string(++loads_), Secret("canary"), Secret(token_));
    credentials.expiry = kBedNow + 1h;
    co_return credentials;
  }

 private:
  std::string token_;
  int keys_max_;
  int loads_ = 0;
};

std::unique_ptr<CredentialsProvider> numbered_keys(std::string token = "token",
                                                   int keys_max = 100) {
  RefreshOptions options;
  options.clock = [] { return kBedNow; };
  return std::make_unique<RefreshingCredentialsProvider>(
      std::make_unique<NumberedSource>(std::move(token), keys_max), options);
}

Task<Result<ObjectInfo>> head(ClientBed& bed) {
  HeadObjectOptions options(Bucket("b"), ObjectKey("k"));
  auto info = co_await bed.client->head_object(options);
  co_return info;
}

std::string found() { return response(200, "ETag: \"e\"\r\n"); }

TEST(S3ClientSession, KeysAreRenewedWhereAHeadIsRefusedWith400) {
  ClientBed bed;
  bed.credentials = numbered_keys();
  bed.scripts = {{read_head(), write(response(400)), read_head(), write(found()), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto info = co_await head(b);
    EXPECT_TRUE(info);
    EXPECT_TRUE(b.sent(0, "Credential=KEY1/"));
    EXPECT_TRUE(b.sent(1, "Credential=KEY2/"));
  });
}

TEST(S3ClientSession, KeysThatAreNewAreNotRenewedAgainForTheSameRefusal) {
  ClientBed bed;
  bed.credentials = numbered_keys();
  bed.scripts = {{read_head(), write(response(400)), read_head(), write(response(400)), read_head(),
                  write(response(400)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto refused = co_await head(b);
    EXPECT_FALSE(refused);
    EXPECT_EQ(b.requests(), 2u) << "once";
    auto again = co_await head(b);
    EXPECT_FALSE(again);
    EXPECT_EQ(b.requests(), 3u) << "the keys were not the reason the last time";
    EXPECT_TRUE(b.sent(2, "Credential=KEY2/"));
  });
}

TEST(S3ClientSession, KeysOutlastARefusedHeadWhileTheirSourceIsDown) {
  ClientBed bed;
  bed.credentials = numbered_keys("token", 1);
  bed.scripts = {{read_head(), write(response(400)), read_head(), write(found()), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto refused = co_await head(b);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(refused.error().http_status(), 400) << "the answer's, not the source's failure";
    EXPECT_EQ(b.requests(), 1u) << "nothing else to sign by";
    auto other = co_await head(b);
    EXPECT_TRUE(other);
    EXPECT_TRUE(b.sent(1, "Credential=KEY1/"));
  });
}

TEST(S3ClientSession, KeysThatNobodyRenewsAreNotTriedAgain) {
  ClientBed bed;
  bed.credentials = std::make_unique<StaticCredentialsProvider>(
      Credentials("KEY", Secret("canary"), Secret("token")));
  bed.scripts = {{read_head(), write(response(400)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto refused = co_await head(b);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().http_status(), 400);
    EXPECT_EQ(b.requests(), 1u);
  });
}

TEST(S3ClientSession, KeysWithoutATokenDoNotExpire) {
  ClientBed bed;
  bed.credentials = numbered_keys("");
  bed.scripts = {{read_head(), write(response(400)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto refused = co_await head(b);
    EXPECT_FALSE(refused);
    EXPECT_EQ(b.requests(), 1u);
  });
}

TEST(S3ClientSession, KeysAreNotRenewedForAnAnswerThatHadRoomForAReason) {
  ClientBed bed;
  bed.credentials = numbered_keys();
  bed.scripts = {{read_head(), write(response(400)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    GetObjectOptions options(Bucket("b"), ObjectKey("k"));
    auto refused = co_await b.client->get_object(options);
    EXPECT_FALSE(refused);
    EXPECT_EQ(b.requests(), 1u);
  });
}

TEST(S3ClientSession, KeysAreNotRenewedForARegionThatTheAnswerNames) {
  ClientBed bed;
  bed.credentials = numbered_keys();
  bed.scripts = {{read_head(), write(response(400, "x-amz-bucket-region: eu-west-3\r\n")),
                  read_head(), write(found()), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto info = co_await head(b);
    EXPECT_TRUE(info);
    EXPECT_TRUE(b.sent(1, "Credential=KEY1/"));
    EXPECT_TRUE(b.sent(1, "/eu-west-3/s3/aws4_request"));
  });
}

TEST(S3ClientSession, TheClockIsTriedBeforeTheKeys) {
  ClientBed bed;
  bed.credentials = numbered_keys();
  std::string dated = "Date: Tue, 14 Nov 2023 23:13:20 GMT\r\n";  // an hour ahead
  bed.scripts = {{read_head(), write(response(400, dated)), read_head(),
                  write(response(400, dated)), read_head(), write(found()), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto info = co_await head(b);
    EXPECT_TRUE(info);
    EXPECT_TRUE(b.sent(1, "Credential=KEY1/"));
    EXPECT_TRUE(b.sent(1, "20231114T231320Z"));
    EXPECT_TRUE(b.sent(2, "Credential=KEY2/"));
  });
}

}  // namespace
}  // namespace ringpull::s3
