// An upload that was left at a path, and a file that was committed there.
#include <ringpull/s3/storage_error.hpp>

#include "s3/src/driver/writer.hpp"
#include "tests/unit/s3/driver_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using testing::DriverBed;

using Bytes = std::span<const std::byte>;
using Opened = Result<std::unique_ptr<StorageWriter>>;

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

}  // namespace
}  // namespace ringpull::s3
