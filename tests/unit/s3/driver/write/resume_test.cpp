// Writers that go on where one of ours stopped, closed or killed.
#include <ringpull/s3/storage_error.hpp>

#include "tests/unit/s3/driver/write/writer_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using testing::add_part;
using testing::append;
using testing::begin;
using testing::Bytes;
using testing::commit;
using testing::DriverBed;
using testing::finish;
using testing::foreign_upload;
using testing::kPart;
using testing::write_and_close;

constexpr std::size_t kMiB = 1 << 20;
constexpr const char* kSidecar = "a~ringpull-upload";

// --- After close().

struct Matrix {
  Matrix(std::size_t chunk_in, std::vector<std::size_t> ends_in)
      : chunk(chunk_in), ends(std::move(ends_in)) {}
  std::size_t chunk;
  std::vector<std::size_t> ends;  // size of the file at each close, then in the end
};

Task<void> close_at_each(DriverBed& b, const Matrix& matrix) {
  std::vector<std::byte> all = b.noise(matrix.ends.back());
  Bytes bytes(all);
  co_await begin(b, bytes.first(matrix.ends.front()));
  for (std::size_t i = 1; i + 1 < matrix.ends.size(); ++i) {
    auto client = b.new_client();
    driver::Core other(b.options, *client, *b.pool);
    auto writer = co_await append(other);
    EXPECT_TRUE(writer) << writer.error().message();
    EXPECT_EQ((*writer)->size_bytes(), matrix.ends[i - 1]);
    co_await write_and_close(
        **writer, bytes.subspan(matrix.ends[i - 1], matrix.ends[i] - matrix.ends[i - 1]));
    EXPECT_EQ((*writer)->size_bytes(), matrix.ends[i]);
    EXPECT_EQ(b.object("a"), nullptr);
    EXPECT_EQ(b.budget->stats().used_bytes, 0u);
  }
  auto writer = co_await append(b);
  co_await finish(b, *writer, bytes);
}

std::vector<Matrix> matrices() {
  std::vector<Matrix> all;
  all.emplace_back(kPart, std::vector<std::size_t>{0, 0});
  all.emplace_back(kPart, std::vector<std::size_t>{0, 100});
  all.emplace_back(kPart, std::vector<std::size_t>{0, 0, 2 * kPart + 1});
  all.emplace_back(kPart, std::vector<std::size_t>{100, 100});
  all.emplace_back(kPart, std::vector<std::size_t>{32, 64, 96});
  all.emplace_back(kPart, std::vector<std::size_t>{kPart - 1, kPart, kPart + 1});
  all.emplace_back(kPart, std::vector<std::size_t>{kPart, 2 * kPart, 3 * kPart});
  all.emplace_back(kPart, std::vector<std::size_t>{2 * kPart + 1, 3 * kPart + 5, 5 * kPart});
  all.emplace_back(2 * kPart, std::vector<std::size_t>{3 * kMiB, 6 * kMiB, 9 * kMiB, 12 * kMiB});
  all.emplace_back(2 * kPart, std::vector<std::size_t>{7 * kMiB, 14 * kMiB, 21 * kMiB, 32 * kMiB});
  all.emplace_back(2 * kPart, std::vector<std::size_t>{17 * kMiB, 18 * kMiB, 40 * kMiB});
  return all;
}

TEST(DriverResume, GoesOnAfterAnyClose) {
  for (const Matrix& matrix : matrices()) {
    DriverBed bed;
    bed.options.chunk_bytes = matrix.chunk;
    static const Matrix* current;
    current = &matrix;
    bed.run([](DriverBed& b) -> Task<void> { co_await close_at_each(b, *current); });
  }
}

TEST(DriverResume, GoesOnAfterAnyCloseWithUniformPartsAndChecksums) {
  for (const Matrix& matrix : matrices()) {
    DriverBed bed;
    bed.options.chunk_bytes = matrix.chunk;
    bed.options.server.uniform_parts = true;
    bed.options.server.checksum_headers = true;
    static const Matrix* current;
    current = &matrix;
    bed.run([](DriverBed& b) -> Task<void> {
      co_await close_at_each(b, *current);
      Checksum whole(ChecksumAlgorithm::crc64nvme);
      std::vector<std::byte> content = b.content("a");
      whole.update(content);
      EXPECT_TRUE(b.object("a")->checksum);
      EXPECT_EQ(b.object("a")->checksum->value, whole.finish_base64());
    });
  }
}

