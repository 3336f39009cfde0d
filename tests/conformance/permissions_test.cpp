// A key with fewer permissions than the documented ones: what works, and what the rest is told.

#include "tests/conformance/bed.hpp"
#include "tests/conformance/files.hpp"

namespace ringpull::conformance {
namespace {

constexpr std::size_t kMiB = std::size_t(1) << 20;

/// The policy that Docker Trusted Registry documented: nothing about uploads under way.
class SmallPolicy : public DriverTest {
 protected:
  SmallPolicy() { bed.allowed = small_actions(); }
  void SetUp() override {
    bool other = ServerAddress::from_environment() && !ServerAddress::has_small_policy();
    if (other) GTEST_SKIP() << "the server given allows more than the small policy";
  }
};
RINGPULL_FOR_EACH_DRIVER(SmallPolicy);

void expect_denied(const Error& error, std::string_view permission) {
  EXPECT_EQ(error.kind(), ErrorKind::permission_denied) << error.message();
  EXPECT_NE(error.message().find(permission), std::string::npos) << error.message();
}

TEST_P(SmallPolicy, SufficesToPushPullAndDelete) {
  run([](Bed& b) -> Task<Result<void>> {
    for (std::size_t size : {std::size_t(32), 25 * kMiB, 40 * kMiB}) {
      Content content = Content::noise(size);
      Bytes bytes = content.bytes(size);
      RINGPULL_CO_CHECK(co_await write(b.driver(), "/_uploads/1/data", bytes));
      RINGPULL_CO_CHECK(co_await b.driver().move("/_uploads/1/data", "/blobs/1/data"));
      RINGPULL_CO_CHECK(co_await b.driver().put_content("/_layers/1/link", bytes_of("1")));
      RINGPULL_CO_TRY(s3::FileInfo info, co_await b.driver().stat("/blobs/1/data"));
      EXPECT_EQ(info.size_bytes, size);
      RINGPULL_CO_TRY(std::uint64_t read, co_await verify(b.driver(), "/blobs/1/data", content));
      EXPECT_EQ(read, size);
      RINGPULL_CO_CHECK(co_await b.driver().remove("/blobs"));
      RINGPULL_CO_CHECK(co_await b.driver().remove("/_layers"));
    }
    auto missing = co_await b.driver().stat("/blobs");
    expect_path_not_found(missing, "/blobs");
    co_return Result<void>();
  });
}

TEST_P(SmallPolicy, NamesThePermissionThatCancelLacks) {
  run([](Bed& b) -> Task<Result<void>> {
    s3::WriterOptions options;
    RINGPULL_CO_TRY(auto writer, co_await b.driver().writer("/a", options));
    // So much that the upload has been created.
    Bytes bytes = Content::noise(1).bytes(60 * kMiB);
    auto written = co_await writer->write(bytes);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(written);
    EXPECT_FALSE(cancelled);
    if (!cancelled) expect_denied(cancelled.error(), "s3:AbortMultipartUpload");
    co_return co_await b.abort_uploads();
  });
}

TEST_P(SmallPolicy, NamesThePermissionThatResumingLacks) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_TRY(
        std::uint64_t size,
        co_await write_and_suspend(b.driver(), "/a", Content::noise(1).bytes(6 * kMiB), false));
    EXPECT_EQ(size, 6 * kMiB);
    if (b.on_sandbox()) {  // radosgw lets who began an upload list its parts, whatever the policy
      auto resumed = co_await append_and_commit(b.driver(), "/a", bytes_of("x"));
      EXPECT_FALSE(resumed);
      if (!resumed) expect_denied(resumed.error(), "s3:ListMultipartUploadParts");
    }
    // As docker distribution leaves an upload: without our note of it.
    s3::DeleteObjectOptions sidecar(b.bucket(),
                                    s3::ObjectKey(b.key("/a").str() + "~ringpull-upload"));
    RINGPULL_CO_CHECK(co_await b.owner().delete_object(sidecar));
    auto found = co_await append_and_commit(b.driver(), "/a", bytes_of("x"));
    EXPECT_FALSE(found);
    if (!found) expect_denied(found.error(), "s3:ListBucketMultipartUploads");
    co_return co_await b.abort_uploads();
  });
}

}  // namespace
}  // namespace ringpull::conformance
