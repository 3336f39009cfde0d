// Writers against the sandbox in the same loop: what they send, and in which order.
#include <cstring>

#include <ringpull/s3/storage_error.hpp>

#include "tests/unit/s3/driver/write/writer_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using testing::Bytes;
using testing::DriverBed;
using testing::kPart;
using testing::open;
using testing::write_and_commit;

TEST(DriverWriter, SendsASmallFileInOneRequest) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(1000);
    auto writer = co_await open(b);
    auto done = co_await write_and_commit(*writer, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(writer->size_bytes(), 1000u);
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"PUT /b/a"});
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, SendsExactlyOnePartWithoutAMultipartUpload) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart);
    auto writer = co_await open(b);
    auto done = co_await write_and_commit(*writer, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"PUT /b/a"});
    EXPECT_TRUE(b.content("a") == bytes);
  });
}

TEST(DriverWriter, MakesAnEmptyFile) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    auto writer = co_await open(b);
    auto done = co_await write_and_commit(*writer, Bytes());
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(writer->size_bytes(), 0u);
    EXPECT_NE(b.object("a"), nullptr);
    EXPECT_EQ(b.gate->lines.size(), 1u);
  });
}

TEST(DriverWriter, SendsALargeFileInPartsSideBySide) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(6 * kPart + 12'345);
    auto writer = co_await open(b);
    auto done = co_await write_and_commit(*writer, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(b.gate->count("partNumber="), 7u);
    EXPECT_EQ(b.gate->lines.size(), 9u);  // and Create, and Complete
    EXPECT_GE(b.gate->most_running, 2u);
    EXPECT_LE(b.gate->most_running, 4u);
    EXPECT_EQ(writer->size_bytes(), bytes.size());
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, TakesItsBytesInAnyPieces) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart + 77);
    auto writer = co_await open(b);
    std::mt19937_64 random(43);
    Bytes rest(bytes);
    while (!rest.empty()) {
      std::size_t size = std::min<std::size_t>(rest.size(), random() % 300'000);
      auto written = co_await writer->write(rest.first(size));
      EXPECT_TRUE(written);
      rest = rest.subspan(size);
      EXPECT_EQ(writer->size_bytes(), bytes.size() - rest.size());
    }
    CommitOptions options;
    auto done = co_await writer->commit(options);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
  });
}

TEST(DriverWriter, GoesOnWithOneBlockWhenTheBudgetHasNoSecond) {
  DriverBed bed;
  bed.options.chunk_bytes = kPart;
  bed.budget_options.limit_bytes = kPart + kPart / 4;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(4 * kPart + 1);
    auto writer = co_await open(b);
    auto done = co_await write_and_commit(*writer, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(b.gate->most_running, 1u);
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, SendsOnePartAtATimeWhenToldSo) {
  DriverBed bed;
  bed.options.upload_concurrency = 1;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(4 * kPart);
    auto writer = co_await open(b);
    auto done = co_await write_and_commit(*writer, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(b.gate->most_running, 1u);
    EXPECT_TRUE(b.content("a") == bytes);
  });
}

Task<Result<void>> write_one_of_many(DriverBed& bed, std::string path, Bytes bytes) {
  WriterOptions options;
  RINGPULL_CO_TRY(auto writer, co_await driver::open_writer(*bed.core, path, options));
  auto done = co_await write_and_commit(*writer, bytes);
  if (!done) {
    auto cancelled = co_await writer->cancel();
    (void)cancelled;
  }
  co_return done;
}

Task<void> write_many(DriverBed& bed, std::size_t count, Bytes bytes) {
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  for (std::size_t i = 0; i < count; ++i) {
    scope.spawn(write_one_of_many(bed, "/many/" + std::to_string(i), bytes));
  }
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined) << joined.error().message();
  EXPECT_EQ(bed.store.find("b")->objects.size(), count);
  bed.expect_nothing_left();
}

TEST(DriverWriter, ThirtyTwoShareABudgetOfAFewBlocks) {
  DriverBed bed;
  bed.budget_options.limit_bytes = std::size_t{32} << 20;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart + 1);
    co_await write_many(b, 32, bytes);
    EXPECT_LE(b.budget->stats().used_bytes_peak, std::size_t{32} << 20);
    EXPECT_TRUE(b.content("many/31") == bytes);
  });
}

TEST(DriverWriter, AThousandShareABudgetOfAFewBlocks) {
  DriverBed bed;
  bed.budget_options.limit_bytes = std::size_t{32} << 20;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(10'000);
    co_await write_many(b, 1000, bytes);
    EXPECT_LE(b.budget->stats().used_bytes_peak, std::size_t{32} << 20);
  });
}

