// Writers that go on with an upload of docker distribution's driver, or of anybody else.

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

TEST(DriverForeignUpload, GoesOnWithAnUploadOfDockerDistribution) {
  DriverBed bed;
  bed.options.attributes.encryption.algorithm = "aws:kms";
  bed.options.attributes.encryption.kms_key_id = "arn:key";
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(8 * kPart);
    std::vector<std::vector<std::size_t>> cases = {
        {}, {100}, {kPart}, {kPart, 100}, {2 * kPart, 2 * kPart, 3 * kMiB}, {2 * kPart, 6 * kMiB}};
    for (const auto& sizes : cases) {
      auto id = co_await foreign_upload(b, bytes, sizes);
      std::size_t total = 0;
      for (std::size_t size : sizes) total += size;
      b.gate->forget();
      auto writer = co_await append(b);
      EXPECT_EQ(writer->size_bytes(), total);
      co_await finish(b, *writer, bytes);
      if (b.gate->count("POST /b/a?uploads") > 0) {
        EXPECT_EQ(
            b.gate->header("POST /b/a?uploads", "x-amz-server-side-encryption-aws-kms-key-id"),
            "arn:key");
      }
      b.store.remove("b", "a");
    }
  });
}

TEST(DriverForeignUpload, CommitsAForeignUploadAsItIs) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 100);
    std::vector<std::size_t> sizes = {kPart, 100};
    auto id = co_await foreign_upload(b, bytes, sizes);
    auto writer = co_await append(b);
    co_await commit(*writer);
    EXPECT_TRUE(b.content("a") == bytes);
    EXPECT_EQ(b.gate->count("POST /b/a?uploads"), 1u);  // theirs
    b.expect_nothing_left();
  });
}

TEST(DriverForeignUpload, ClosesAForeignUploadAndGoesOnAgain) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    std::vector<std::size_t> sizes = {kPart, 100};
    auto id = co_await foreign_upload(b, bytes, sizes);
    auto writer = co_await append(b);
    co_await write_and_close(*writer, Bytes(bytes).subspan(kPart + 100, kPart));
    auto second = co_await append(b);
    EXPECT_EQ(second->size_bytes(), 2 * kPart + 100);
    co_await finish(b, *second, bytes);
  });
}

TEST(DriverForeignUpload, MakesUniformPartsOfAForeignUploadWhereTheServerWantsThat) {
  DriverBed bed;
  bed.options.server.uniform_parts = true;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(8 * kPart);
    std::vector<std::vector<std::size_t>> cases = {
        {100}, {kPart, 100}, {2 * kPart, 2 * kPart, 6 * kMiB}, {2 * kPart}};
    for (const auto& sizes : cases) {
      auto id = co_await foreign_upload(b, bytes, sizes);
      auto writer = co_await append(b);
      std::size_t done = static_cast<std::size_t>(writer->size_bytes());
      auto written = co_await writer->write(Bytes(bytes).subspan(done));
      EXPECT_TRUE(written) << written.error().message();
      CommitOptions options;
      std::vector<std::uint64_t> stored;
      options.condition = [&]() -> Result<void> {
        const auto& parts = b.store.find("b")->uploads.begin()->second.parts;
        for (const auto& [number, part] : parts) stored.push_back(part.size);
        return {};
      };
      auto committed = co_await writer->commit(options);
      EXPECT_TRUE(committed) << committed.error().message();
      for (std::size_t i = 0; i + 1 < stored.size(); ++i) EXPECT_EQ(stored[i], stored[0]);
      EXPECT_TRUE(b.content("a") == bytes);
      b.expect_nothing_left();
      b.store.remove("b", "a");
    }
  });
}

// The one time when a partial file can be seen.
TEST(DriverForeignUpload, ShowsAPartialFileOnlyWhileAForeignUploadIsRebuilt) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    std::vector<std::size_t> sizes = {kPart, 100};
    auto id = co_await foreign_upload(b, bytes, sizes);
    auto writer = co_await append(b);
    EXPECT_EQ(b.object("a"), nullptr);
    b.gate->hold = "partNumber=1&";  // the copy
    auto stopped = co_await engine::with_deadline(Deadline::after(20ms),
                                                  writer->write(Bytes(bytes).subspan(kPart + 100)));
    EXPECT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), ErrorKind::timed_out);
    EXPECT_EQ(stopped.error().bytes_done(), 0u);
    EXPECT_EQ(b.content("a").size(), kPart + 100);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    EXPECT_EQ(b.object("a"), nullptr);
    b.expect_nothing_left();
  });
}

TEST(DriverForeignUpload, AsksForTheETagOfWhatItRebuildsWhereTheCompletionTellsNone) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    std::vector<std::size_t> sizes = {kPart, 100};
    auto id = co_await foreign_upload(b, bytes, sizes);
    auto writer = co_await append(b);
    b.gate->silent = "POST /b/a?uploadId";
    b.gate->times = 1;
    b.gate->effect = [&b] { b.complete_upload("a"); };
    b.gate->forget();
    co_await finish(b, *writer, bytes);
    EXPECT_EQ(b.gate->count("HEAD /b/a"), 2u);  // nothing there; the partial file
    EXPECT_EQ(b.gate->header("partNumber=1&", "x-amz-copy-source-if-match").empty(), false);
  });
}

// The exception to "no partial file is ever visible" outlives a process that dies in it.
TEST(DriverForeignUpload, LeavesThePartialFileOfARebuildThatWasKilled) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    std::vector<std::size_t> sizes = {kPart, 100};
    auto foreign = co_await foreign_upload(b, bytes, sizes);
    b.complete_upload("a");  // and the process is gone
    auto refused = co_await append(*b.core);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), ErrorKind::conflict) << refused.error().message();
    b.object("a")->modified -= 1h;  // when the upload was begun, as Amazon has it
    std::vector<std::size_t> none;
    auto id = co_await foreign_upload(b, bytes, none);  // or a step later
    refused = co_await append(*b.core);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), ErrorKind::conflict) << refused.error().message();
    co_await add_part(b, id, 1, Bytes(bytes).first(kPart));  // or when a part was copied
    auto writer = co_await append(b);
    EXPECT_EQ(writer->size_bytes(), kPart);
    auto written = co_await writer->write(Bytes(bytes).subspan(kPart));
    EXPECT_TRUE(written) << written.error().message();
    EXPECT_EQ(b.content("a").size(), kPart + 100);
    co_await commit(*writer);
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverForeignUpload, LeavesNothingWhenAForeignUploadCannotBeRebuilt) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    std::vector<std::string> stages = {"POST /b/a?uploadId", "POST /b/a?uploads",
                                       "PUT /b/a?partNumber"};
    for (const std::string& stage : stages) {
      std::vector<std::size_t> sizes = {kPart, 100};
      b.gate->refuse.clear();
      auto id = co_await foreign_upload(b, bytes, sizes);
      auto writer = co_await append(b);
      b.gate->refuse = stage;
      auto written = co_await writer->write(Bytes(bytes).subspan(kPart + 100));
      EXPECT_FALSE(written);
      EXPECT_EQ(written.error().kind(), ErrorKind::permission_denied);
      auto closed = co_await writer->close();  // as good as cancel() after a failure
      EXPECT_FALSE(closed);
      EXPECT_FALSE(closed.error().maybe_applied());
      EXPECT_EQ(b.object("a"), nullptr) << stage;
      b.expect_nothing_left();
    }
  });
}

}  // namespace
}  // namespace ringpull::s3
