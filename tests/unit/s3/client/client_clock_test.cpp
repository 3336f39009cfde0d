// The S3 client where clocks disagree: when it takes the server's, and when it does not.
#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/http/body_sources.hpp>
#include <ringpull/http/date.hpp>
#include <ringpull/s3/sigv4.hpp>

#include "tests/unit/s3/client/client_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_head;
using ringpull::testing::read_request;
using ringpull::testing::write;
using testing::ClientBed;
using testing::error_response;
using testing::kBedNow;
using testing::response;

/// The Date of a server whose clock is that far from the client's.
std::string date(std::chrono::seconds off) {
  return "Date: " + http::format_http_date(kBedNow + off) + "\r\n";
}

/// The x-amz-date of a request that was signed by such a clock.
std::string signed_at(std::chrono::seconds off) { return amz_date(kBedNow + off); }

std::string found(const std::string& headers = {}) {
  return response(200, "ETag: \"e\"\r\n" + headers);
}

Task<Result<ObjectInfo>> head(ClientBed& bed) {
  HeadObjectOptions options(Bucket("b"), ObjectKey("k"));
  auto info = co_await bed.client->head_object(options);
  co_return info;
}

TEST(S3ClientClock, IsCorrectedWhereAHeadIsRefusedWithoutAReason) {
  for (int status : {400, 403}) {
    SCOPED_TRACE(status);
    ClientBed bed;
    bed.scripts = {{read_head(), write(response(status, date(1h))), read_head(), write(found()),
                    read_head(), write(found()), hold()}};
    bed.run([](ClientBed& b) -> Task<void> {
      auto first = co_await head(b);
      EXPECT_TRUE(first);
      EXPECT_TRUE(b.sent(0, signed_at(0s)));
      EXPECT_TRUE(b.sent(1, signed_at(1h)));
      auto second = co_await head(b);
      EXPECT_TRUE(second);
      EXPECT_TRUE(b.sent(2, signed_at(1h))) << "it stays corrected";
    });
  }
}

TEST(S3ClientClock, IsCorrectedWhereTheSignatureIsRefused) {
  ClientBed bed;
  bed.scripts = {{read_head(), write(error_response(403, "SignatureDoesNotMatch", date(-1h))),
                  read_head(), write(response(200, "ETag: \"e\"\r\n", "a")), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    std::array<std::byte, 1> out;
    GetObjectOptions options(Bucket("b"), ObjectKey("k"));
    auto got = co_await b.client->get_object_into(options, out);
    EXPECT_TRUE(got);
    EXPECT_TRUE(b.sent(1, signed_at(-1h)));
  });
}

TEST(S3ClientClock, IsNotBlamedForARefusalThatGivesAnotherReason) {
  ClientBed bed;
  bed.scripts = {{read_head(), write(error_response(403, "AccessDenied", date(1h))), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    GetObjectOptions options(Bucket("b"), ObjectKey("k"));
    auto got = co_await b.client->get_object(options);
    EXPECT_FALSE(got);
    EXPECT_EQ(b.requests(), 1u);
  });
}

TEST(S3ClientClock, IsNotBlamedWhereItIsNearlyRight) {
  for (std::chrono::seconds off : {240s, -240s}) {
    ClientBed bed;
    bed.scripts = {{read_head(), write(response(403, date(off))), hold()}};
    bed.run([](ClientBed& b) -> Task<void> {
      auto refused = co_await head(b);
      EXPECT_FALSE(refused);
      EXPECT_EQ(b.requests(), 1u);
    });
  }
}

TEST(S3ClientClock, IsNotJudgedByTheDateOfAnEarlierAnswer) {
  ClientBed bed;
  bed.scripts = {{read_head(), write(found(date(1h))), read_head(), write(response(403)), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto info = co_await head(b);
    EXPECT_TRUE(info);
    auto refused = co_await head(b);
    EXPECT_FALSE(refused);
    EXPECT_EQ(b.requests(), 2u);
  });
}