TEST(DriverResume, LeavesRealPartsForOtherDrivers) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 100);
    co_await begin(b, bytes);
    EXPECT_EQ(b.uploads(), 1u);
    const sandbox::Upload& upload = b.store.find("b")->uploads.begin()->second;
    EXPECT_EQ(upload.key, "a");
    EXPECT_EQ(upload.parts.size(), 2u);
    EXPECT_EQ(upload.parts.at(2).size, 100u);
    auto writer = co_await append(b);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    b.expect_nothing_left();
  });
}

TEST(DriverResume, CommitsWithoutMovingTheTailAgain) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 100);
    co_await begin(b, bytes);
    b.gate->forget();
    auto writer = co_await append(b);
    co_await commit(*writer);
    EXPECT_EQ(b.gate->lines.size(), 5u);  // sidecar, ListParts, Head, Complete, sidecar gone
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverResume, ClosesAgainWithoutARequestWhenNothingWasWritten) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 100);
    co_await begin(b, bytes);
    b.gate->forget();
    auto writer = co_await append(b);
    auto closed = co_await writer->close();
    EXPECT_TRUE(closed);
    EXPECT_EQ(b.gate->lines.size(), 3u);
    auto second = co_await append(b);
    co_await finish(b, *second, bytes);
  });
}

TEST(DriverResume, KeepsTheSidecarEncryptedButInTheDefaultClass) {
  DriverBed bed;
  bed.options.attributes.storage_class = "STANDARD_IA";
  bed.options.attributes.encryption.algorithm = "aws:kms";
  bed.options.attributes.encryption.kms_key_id = "arn:key";
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(100);
    co_await begin(b, bytes);
    EXPECT_EQ(b.gate->header("~ringpull", "x-amz-storage-class"), "");
    EXPECT_EQ(b.gate->header("~ringpull", "x-amz-acl"), "private");
    EXPECT_EQ(b.gate->header("~ringpull", "x-amz-server-side-encryption-aws-kms-key-id"),
              "arn:key");
    auto writer = co_await append(b);
    co_await finish(b, *writer, bytes);
  });
}

// --- Without a sidecar that can be used.

void damage(DriverBed& b, int how) {
  sandbox::Object& sidecar = *b.object(kSidecar);
  std::span<std::byte> bytes = sidecar.extents.front().segment->bytes();
  switch (how) {
    case 0: b.store.remove("b", kSidecar); break;
    case 1: bytes[0] = std::byte{'R'}; break;                // another format
    case 2: bytes[16] = std::byte{'2'}; break;               // another version
    case 3: bytes[30] = std::byte{0}; break;                 // its JSON
    case 4: bytes[bytes.size() - 1] ^= std::byte{1}; break;  // the tail
    case 5:
      sidecar.extents.clear();
      sidecar.size = 0;
      break;
    default: break;
  }
}

TEST(DriverResume, NeedsNoSidecar) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    std::vector<std::size_t> ends = {100, kPart + 100};
    for (std::size_t end : ends) {
      for (int how = 0; how <= 5; ++how) {
        co_await begin(b, Bytes(bytes).first(end));
        damage(b, how);
        auto writer = co_await append(b);
        EXPECT_EQ(writer->size_bytes(), end) << how;
        co_await finish(b, *writer, bytes);
        b.store.remove("b", "a");
      }
    }
  });
}

TEST(DriverResume, NeedsNoSidecarWhereAllPartsAreDecent) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    co_await begin(b, Bytes(bytes).first(2 * kPart));
    b.store.remove("b", kSidecar);
    b.gate->forget();
    auto writer = co_await append(b);
    co_await finish(b, *writer, bytes);
    EXPECT_EQ(b.gate->count("?uploads"), 1u);  // the listing: no second upload
    EXPECT_EQ(b.gate->count("PUT"), 1u);
  });
}

