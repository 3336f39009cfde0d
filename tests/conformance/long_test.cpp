// What takes minutes on a real server: files beyond 5 GiB, and more of everything than one page of
// an answer holds. Content is mostly zeros, which the sandbox does not keep.

#include "tests/conformance/bed.hpp"
#include "tests/conformance/files.hpp"

namespace ringpull::conformance {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t(1) << 20;
constexpr std::uint64_t kGiB = kMiB << 10;

class LongFile : public DriverTest {
 protected:
  LongFile() {
    bed.etags = sandbox::ETagStyle::opaque;
    bed.keeps_zeros = false;
  }
};
RINGPULL_FOR_EACH_DRIVER(LongFile);
class LongListing : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(LongListing);

Task<Result<void>> write_pieces(s3::StorageWriter& writer, const Content& content,
                                std::uint64_t size) {
  Bytes piece(kMiB);
  for (std::uint64_t at = writer.size_bytes(); at < size; at += piece.size()) {
    content.fill(at, piece);
    RINGPULL_CO_CHECK(co_await writer.write(piece));
  }
  s3::CommitOptions options;
  co_return co_await writer.commit(options);
}

TEST_P(LongFile, AStreamOf5GiBComesBack) {
  run([](Bed& b) -> Task<Result<void>> {
    Content content = Content::sparse(5);
    s3::WriterOptions options;
    RINGPULL_CO_TRY(auto writer, co_await b.driver().writer("/a", options));
    auto written = co_await write_pieces(*writer, content, 5 * kGiB);
    RINGPULL_CO_CHECK(co_await writer->close());
    if (!written) co_return written;
    RINGPULL_CO_TRY(std::uint64_t size, co_await verify(b.driver(), "/a", content));
    EXPECT_EQ(size, 5 * kGiB);
    co_return Result<void>();
  });
}

/// An upload of `count` parts that are all the object `source`.
Task<Result<s3::CompleteMultipartUploadOptions>> upload_copies(Bed& b, s3::ObjectKey source,
                                                               s3::ObjectKey key,
                                                               std::uint32_t count) {
  s3::CreateMultipartUploadOptions create(b.bucket(), key);
  RINGPULL_CO_TRY(auto created, co_await b.verbs().create_multipart_upload(create));
  s3::CompleteMultipartUploadOptions upload(b.bucket(), key, created.upload_id);
  for (std::uint32_t number = 1; number <= count; ++number) {
    s3::UploadPartCopyOptions copy;
    copy.source_bucket = b.bucket();
    copy.source_key = source;
    copy.bucket = b.bucket();
    copy.key = key;
    copy.upload_id = created.upload_id;
    copy.number = s3::PartNumber(number);
    RINGPULL_CO_TRY(auto part, co_await b.verbs().upload_part_copy(copy));
    upload.parts.emplace_back(copy.number, part.etag);
  }
  co_return upload;
}

TEST_P(LongFile, MoreThan5GiBMove) {
  run([](Bed& b) -> Task<Result<void>> {
    constexpr std::uint32_t kCopies = 6;
    Content content = Content::sparse(6);
    s3::WriterOptions options;
    RINGPULL_CO_TRY(auto writer, co_await b.driver().writer("/gib", options));
    RINGPULL_CO_CHECK(co_await write_pieces(*writer, content, kGiB));
    RINGPULL_CO_TRY(auto upload, co_await upload_copies(b, b.key("/gib"), b.key("/a"), kCopies));
    RINGPULL_CO_TRY(auto made, co_await b.verbs().complete_multipart_upload(upload));
    EXPECT_FALSE(made.etag.empty());
    RINGPULL_CO_CHECK(co_await b.driver().move("/a", "/b"));
    RINGPULL_CO_TRY(s3::FileInfo info, co_await b.driver().stat("/b"));
    EXPECT_EQ(info.size_bytes, kCopies * kGiB);
    // Around the border of each copy, which is where a part of the move may be misplaced.
    Bytes out(2 * 4096);
    for (std::uint64_t copy = 0; copy < kCopies; ++copy) {
      s3::RangedReadOptions range;
      range.offset = copy == 0 ? 0 : copy * kGiB - 4096;
      RINGPULL_CO_TRY(s3::RangedRead got, co_await b.driver().read_range("/b", out, range));
      EXPECT_EQ(got.bytes, out.size());
      Bytes expected = content.bytes(copy == 0 ? out.size() : 4096, range.offset % kGiB);
      Bytes begin = content.bytes(4096);
      if (copy > 0) expected.insert(expected.end(), begin.begin(), begin.end());
      EXPECT_TRUE(out == expected) << "at " << range.offset;
    }
    auto gone = co_await b.driver().stat("/a");
    expect_path_not_found(gone, "/a");
    co_return Result<void>();
  });
}

TEST_P(LongFile, AnUploadOf1001PartsIsResumed) {
  run([](Bed& b) -> Task<Result<void>> {
    constexpr std::uint64_t kPart = 5 * kMiB;
    Content content = Content::sparse(7);
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/part", content.bytes(kPart)));
    RINGPULL_CO_TRY(auto upload, co_await upload_copies(b, b.key("/part"), b.key("/a"), 1001));
    EXPECT_EQ(upload.parts.size(), 1001u);
    RINGPULL_CO_TRY(std::uint64_t size,
                    co_await write_and_suspend(b.driver(), "/a", bytes_of("and "), true));
    EXPECT_EQ(size, 1001 * kPart + 4);
    RINGPULL_CO_TRY(std::uint64_t total,
                    co_await append_and_commit(b.driver(), "/a", bytes_of("more")));
    EXPECT_EQ(total, 1001 * kPart + 8);
    RINGPULL_CO_TRY(Bytes tail, co_await read(b.driver(), "/a", 1001 * kPart));
    EXPECT_TRUE(tail == bytes_of("and more"));
    RINGPULL_CO_TRY(s3::FileInfo info, co_await b.driver().stat("/a"));
    EXPECT_EQ(info.size_bytes, total);
    co_return Result<void>();
  });
}

// -------------------------------------------------------------------------------------- listings

TEST_P(LongListing, OneThousandAndFiveFilesAreRemoved) {
  run([](Bed& b) -> Task<Result<void>> {
    for (int i = 0; i < 1005; ++i) {
      std::string path = "/dir/file" + std::to_string(i);
      RINGPULL_CO_CHECK(co_await b.driver().put_content(path, bytes_of(path)));
    }
    RINGPULL_CO_TRY(auto listed, co_await b.driver().list("/dir"));
    EXPECT_EQ(listed.size(), 1005u);
    RINGPULL_CO_TRY(auto walked, co_await files(b.driver()));
    EXPECT_EQ(walked, listed);
    RINGPULL_CO_CHECK(co_await b.driver().remove("/dir"));
    auto gone = co_await b.driver().list("/dir");
    expect_path_not_found(gone, "/dir");
    co_return Result<void>();
  });
}

TEST_P(LongListing, OneAmong1001UploadsIsResumed) {
  run([](Bed& b) -> Task<Result<void>> {
    std::string path = "/a";
    for (int i = 0; i < 1001; ++i) {
      s3::CreateMultipartUploadOptions create(
          b.bucket(), s3::ObjectKey(b.key(path).str() + "-" + std::to_string(i)));
      RINGPULL_CO_TRY(auto created, co_await b.owner().create_multipart_upload(create));
      EXPECT_FALSE(created.upload_id.empty());
    }
    RINGPULL_CO_TRY(std::uint64_t size,
                    co_await write_and_suspend(b.driver(), "/a-z", bytes_of("first "), false));
    EXPECT_EQ(size, 6u);
    // Without our note of it, as a writer leaves it that was killed.
    s3::DeleteObjectOptions sidecar(b.bucket(),
                                    s3::ObjectKey(b.key("/a-z").str() + "~ringpull-upload"));
    RINGPULL_CO_CHECK(co_await b.owner().delete_object(sidecar));
    RINGPULL_CO_TRY(std::uint64_t total,
                    co_await append_and_commit(b.driver(), "/a-z", bytes_of("second")));
    EXPECT_EQ(total, 12u);
    RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), "/a-z"));
    EXPECT_TRUE(back == bytes_of("first second"));
    auto none = co_await append_and_commit(b.driver(), "/a", bytes_of("x"));
    expect_path_not_found(none, "/a");
    co_return co_await b.abort_uploads();
  });
}

}  // namespace
}  // namespace ringpull::conformance
