// A registry deletes what its storage calls missing: while the server cannot be asked no path may
// be missing, and no upload aborted.
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include <ringpull/s3/s3_driver.hpp>
#include <ringpull/s3/storage_error.hpp>

#include "tests/support/fixed_resolver.hpp"
#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using testing::CannedAnswer;
using testing::CoreBed;

/// Credentials that were in a file that somebody has removed.
class LostCredentials final : public CredentialsProvider {
 public:
  Task<Result<const Credentials*>> credentials() override {
    co_return fail(ErrorKind::not_found, "no credentials: open ~/.aws/credentials");
  }
  void invalidate(std::string_view) noexcept override {}
};

class Outage {
 public:
  Outage(std::string what, ErrorKind kind) : what_(std::move(what)), kind_(kind) {}

  template <class T>
  void expect(const Result<T>& outcome, std::string_view call) const {
    EXPECT_FALSE(outcome) << what_ << ": " << call << " succeeded";
    if (outcome) return;
    EXPECT_EQ(outcome.error().kind(), kind_) << what_ << ": " << outcome.error().message();
    EXPECT_NE(outcome.error().code(), StorageErrc::path_not_found)
        << what_ << ": " << outcome.error().message();
  }

 private:
  std::string what_;
  ErrorKind kind_;
};

Task<void> expect_outage(CoreBed& b, Client& client, const Outage& outage) {
  auto driver = S3Driver::create(b.options, client, *b.pool).value();
  auto info = co_await driver->stat("/a");
  outage.expect(info, "stat");
  auto content = co_await driver->get_content("/a", 10);
  outage.expect(content, "get_content");
  std::span<const std::byte> nothing;
  auto put = co_await driver->put_content("/a", nothing);
  outage.expect(put, "put_content");
  ReaderOptions reading;
  auto reader = co_await driver->reader("/a", reading);
  outage.expect(reader, "reader");
  auto paths = co_await driver->list("/a");
  outage.expect(paths, "list");
  WalkOptions walking;
  WalkVisitor visitor = [](const FileInfo&) -> Task<Result<WalkStep>> {
    co_return WalkStep::go_on;
  };
  auto walked = co_await driver->walk("/a", walking, visitor);
  outage.expect(walked, "walk");
  auto removed = co_await driver->remove("/a");
  outage.expect(removed, "remove");
  WriterOptions appending;
  appending.append = true;
  auto writer = co_await driver->writer("/a", appending);
  outage.expect(writer, "append");
  AbortMultipartUploadOptions abort(b.options.bucket, ObjectKey("a"), UploadId("u"));
  auto aborted = co_await client.abort_multipart_upload(abort);
  outage.expect(aborted, "abort");
}

TEST(DriverOutage, AGatewayWithoutItsServiceMakesNoPathMissing) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a", 7);
    b.gate->script = [](const http::RequestHead&) {
      return CannedAnswer(404, "default backend - 404");
    };
    Outage outage("gateway", ErrorKind::unavailable);
    co_await expect_outage(b, *b.client, outage);
  });
}

TEST(DriverOutage, AHostNameThatDoesNotExistMakesNoPathMissing) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    ringpull::testing::FixedResolver nobody;
    http::ClientOptions http_options;
    auto http = http::Client::create(http_options, nobody).value();
    StaticCredentialsProvider credentials(Credentials("id", Secret("secret")));
    ClientOptions options(Endpoint::create("http://s3.invalid:9000", Region("us-east-1")).value());
    Client client(options, *http, credentials);
    Outage outage("DNS", ErrorKind::unavailable);
    co_await expect_outage(b, client, outage);
    EXPECT_EQ(client.stats().retries, 0u) << "the name is asked for once";
  });
}

TEST(DriverOutage, LostCredentialsMakeNoPathMissing) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a", 7);
    ringpull::testing::FixedResolver resolver;
    http::ClientOptions http_options;
    auto http = http::Client::create(http_options, resolver).value();
    LostCredentials credentials;
    ClientOptions options(Endpoint::create(b.url, Region("us-east-1")).value());
    Client client(options, *http, credentials);
    Outage outage("credentials", ErrorKind::unauthenticated);
    co_await expect_outage(b, client, outage);
    EXPECT_EQ(b.gate->count(), 0u);
    GetObjectOptions get(b.options.bucket, ObjectKey("a"));
    PresignOptions presign;
    auto url = co_await client.presign(get, presign);
    outage.expect(url, "presign");
  });
}

}  // namespace
}  // namespace ringpull::s3