TEST(DriverResume, FindsNothingOnceTheUploadWasAborted) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(100);
    co_await begin(b, bytes);
    b.store.find("b")->uploads.clear();
    auto writer = co_await append(*b.core);
    EXPECT_FALSE(writer);
    EXPECT_EQ(writer.error().kind(), ErrorKind::not_found);
    EXPECT_EQ(writer.error().code(), make_error_code(StorageErrc::path_not_found));
    EXPECT_EQ(b.budget->stats().used_bytes, 0u);
  });
}

TEST(DriverResume, FailsToWriteWhenTheUploadIsAbortedMeanwhile) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(100);
    co_await begin(b, bytes);
    auto writer = co_await append(b);
    b.store.find("b")->uploads.clear();
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written);
    CommitOptions options;
    auto done = co_await writer->commit(options);
    EXPECT_FALSE(done);
    EXPECT_EQ(done.error().service_code(), "NoSuchUpload") << done.error().message();
    b.expect_nothing_left();
  });
}

// --- What may be appended to.

TEST(DriverResume, BeginsAnewAtAnEmptyFileOnly) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    auto missing = co_await append(*b.core);
    EXPECT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), make_error_code(StorageErrc::path_not_found));
    EXPECT_NE(missing.error().message().find("s3aws"), std::string::npos);
    auto put = co_await driver::put_content(*b.core, "/a", Bytes());
    EXPECT_TRUE(put);
    auto empty = co_await append(b);
    EXPECT_EQ(empty->size_bytes(), 0u);
    std::vector<std::byte> bytes = b.noise(32);
    auto written = co_await empty->write(bytes);
    EXPECT_TRUE(written);
    co_await commit(*empty);
    EXPECT_TRUE(b.content("a") == bytes);
    auto full = co_await append(*b.core);
    EXPECT_FALSE(full);
    EXPECT_EQ(full.error().kind(), ErrorKind::conflict) << full.error().message();
    b.expect_nothing_left();
  });
}

TEST(DriverResume, NamesThePermissionThatIsMissing) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(100);
    co_await begin(b, bytes);
    b.gate->refuse = "GET /b/a?uploadId";
    auto parts = co_await append(*b.core);
    EXPECT_FALSE(parts);
    EXPECT_EQ(parts.error().kind(), ErrorKind::permission_denied);
    EXPECT_NE(parts.error().message().find("s3:ListMultipartUploadParts"), std::string::npos);
    b.store.remove("b", kSidecar);
    b.gate->refuse = "GET /b?uploads";
    auto uploads = co_await append(*b.core);
    EXPECT_FALSE(uploads);
    EXPECT_NE(uploads.error().message().find("s3:ListBucketMultipartUploads"), std::string::npos);
  });
}

// --- After kill -9: nothing but what the server has.

TEST(DriverResume, TakesThePartsUpToTheFirstGapAfterAKill) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(5 * kPart + 3);
    std::vector<std::size_t> sizes = {kPart, kPart};
    auto id = co_await foreign_upload(b, bytes, sizes);
    std::vector<std::byte> other = b.noise(kPart, 7);
    co_await add_part(b, id, 4, other);
    auto writer = co_await append(b);
    EXPECT_EQ(writer->size_bytes(), 2 * kPart);
    co_await finish(b, *writer, bytes);
  });
}

TEST(DriverResume, IgnoresPartsBehindATailThatWasNotReplacedYet) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(4 * kPart);
    co_await begin(b, Bytes(bytes).first(kPart + 100));
    UploadId id(b.store.find("b")->uploads.begin()->second.id);
    std::vector<std::byte> other = b.noise(kPart, 7);
    co_await add_part(b, id, 3, other);
    auto writer = co_await append(b);
    EXPECT_EQ(writer->size_bytes(), kPart + 100);
    co_await finish(b, *writer, bytes);
  });
}

TEST(DriverResume, GoesOnWhereAKilledWriterHadGoneOn) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(4 * kPart);
    co_await begin(b, Bytes(bytes).first(kPart + 100));
    UploadId id(b.store.find("b")->uploads.begin()->second.id);
    co_await add_part(b, id, 2, Bytes(bytes).subspan(kPart, kPart));
    co_await add_part(b, id, 3, Bytes(bytes).subspan(2 * kPart, kPart));
    auto writer = co_await append(b);
    EXPECT_EQ(writer->size_bytes(), 3 * kPart);
    co_await finish(b, *writer, bytes);
  });
}