TEST(DriverWriter, ShowsItsBytesToTheHookOnceAndInOrder) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 700'000);
    std::vector<std::byte> seen;
    WriterOptions options;
    options.hook = [&seen](Bytes piece) { seen.insert(seen.end(), piece.begin(), piece.end()); };
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(opened);
    auto done = co_await write_and_commit(**opened, bytes);
    EXPECT_TRUE(done);
    EXPECT_TRUE(seen == bytes);
  });
}

TEST(DriverWriter, SaysWhatItWasEndedBy) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    CommitOptions options;
    std::vector<std::byte> bytes = b.noise(3);
    struct Case {
      Case(int how_in, const char* word_in) : how(how_in), word(word_in) {}
      int how;
      const char* word;
    };
    std::vector<Case> cases = {Case(0, "already committed"), Case(1, "already closed"),
                               Case(2, "already cancelled")};
    for (const Case& c : cases) {
      auto writer = co_await open(b);
      Result<void> ended;
      if (c.how == 0) ended = co_await writer->commit(options);
      if (c.how == 1) ended = co_await writer->close();
      if (c.how == 2) ended = co_await writer->cancel();
      EXPECT_TRUE(ended) << ended.error().message();
      auto write = co_await writer->write(bytes);
      auto commit = co_await writer->commit(options);
      auto cancel = co_await writer->cancel();
      for (const auto* refused : {&write, &commit, &cancel}) {
        EXPECT_FALSE(*refused);
        EXPECT_EQ(refused->error().kind(), ErrorKind::invalid_argument);
        EXPECT_NE(refused->error().message().find(c.word), std::string::npos);
        EXPECT_NE(refused->error().message().find("s3aws"), std::string::npos);
        EXPECT_NE(refused->error().message().find("/a"), std::string::npos);
      }
      auto close = co_await writer->close();
      EXPECT_TRUE(close);
    }
  });
}

TEST(DriverWriter, DoesNotReplaceAFileWhenItIsToCreateOne) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    CommitOptions options;
    options.create_only = true;
    std::vector<std::byte> large = b.noise(kPart + 1);
    std::vector<std::size_t> sizes = {10, large.size()};
    for (std::size_t size : sizes) {
      Bytes bytes = Bytes(large).first(size);
      auto first = co_await open(b);
      auto written = co_await first->write(bytes);
      EXPECT_TRUE(written);
      auto made = co_await first->commit(options);
      EXPECT_TRUE(made) << made.error().message();
      auto second = co_await open(b);
      written = co_await second->write(bytes.first(bytes.size() - 1));
      EXPECT_TRUE(written);
      auto refused = co_await second->commit(options);
      EXPECT_FALSE(refused);
      EXPECT_EQ(refused.error().kind(), ErrorKind::already_exists) << refused.error().message();
      EXPECT_FALSE(refused.error().maybe_applied());
      EXPECT_EQ(b.content("a").size(), size);
      b.expect_nothing_left();
      b.store.remove("b", "a");
    }
  });
}

TEST(DriverWriter, AbortsWhenTheConditionOfACommitFails) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> large = b.noise(2 * kPart);
    std::vector<std::size_t> sizes = {10, large.size()};
    for (std::size_t size : sizes) {
      auto writer = co_await open(b);
      auto written = co_await writer->write(Bytes(large).first(size));
      EXPECT_TRUE(written);
      CommitOptions options;
      options.condition = [] { return fail(ErrorKind::checksum_mismatch, "another digest"); };
      auto refused = co_await writer->commit(options);
      EXPECT_FALSE(refused);
      EXPECT_EQ(refused.error().kind(), ErrorKind::checksum_mismatch);
      EXPECT_EQ(b.object("a"), nullptr);
      b.expect_nothing_left();
    }
  });
}

TEST(DriverWriter, AsksForTheConditionOnceAllPartsAreStored) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart + 9);
    auto writer = co_await open(b);
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written);
    std::size_t stored = 0;
    CommitOptions options;
    options.condition = [&]() -> Result<void> {
      stored = b.store.find("b")->uploads.begin()->second.parts.size();
      return {};
    };
    auto done = co_await writer->commit(options);
    EXPECT_TRUE(done);
    EXPECT_EQ(stored, 3u);
  });
}

