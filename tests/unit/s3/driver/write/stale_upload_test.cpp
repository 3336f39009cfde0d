// An upload that was left at a path, and a file that was committed there.
#include <ringpull/s3/storage_error.hpp>

#include "s3/src/driver/write/writer.hpp"
#include "tests/unit/s3/driver/core/driver_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using testing::DriverBed;

using Bytes = std::span<const std::byte>;
using Opened = Result<std::unique_ptr<StorageWriter>>;

constexpr std::size_t kPart = std::size_t{5} << 20;

Task<Opened> open(DriverBed& bed, bool append) {
  WriterOptions options;
  options.append = append;
  auto opened = co_await driver::open_writer(*bed.core, "/a", options);
  co_return opened;
}

/// A writer that is closed with its bytes.
Task<void> suspend(DriverBed& bed, Bytes bytes) {
  auto opened = co_await open(bed, false);
  EXPECT_TRUE(opened);
  auto written = co_await (*opened)->write(bytes);
  EXPECT_TRUE(written);
  auto closed = co_await (*opened)->close();
  EXPECT_TRUE(closed) << closed.error().message();
}

Task<void> finish(StorageWriter& writer, Bytes bytes) {
  auto written = co_await writer.write(bytes);
  EXPECT_TRUE(written) << written.error().message();
  CommitOptions options;
  auto done = co_await writer.commit(options);
  EXPECT_TRUE(done) << done.error().message();
}

Task<void> replace(DriverBed& bed, Bytes bytes) {
  auto opened = co_await open(bed, false);
  EXPECT_TRUE(opened);
  co_await finish(**opened, bytes);
}

/// An upload with one part and no sidecar, as a killed writer or docker distribution's leaves it.
Task<void> leave_upload(DriverBed& bed, Bytes part) {
  CreateMultipartUploadOptions create(Bucket("b"), ObjectKey("a"));
  auto created = co_await bed.client->create_multipart_upload(create);
  EXPECT_TRUE(created);
  UploadPartOptions request(Bucket("b"), ObjectKey("a"), created->upload_id, PartNumber(1));
  http::SpanSource body(part);
  auto sent = co_await bed.client->upload_part(request, body);
  EXPECT_TRUE(sent);
}

Task<void> expect_conflict(DriverBed& bed) {
  auto refused = co_await open(bed, true);
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::conflict) << refused.error().message();
}

TEST(DriverStaleUpload, IsNotContinuedOverTheFileThatReplacedIt) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> old = b.noise(1000, 1);
    std::vector<std::byte> bytes = b.noise(2000, 2);
    co_await suspend(b, old);
    co_await replace(b, bytes);
    co_await expect_conflict(b);
    b.object("a")->modified += 1h;
    co_await expect_conflict(b);
    b.store.remove("b", "a~ringpull-upload");
    co_await expect_conflict(b);
    EXPECT_TRUE(b.content("a") == bytes);
    b.object("a")->modified -= 2h;  // the upload is of a writer that came after the file
    auto later = co_await open(b, true);
    EXPECT_TRUE(later) << later.error().message();
    EXPECT_EQ((*later)->size_bytes(), old.size());
    auto cancelled = co_await (*later)->cancel();
    EXPECT_TRUE(cancelled);
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverStaleUpload, WithoutPartsHidesNoFile) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2000);
    co_await replace(b, bytes);
    CreateMultipartUploadOptions create(Bucket("b"), ObjectKey("a"));
    auto created = co_await b.client->create_multipart_upload(create);
    EXPECT_TRUE(created);
    co_await expect_conflict(b);
    EXPECT_TRUE(b.content("a") == bytes);
  });
}

TEST(DriverStaleUpload, IsDroppedWhereAnEmptyFileReplacedIt) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> old = b.noise(1000, 1);
    std::vector<std::byte> bytes = b.noise(2000, 2);
    co_await suspend(b, old);
    co_await replace(b, Bytes());
    b.object("a")->modified += 1h;
    auto writer = co_await open(b, true);
    EXPECT_TRUE(writer) << writer.error().message();
    EXPECT_EQ((*writer)->size_bytes(), 0u);
    co_await finish(**writer, bytes);
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverStaleUpload, OfTheSameSecondAsAnEmptyFileGoesOn) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(1000);
    co_await replace(b, Bytes());
    co_await suspend(b, bytes);
    b.object("a")->modified = b.object("a~ringpull-upload")->modified;
    auto writer = co_await open(b, true);
    EXPECT_TRUE(writer) << writer.error().message();
    EXPECT_EQ((*writer)->size_bytes(), bytes.size());
    co_await finish(**writer, bytes);
    EXPECT_EQ(b.content("a").size(), 2 * bytes.size());
    b.expect_nothing_left();
  });
}

// --- Uploads that can only be continued by way of a file.

TEST(DriverStaleUpload, NeverMakesAPartialFileWhereAFileIs) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2000, 1);
    std::vector<std::byte> more = b.noise(1000, 2);
    co_await replace(b, bytes);
    b.object("a")->modified -= 1h;
    co_await leave_upload(b, more);
    auto writer = co_await open(b, true);
    EXPECT_TRUE(writer) << writer.error().message();
    EXPECT_EQ((*writer)->size_bytes(), more.size());
    auto refused = co_await (*writer)->write(more);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), ErrorKind::conflict) << refused.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
    auto cancelled = co_await (*writer)->cancel();
    EXPECT_TRUE(cancelled);
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

// What the completion left is removed as soon as it may be there.
TEST(DriverStaleUpload, LeavesNoPartialFileWhenItsCompletionIsNotAnswered) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart);
    co_await leave_upload(b, Bytes(bytes).first(1000));
    auto writer = co_await open(b, true);
    EXPECT_TRUE(writer) << writer.error().message();
    b.gate->lose = "POST /b/a?uploadId";
    b.gate->effect = [&b] {
      b.complete_upload("a");
      b.gate->refuse = "HEAD /b/a";
    };
    auto failed = co_await (*writer)->write(Bytes(bytes).subspan(1000));
    EXPECT_FALSE(failed);
    EXPECT_NE(b.object("a"), nullptr);
    b.gate->refuse.clear();
    auto cancelled = co_await (*writer)->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    EXPECT_EQ(b.object("a"), nullptr);
    b.expect_nothing_left();
  });
}

}  // namespace
}  // namespace ringpull::s3