TEST(DriverResume, LetsNoPartPassOneThatIsReplaced) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(4 * kPart);
    co_await begin(b, Bytes(bytes).first(kPart + 100));
    auto writer = co_await append(b);
    b.gate->forget();
    b.gate->hold = "partNumber=2&";
    auto stopped = co_await engine::with_deadline(Deadline::after(30ms),
                                                  writer->write(Bytes(bytes).subspan(kPart + 100)));
    EXPECT_FALSE(stopped);
    EXPECT_EQ(b.gate->count("partNumber=2&"), 1u);
    EXPECT_EQ(b.gate->count("partNumber="), 1u);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled);
    b.expect_nothing_left();
  });
}

// --- Pages.

TEST(DriverResume, FindsItsUploadAmongMoreThanAPage) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    auto& uploads = b.store.find("b")->uploads;
    for (int i = 0; i < 1001; ++i) {
      sandbox::Upload upload;
      upload.id = b.store.new_id();
      upload.key = "a-" + std::to_string(10'000 + i);
      uploads.emplace(std::pair(upload.key, upload.id), upload);
    }
    auto missing = co_await append(*b.core);
    EXPECT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), make_error_code(StorageErrc::path_not_found));
    EXPECT_EQ(b.gate->count("GET /b?uploads"), 2u);
    EXPECT_EQ(b.gate->count("upload-id-marker="), 1u);
    std::vector<std::byte> bytes = b.noise(kPart + 3);
    std::vector<std::size_t> sizes = {kPart};
    auto id = co_await foreign_upload(b, bytes, sizes);
    auto writer = co_await append(b);
    EXPECT_EQ(writer->size_bytes(), kPart);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled);
    EXPECT_EQ(b.uploads(), 1001u);
  });
}

TEST(DriverResume, TakesTheOldestOfMoreThanAPageOfItsOwn) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 3);
    std::vector<std::size_t> sizes = {kPart};
    auto first = co_await foreign_upload(b, bytes, sizes);
    auto& uploads = b.store.find("b")->uploads;
    for (int i = 0; i < 1000; ++i) {
      sandbox::Upload upload;
      upload.id = "z" + b.store.new_id();
      upload.key = "a";
      uploads.emplace(std::pair(upload.key, upload.id), upload);
    }
    auto writer = co_await append(b);
    EXPECT_EQ(writer->size_bytes(), kPart);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled);
    EXPECT_EQ(b.uploads(), 1000u);
  });
}

TEST(DriverResume, PassesOverAnEmptyTwinOfItsUpload) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart);
    std::vector<std::size_t> none;
    auto twin = co_await foreign_upload(b, bytes, none);
    std::vector<std::size_t> sizes = {kPart};
    auto id = co_await foreign_upload(b, bytes, sizes);
    EXPECT_LT(twin.str(), id.str());
    auto writer = co_await append(b);
    EXPECT_EQ(writer->size_bytes(), kPart);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled);
    EXPECT_EQ(b.uploads(), 1u);
  });
}

/// An upload whose parts all share one segment.
void add_many_parts(DriverBed& b, std::uint32_t count) {
  auto segment = b.store.new_segment(kPart).value();
  sandbox::Upload upload;
  upload.id = b.store.new_id();
  upload.key = "a";
  for (std::uint32_t number = 1; number <= count; ++number) {
    sandbox::Part part;
    part.extents.emplace_back(segment, 0, kPart);
    part.size = kPart;
    part.etag = b.store.new_id();
    upload.parts.emplace(number, std::move(part));
  }
  b.store.find("b")->uploads.emplace(std::pair(upload.key, upload.id), std::move(upload));
}

