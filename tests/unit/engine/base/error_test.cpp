#include <cerrno>
#include <gtest/gtest.h>

#include <ringpull/engine/result.hpp>

namespace ringpull {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorKind::invalid_argument, "an odd number has no half");
  return value / 2;
}

Result<int> quarter(int value) {
  RINGPULL_TRY(auto once, half(value));
  RINGPULL_TRY(auto twice, half(once));
  return twice;
}

TEST(Error, CarriesErrnoAsCodeKindAndText) {
  Error error = Error::from_errno(ECONNREFUSED, "connect 127.0.0.1:9");
  EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  EXPECT_EQ(error.code().value(), ECONNREFUSED);
  EXPECT_EQ(error.message(), "connect 127.0.0.1:9: Connection refused");
  EXPECT_TRUE(error.is_retryable());
}

TEST(Error, PutsTheOutermostContextFirst) {
  Error error = Error(ErrorKind::not_found, "no such key").context("get s3://b/k").context("pull");
  EXPECT_EQ(error.message(), "pull: get s3://b/k: no such key");
}

TEST(Error, CopyKeepsEveryField) {
  Error error = Error(ErrorKind::throttled, "slow down")
                    .with_http_status(503)
                    .with_service_code("SlowDown")
                    .with_request_id("r1")
                    .with_hint("eu-west-1")
                    .with_bytes_done(7)
                    .with_maybe_applied(true)
                    .with_retry_after(1.5);
  Error copy = error;
  EXPECT_EQ(copy.kind(), ErrorKind::throttled);
  EXPECT_EQ(copy.http_status(), 503);
  EXPECT_EQ(copy.service_code(), "SlowDown");
  EXPECT_EQ(copy.request_id(), "r1");
  EXPECT_EQ(copy.hint(), "eu-west-1");
  EXPECT_EQ(copy.bytes_done(), 7u);
  EXPECT_TRUE(copy.maybe_applied());
  EXPECT_EQ(copy.retry_after_seconds(), 1.5);
}

TEST(Result, TryReturnsTheFirstErrorAndOtherwiseTheValue) {
  EXPECT_EQ(quarter(8).value(), 2);
  Result<int> odd = quarter(6);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().kind(), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace ringpull
