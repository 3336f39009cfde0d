// What the S3 client tells of an upload that was created at the second attempt.
#include <gtest/gtest.h>
#include <string>

#include "tests/unit/s3/client/client_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_request;
using ringpull::testing::reset;
using ringpull::testing::write;
using testing::ClientBed;
using testing::error_response;
using testing::response;

std::string created() {
  return response(200, {},
                  "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key>"
                  "<UploadId>u</UploadId></InitiateMultipartUploadResult>");
}

Task<bool> twins_possible(ClientBed& bed, std::size_t requests) {
  CreateMultipartUploadOptions options(Bucket("b"), ObjectKey("k"));
  auto result = co_await bed.client->create_multipart_upload(options);
  EXPECT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->upload_id.str(), "u");
  EXPECT_EQ(bed.requests(), requests);
  co_return result->twins_possible;
}

TEST(S3ClientCreation, HasNoTwinsAtTheFirstAttempt) {
  ClientBed bed;
  bed.scripts = {{read_request(), write(created()), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    bool twins = co_await twins_possible(b, 1);
    EXPECT_FALSE(twins);
  });
}

TEST(S3ClientCreation, MayHaveTwinsWhereTheConnectionWasLost) {
  ClientBed bed;
  bed.scripts = {{read_request(), reset()}, {read_request(), write(created()), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    bool twins = co_await twins_possible(b, 2);
    EXPECT_TRUE(twins);
  });
}

TEST(S3ClientCreation, MayHaveTwinsAfterAServerError) {
  for (int status : {500, 502, 504}) {
    ClientBed bed;
    bed.scripts = {{read_request(), write(error_response(status, "InternalError")), read_request(),
                    write(error_response(503, "SlowDown")), read_request(), write(created()),
                    hold()}};
    bed.run([](ClientBed& b) -> Task<void> {
      bool twins = co_await twins_possible(b, 3);
      EXPECT_TRUE(twins) << "whatever came after it";
    });
  }
}

TEST(S3ClientCreation, HasNoTwinsAfterARefusal) {
  ClientBed bed;
  bed.scripts = {{read_request(), write(error_response(503, "SlowDown")), read_request(),
                  write(created()), hold()}};
  bed.run([](ClientBed& b) -> Task<void> {
    bool twins = co_await twins_possible(b, 2);
    EXPECT_FALSE(twins);
  });
}

}  // namespace
}  // namespace ringpull::s3
