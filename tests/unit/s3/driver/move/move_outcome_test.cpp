// Whether a file that is moved in parts may be deleted once an answer was lost.
#include <gtest/gtest.h>
#include <string>

#include "s3/src/driver/move/move.hpp"
#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3::driver {
namespace {

using engine::Task;
using testing::CannedAnswer;
using testing::contains;
using testing::CoreBed;
using testing::error_answer;

constexpr std::uint64_t kMiB = 1 << 20;

bool is_completion(const http::RequestHead& head) {
  return head.method == "POST" && contains(head.target, "/to?uploadId");
}

sandbox::Object& object(CoreBed& b, const std::string& key) {
  return b.store.find("b")->objects.find(key)->second;
}

/// A file of seven parts.
class MoveOutcome : public ::testing::Test {
 protected:
  MoveOutcome() {
    bed.options.copy_chunk_bytes = 5 * kMiB;
    bed.options.copy_threshold_bytes = 5 * kMiB;
  }
  CoreBed bed;
};

void expect_kept(CoreBed& b, const Result<void>& moved) {
  EXPECT_FALSE(moved);
  if (moved) return;
  EXPECT_TRUE(moved.error().maybe_applied()) << moved.error().message();
  EXPECT_TRUE(b.has("from")) << moved.error().message();
}

/// The completion fails, and somebody has aborted the upload.
void lose_the_upload(CoreBed& b) {
  b.gate->script = [&b](const http::RequestHead& head) -> std::optional<CannedAnswer> {
    if (!is_completion(head)) return std::nullopt;
    b.store.find("b")->uploads.clear();
    return error_answer(500, "InternalError");
  };
}

TEST_F(MoveOutcome, KeepsTheSourceWhenTheUploadIsGoneAndThereIsNoCopy) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    lose_the_upload(b);
    auto moved = co_await move(*b.core, "/from", "/to");
    expect_kept(b, moved);
    EXPECT_TRUE(contains(moved.error().message(), "is gone and nothing shows"))
        << moved.error().message();
    EXPECT_FALSE(b.has("to"));
  });
}

TEST_F(MoveOutcome, KeepsTheSourceWhenTheFileAtTheTargetIsOlder) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.add("to", 33 * kMiB);
    object(b, "to").etag = std::string(32, 'a') + "-7";
    lose_the_upload(b);
    auto moved = co_await move(*b.core, "/from", "/to");
    expect_kept(b, moved);
  });
}

TEST_F(MoveOutcome, TakesNoNumberOfPartsForAProof) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.add("to", 33 * kMiB);
    object(b, "to").etag = "opaque-7";
    bool tried = false;
    b.gate->script = [&](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (contains(head.target, "partNumber=")) {
        return CannedAnswer(200, "<CopyPartResult><ETag>\"opaque\"</ETag></CopyPartResult>");
      }
      if (!is_completion(head)) return std::nullopt;
      b.store.find("b")->uploads.clear();
      return error_answer(std::exchange(tried, true) ? 404 : 500,
                          tried ? "NoSuchUpload" : "InternalError");
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    expect_kept(b, moved);
  });
}

TEST_F(MoveOutcome, TakesNo404OfAProxyForTheEndOfTheUpload) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (is_completion(head)) return error_answer(500, "InternalError");
      bool look = head.method == "GET" && contains(head.target, "uploadId=");
      if (look) return CannedAnswer(404, "default backend - 404");
      return std::nullopt;
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    expect_kept(b, moved);
    EXPECT_TRUE(contains(moved.error().message(), "was completed is unknown"))
        << moved.error().message();
  });
}

TEST_F(MoveOutcome, IsSeenInTheListingWhereTheTargetCannotBeRead) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.add("to", 1);
    b.add("to-and-more", 1);
    b.gate->lose_containing = "POST /b/to?uploadId";
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      bool look = head.method == "HEAD" && head.target == "/b/to";
      return look ? std::optional(CannedAnswer(403, "")) : std::nullopt;
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_FALSE(b.has("from"));
    EXPECT_EQ(object(b, "to").size, 33 * kMiB);
  });
}

TEST_F(MoveOutcome, KeepsTheSourceWhereTheTargetMayNeitherBeReadNorListed) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.gate->lose_containing = "POST /b/to?uploadId";
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (head.method == "HEAD" && head.target == "/b/to") return CannedAnswer(403, "");
      if (contains(head.target, "list-type")) return error_answer(403, "AccessDenied");
      return std::nullopt;
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    expect_kept(b, moved);
    EXPECT_TRUE(b.has("to"));
  });
}

TEST_F(MoveOutcome, HasTheHeadersThatOneCopyWouldKeep) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    sandbox::Attributes& attributes = object(b, "from").attributes;
    attributes.content_type = "text/x";
    attributes.headers = {{"cache-control", "max-age=60"},
                          {"content-disposition", "attachment"},
                          {"content-encoding", "gzip"},
                          {"content-language", "de"},
                          {"x-amz-meta-color", "red"}};
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(b.gate->header("?uploads", "Content-Type"), "text/x");
    EXPECT_EQ(b.gate->header("?uploads", "Cache-Control"), "max-age=60");
    EXPECT_EQ(b.gate->header("?uploads", "Content-Disposition"), "attachment");
    EXPECT_EQ(b.gate->header("?uploads", "Content-Encoding"), "gzip");
    EXPECT_EQ(b.gate->header("?uploads", "Content-Language"), "de");
    EXPECT_EQ(b.gate->header("?uploads", "x-amz-meta-color"), "red");
  });
}

}  // namespace
}  // namespace ringpull::s3::driver