TEST(DriverResume, GoesOnBehindMoreThanAPageOfParts) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    add_many_parts(b, 2005);
    std::uint64_t size = std::uint64_t{2005} * kPart;
    std::vector<std::byte> bytes = b.noise(100);
    auto listed = co_await append(b);
    EXPECT_EQ(listed->size_bytes(), size);
    EXPECT_EQ(b.gate->count("part-number-marker="), 2u);
    co_await write_and_close(*listed, bytes);
    EXPECT_GT(b.object(kSidecar)->size, std::uint64_t{64} << 10);  // more than one read
    b.gate->forget();
    auto recorded = co_await append(b);
    EXPECT_EQ(recorded->size_bytes(), size + 100);
    EXPECT_EQ(b.gate->lines.size(), 4u);
    auto written = co_await recorded->write(bytes);
    EXPECT_TRUE(written) << written.error().message();
    co_await commit(*recorded);
    EXPECT_EQ(b.object("a")->size, size + 200);
    b.expect_nothing_left();
  });
}

TEST(DriverResume, RefusesPart10001WithItsReason) {
  DriverBed bed;
  bed.options.server.uniform_parts = true;
  bed.run([](DriverBed& b) -> Task<void> {
    add_many_parts(b, 10'000);
    auto writer = co_await append(b);
    std::vector<std::byte> bytes = b.noise(1);
    auto refused = co_await writer->write(bytes);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), ErrorKind::too_large) << refused.error().message();
    EXPECT_EQ(refused.error().bytes_done(), 0u);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled);
    b.expect_nothing_left();
  });
}

// --- Closing that fails.

TEST(DriverResume, CanBeCancelledAfterACloseThatWasStopped) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::string> stages = {"partNumber=2&", "~ringpull-upload"};
    for (const std::string& stage : stages) {
      b.gate->hold = stage;
      std::vector<std::byte> bytes = b.noise(kPart + 100);
      WriterOptions options;
      auto opened = co_await driver::open_writer(*b.core, "/a", options);
      EXPECT_TRUE(opened);
      auto written = co_await (*opened)->write(bytes);
      EXPECT_TRUE(written);
      auto closed = co_await engine::with_deadline(Deadline::after(30ms), (*opened)->close());
      EXPECT_FALSE(closed);
      EXPECT_EQ(closed.error().kind(), ErrorKind::timed_out) << closed.error().message();
      EXPECT_EQ(b.budget->stats().used_bytes, 0u);
      b.gate->hold.clear();
      auto cancelled = co_await (*opened)->cancel();
      EXPECT_TRUE(cancelled) << cancelled.error().message();
      b.expect_nothing_left();
    }
  });
}

TEST(DriverResume, GoesOnAfterACloseThatCouldNotStoreItsSidecar) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->refuse = "~ringpull-upload";
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    WriterOptions options;
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(opened);
    auto written = co_await (*opened)->write(Bytes(bytes).first(kPart + 100));
    EXPECT_TRUE(written);
    auto closed = co_await (*opened)->close();
    EXPECT_FALSE(closed);
    EXPECT_EQ(closed.error().kind(), ErrorKind::permission_denied);
    b.gate->refuse.clear();
    auto writer = co_await append(b);
    EXPECT_EQ(writer->size_bytes(), kPart + 100);
    co_await finish(b, *writer, bytes);
  });
}

TEST(DriverResume, AbortsWhenCloseCannotStoreAPart) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->refuse = "partNumber=2&";
    std::vector<std::byte> bytes = b.noise(kPart + 100);
    WriterOptions options;
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(opened);
    auto written = co_await (*opened)->write(bytes);
    EXPECT_TRUE(written);
    auto closed = co_await (*opened)->close();
    EXPECT_FALSE(closed);
    EXPECT_EQ(closed.error().kind(), ErrorKind::permission_denied);
    b.expect_nothing_left();
  });
}

TEST(DriverResume, GoesOnAfterAWriteThatWasStoppedWhileTheTailWasRead) {
  DriverBed bed;
  bed.attempts_max = 2;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    co_await begin(b, Bytes(bytes).first(kPart + 100));
    auto writer = co_await append(b);
    engine::StopSource stop;
    b.gate->busy = "GET /b/a~ringpull-upload";
    b.gate->times = 1;
    b.gate->effect = [&stop] { stop.request_stop(); };
    auto stopped =
        co_await engine::with_stop(stop, writer->write(Bytes(bytes).subspan(kPart + 100)));
    EXPECT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), ErrorKind::cancelled);
    EXPECT_EQ(writer->size_bytes(), kPart + 100);
    co_await finish(b, *writer, bytes);
  });
}

}  // namespace
}  // namespace ringpull::s3