TEST(DriverWriter, SendsExactlyTheAttributesThatEachRequestTakes) {
  DriverBed bed;
  bed.options.attributes.acl = "bucket-owner-full-control";
  bed.options.attributes.storage_class = "STANDARD_IA";
  bed.options.attributes.encryption.algorithm = "aws:kms";
  bed.options.attributes.encryption.kms_key_id = "arn:key";
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 1);
    auto small = co_await open(b);
    auto done = co_await write_and_commit(*small, Bytes(bytes).first(1));
    EXPECT_TRUE(done);
    auto large = co_await open(b);
    done = co_await write_and_commit(*large, bytes);
    EXPECT_TRUE(done);
    std::vector<std::string> makers = {"PUT /b/a", "POST /b/a?uploads"};
    for (const std::string& line : makers) {
      EXPECT_EQ(b.gate->header(line, "Content-Type"), "application/octet-stream");
      EXPECT_EQ(b.gate->header(line, "x-amz-acl"), "bucket-owner-full-control");
      EXPECT_EQ(b.gate->header(line, "x-amz-storage-class"), "STANDARD_IA");
      EXPECT_EQ(b.gate->header(line, "x-amz-server-side-encryption"), "aws:kms");
      EXPECT_EQ(b.gate->header(line, "x-amz-server-side-encryption-aws-kms-key-id"), "arn:key");
    }
    std::vector<std::string> others = {"partNumber=1", "POST /b/a?uploadId"};
    for (const std::string& line : others) {
      EXPECT_EQ(b.gate->header(line, "x-amz-acl"), "");
      EXPECT_EQ(b.gate->header(line, "x-amz-storage-class"), "");
      EXPECT_EQ(b.gate->header(line, "x-amz-server-side-encryption"), "");
    }
    EXPECT_EQ(b.gate->header("partNumber=1", "x-amz-checksum-crc64nvme"), "");
  });
}

Task<void> expect_checksums(DriverBed& b, std::string header) {
  std::vector<std::byte> bytes = b.noise(2 * kPart + 5);
  auto small = co_await open(b);
  auto done = co_await write_and_commit(*small, Bytes(bytes).first(10));
  EXPECT_TRUE(done) << done.error().message();
  EXPECT_NE(b.gate->header("PUT /b/a", header), "");
  EXPECT_TRUE(b.object("a")->checksum);
  b.gate->forget();
  auto large = co_await open(b);
  done = co_await write_and_commit(*large, bytes);
  EXPECT_TRUE(done) << done.error().message();
  EXPECT_EQ(b.gate->header("?uploads", "x-amz-checksum-type"), "FULL_OBJECT");
  EXPECT_NE(b.gate->header("partNumber=3", header), "");
  EXPECT_EQ(b.gate->header("POST /b/a?uploadId", header), b.object("a")->checksum->value);
  Checksum whole(b.object("a")->checksum->algorithm);
  whole.update(bytes);
  EXPECT_EQ(b.object("a")->checksum->value, whole.finish_base64());
}

TEST(DriverWriter, SendsCrc64NvmeWhereTheServerIsKnownToTakeIt) {
  DriverBed bed;
  bed.options.server.checksum_headers = true;
  bed.run(
      [](DriverBed& b) -> Task<void> { co_await expect_checksums(b, "x-amz-checksum-crc64nvme"); });
}

TEST(DriverWriter, SendsCrc32cWhenToldSo) {
  DriverBed bed;
  bed.options.checksum = ChecksumMode::crc32c;
  bed.run(
      [](DriverBed& b) -> Task<void> { co_await expect_checksums(b, "x-amz-checksum-crc32c"); });
}

TEST(DriverWriter, PutsContentInOneRequest) {
  DriverBed bed;
  bed.options.checksum = ChecksumMode::crc64nvme;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 4000);
    auto put = co_await driver::put_content(*b.core, "/d/e", bytes);
    EXPECT_TRUE(put) << put.error().message();
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"PUT /b/d/e"});
    EXPECT_EQ(b.gate->header("PUT", "x-amz-acl"), "private");
    EXPECT_NE(b.gate->header("PUT", "x-amz-checksum-crc64nvme"), "");
    EXPECT_TRUE(b.content("d/e") == bytes);
    put = co_await driver::put_content(*b.core, "/d/e", Bytes());
    EXPECT_TRUE(put);
    EXPECT_EQ(b.content("d/e").size(), 0u);
  });
}

TEST(DriverWriter, NeedsABudgetThatHoldsAPart) {
  DriverBed bed;
  bed.budget_options.limit_bytes = 1 << 20;
  bed.run([](DriverBed& b) -> Task<void> {
    WriterOptions options;
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_FALSE(opened);
    EXPECT_EQ(opened.error().kind(), ErrorKind::resource_exhausted);
  });
}

TEST(DriverWriter, TakesASmallBlockForASmallHint) {
  DriverBed bed;
  bed.options.chunk_bytes = 4 * kPart;
  bed.run([](DriverBed& b) -> Task<void> {
    WriterOptions options;
    options.size_hint = 17;
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(opened);
    std::vector<std::byte> bytes = b.noise(3 * kPart);  // the hint was wrong
    auto written = co_await (*opened)->write(Bytes(bytes).first(17));
    EXPECT_TRUE(written);
    EXPECT_EQ(b.budget->stats().used_bytes, kPart);
    auto done = co_await write_and_commit(**opened, Bytes(bytes).subspan(17));
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
  });
}

}  // namespace
}  // namespace ringpull::s3