TEST(S3ClientClock, OfAnonymousRequestsIsNotBlamed) {
  ClientBed bed;
  bed.credentials = std::make_unique<StaticCredentialsProvider>(Credentials());
  bed.scripts = {{read_head(), write(response(403, date(1h))), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto refused = co_await head(b);
    EXPECT_FALSE(refused);
    EXPECT_EQ(b.requests(), 1u);
  });
}

// A missing object is refused like this where listing is not allowed, and a proxy's Date is wrong.
TEST(S3ClientClock, IsNotSpoiltByAWrongDateThatDidNotHelp) {
  ClientBed bed;
  bed.scripts = {{read_head(), write(response(403, date(1h))), read_head(),
                  write(response(403, date(3h))), read_head(), write(found()), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    auto refused = co_await head(b);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().http_status(), 403);
    EXPECT_EQ(b.requests(), 2u) << "tried once";
    EXPECT_TRUE(b.sent(1, signed_at(1h)));
    auto info = co_await head(b);
    EXPECT_TRUE(info);
    EXPECT_TRUE(b.sent(2, signed_at(0s)));
  });
}

/// Three bytes that come when the test says so.
class GatedSource final : public http::BodySource {
 public:
  std::optional<std::uint64_t> size() const noexcept override { return 3; }
  bool rewindable() const noexcept override { return true; }
  Task<Result<void>> rewind() override {
    given_ = false;
    co_return Result<void>();
  }
  Task<Result<http::ConstBytes>> next() override {
    asked.set();
    RINGPULL_CO_CHECK(co_await gate.wait());
    http::ConstBytes piece = given_ ? http::ConstBytes() : std::as_bytes(std::span("abc", 3));
    given_ = true;
    co_return piece;
  }

  engine::Event asked;
  engine::Event gate;

 private:
  bool given_ = false;
};

Task<void> put(ClientBed& bed, GatedSource& body, bool& done) {
  PutObjectOptions options(Bucket("b"), ObjectKey("k"));
  auto stored = co_await bed.client->put_object(options, body);
  done = stored.has_value();
}

/// A PUT that is signed before `meanwhile` and sent after it; whether it succeeded.
Task<bool> put_around(ClientBed& bed, Task<void> (*meanwhile)(ClientBed&)) {
  GatedSource body;
  bool done = false;
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(put(bed, body, done));
  auto asked = co_await body.asked.wait();
  EXPECT_TRUE(asked);
  co_await meanwhile(bed);
  body.gate.set();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  co_return done;
}

void never_sign_payloads(ClientOptions& options) {
  options.payload_signing = PayloadSigning::never;
}

TEST(S3ClientClock, IsThatOfTheSignatureAlsoWhereAnotherRequestHasCorrectedItMeanwhile) {
  ClientBed bed;
  bed.configure = &never_sign_payloads;
  std::string refusal = error_response(403, "SignatureDoesNotMatch", date(1h));
  // The PUT's connection is the first: it was opened before its body was asked for.
  bed.scripts = {
      {read_request(), write(refusal), read_request(), write(found()), hold()},
      {read_head(), write(response(403, date(1h))), read_head(), write(found()), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    bool done = co_await put_around(b, [](ClientBed& inner) -> Task<void> {
      auto info = co_await head(inner);
      EXPECT_TRUE(info);
    });
    EXPECT_TRUE(done);
    EXPECT_EQ(b.requests(), 4u);
    EXPECT_TRUE(b.sent(2, signed_at(0s)));
    EXPECT_TRUE(b.sent(3, signed_at(1h)));
  });
}

TEST(S3ClientClock, IsNotBlamedForTheTimeThatAnUploadTook) {
  ClientBed bed;
  bed.configure = &never_sign_payloads;
  bed.scripts = {
      {read_request(), write(error_response(403, "SignatureDoesNotMatch", date(10min))), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    bool done = co_await put_around(b, [](ClientBed& inner) -> Task<void> {
      inner.now += 10min;
      co_return;
    });
    EXPECT_FALSE(done);
    EXPECT_EQ(b.requests(), 1u);
  });
}

}  // namespace
}  // namespace ringpull::s3
