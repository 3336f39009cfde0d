// Writers against the sandbox in the same loop: what they send, in which order, and what every way
// of ending leaves behind. Resuming is in driver_resume_test.cpp.
#include <cstring>

#include <ringpull/s3/storage_error.hpp>

#include "s3/src/driver/writer.hpp"
#include "tests/unit/s3/driver_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using testing::DriverBed;

using Bytes = std::span<const std::byte>;

constexpr std::size_t kPart = 5 << 20;

Task<std::unique_ptr<StorageWriter>> open(DriverBed& bed) {
  WriterOptions options;
  auto opened = co_await driver::open_writer(*bed.core, "/a", options);
  EXPECT_TRUE(opened) << opened.error().message();
  co_return std::move(*opened);
}

Task<Result<void>> write_and_commit(StorageWriter& writer, Bytes bytes) {
  RINGPULL_CO_CHECK(co_await writer.write(bytes));
  CommitOptions options;
  co_return co_await writer.commit(options);
}

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

// --- Failures at each stage. The file has three parts.

/// Writes and commits as a careful caller does: after a failed write it cancels.
Task<Result<void>> write_with_care(StorageWriter& writer, Bytes bytes, engine::StopSource& stop,
                                   Deadline deadline) {
  auto written = co_await engine::with_stop(stop, writer.write(bytes));
  Result<void> outcome = std::move(written);
  bool committing = outcome.has_value();
  if (committing) {
    CommitOptions options;
    outcome = co_await engine::with_deadline(deadline, writer.commit(options));
  }
  if (!committing) {
    auto cancelled = co_await writer.cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
  }
  co_return outcome;
}

Task<Error> fail_at_a_stage(DriverBed& b) {
  std::vector<std::byte> bytes = b.noise(2 * kPart + 5);
  auto writer = co_await open(b);
  engine::StopSource never;
  auto outcome = co_await write_with_care(*writer, bytes, never, Deadline::never());
  EXPECT_FALSE(outcome);
  if (outcome) co_return Error(ErrorKind::internal, "it did not fail");
  co_return std::move(outcome).error();
}

TEST(DriverWriter, LeavesNothingWhenAStageBeforeCompletionFails) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::string> stages = {"?uploads", "partNumber=1&", "partNumber=2&",
                                       "partNumber=3&"};
    for (const std::string& stage : stages) {
      b.gate->refuse = stage;
      Error error = co_await fail_at_a_stage(b);
      EXPECT_EQ(error.kind(), ErrorKind::permission_denied) << stage << ": " << error.message();
      EXPECT_FALSE(error.maybe_applied()) << stage;
      b.gate->refuse.clear();
      EXPECT_EQ(b.object("a"), nullptr);
      b.expect_nothing_left();
    }
  });
}

TEST(DriverWriter, LeavesNothingWhenTheAnswerOfAStageBeforeCompletionIsLost) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::string> stages = {"?uploads", "partNumber=1&", "partNumber=3&"};
    for (const std::string& stage : stages) {
      b.gate->lose = stage;
      b.gate->times = 1;  // Create is spelt like the listing
      Error error = co_await fail_at_a_stage(b);
      EXPECT_FALSE(error.maybe_applied()) << stage;
      b.gate->lose.clear();
      EXPECT_EQ(b.object("a"), nullptr);
      b.expect_nothing_left();
    }
  });
}

TEST(DriverWriter, FindsAndAbortsAnUploadWhoseCreationGotNoAnswer) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->lose = "POST /b/a?uploads";
    b.gate->effect = [&b] {
      sandbox::Upload upload;
      upload.id = b.store.new_id();
      upload.key = "a";
      std::pair<std::string, std::string> name(upload.key, upload.id);
      b.store.find("b")->uploads.emplace(name, upload);
      upload.key = "ab";  // somebody else's
      name.first = upload.key;
      b.store.find("b")->uploads.emplace(name, upload);
    };
    Error error = co_await fail_at_a_stage(b);
    EXPECT_FALSE(error.maybe_applied());
    EXPECT_EQ(b.uploads(), 1u);
    EXPECT_EQ(b.store.find("b")->uploads.begin()->second.key, "ab");
  });
}

TEST(DriverWriter, AbortsWhenCompletionIsRefused) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->refuse = "POST /b/a?uploadId";
    Error error = co_await fail_at_a_stage(b);
    EXPECT_EQ(error.kind(), ErrorKind::permission_denied);
    EXPECT_FALSE(error.maybe_applied());
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, AbortsWhenACompletionWithoutAnAnswerMadeNoFile) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->lose = "POST /b/a?uploadId";
    Error error = co_await fail_at_a_stage(b);
    EXPECT_TRUE(error.maybe_applied()) << error.message();
    EXPECT_EQ(b.object("a"), nullptr);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, HasCommittedWhenTheAnswerIsLostAndTheFileIsThere) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->lose = "POST /b/a?uploadId";
    b.gate->effect = [&b] { b.complete_upload("a"); };
    std::vector<std::byte> bytes = b.noise(2 * kPart + 5);
    auto writer = co_await open(b);
    auto done = co_await write_and_commit(*writer, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, LeavesTheUploadWhenItMayHaveBecomeTheFileThatIsThere) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> old = b.noise(10);
    auto put = co_await driver::put_content(*b.core, "/a", old);
    EXPECT_TRUE(put);
    b.gate->lose = "POST /b/a?uploadId";
    Error error = co_await fail_at_a_stage(b);
    EXPECT_TRUE(error.maybe_applied());
    EXPECT_NE(error.message().find("left behind"), std::string::npos) << error.message();
    EXPECT_EQ(b.uploads(), 1u);
    EXPECT_EQ(b.budget->stats().used_bytes, 0u);
  });
}

TEST(DriverWriter, SaysWhatIsLeftWhenTheAbortFailsToo) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart + 5);
    auto writer = co_await open(b);
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written);
    b.gate->refuse = "a?uploadId";  // Complete and Abort
    CommitOptions options;
    auto refused = co_await writer->commit(options);
    EXPECT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("is left behind"), std::string::npos);
    EXPECT_NE(refused.error().message().find("s3:AbortMultipartUpload"), std::string::npos)
        << refused.error().message();
    EXPECT_EQ(b.budget->stats().used_bytes, 0u);
  });
}

TEST(DriverWriter, RepeatsAnAbortWhoseAnswerIsLost) {
  DriverBed bed;
  bed.attempts_max = 3;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart + 5);
    b.gate->hold = "partNumber=2&";
    auto writer = co_await open(b);
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written);
    auto held = co_await b.gate->held.wait();
    EXPECT_TRUE(held);
    b.gate->hold.clear();
    b.gate->lose = "DELETE /b/a?uploadId";
    b.gate->times = 2;
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    EXPECT_EQ(b.gate->count("DELETE /b/a?uploadId"), 3u);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, HasPutASmallFileWhoseAnswerIsLost) {
  DriverBed bed;
  bed.etags = sandbox::ETagStyle::md5;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(1000);
    b.gate->lose = "PUT /b/a";
    b.gate->effect = [&b] {
      sandbox::Object object;
      std::vector<std::byte> stored = b.noise(1000);
      auto segment = b.store.new_segment(stored.size()).value();
      std::memcpy(segment->bytes().data(), stored.data(), stored.size());
      object.extents.emplace_back(segment, 0, stored.size());
      object.size = stored.size();
      object.etag = hex(Md5::of(stored));
      EXPECT_TRUE(b.store.put("b", "a", std::move(object)));
    };
    auto writer = co_await open(b);
    auto done = co_await write_and_commit(*writer, bytes);
    EXPECT_TRUE(done) << done.error().message();
    b.store.remove("b", "a");
    b.gate->effect = nullptr;
    writer = co_await open(b);
    done = co_await write_and_commit(*writer, bytes);
    EXPECT_FALSE(done);
    EXPECT_TRUE(done.error().maybe_applied());
    b.expect_nothing_left();
  });
}

// --- Stops and deadlines.

Task<Result<void>> stop_when_held(testing::Gate& gate, engine::StopSource& stop) {
  auto waited = co_await gate.held.wait();
  stop.request_stop();
  co_return waited;
}

Task<Result<void>> commit_until_stopped(StorageWriter& writer, engine::StopSource& stop) {
  CommitOptions options;
  auto done = co_await engine::with_stop(stop, writer.commit(options));
  co_return done;
}

/// Commits a file of three parts, and is stopped once `stage` is held.
Task<Error> stop_commit_at(DriverBed& b, std::string stage) {
  b.gate->hold = std::move(stage);
  b.gate->held.reset();
  std::vector<std::byte> bytes = b.noise(2 * kPart + 5);
  auto writer = co_await open(b);
  auto written = co_await writer->write(bytes);
  EXPECT_TRUE(written);
  engine::StopSource stop;
  auto both =
      co_await engine::when_all(commit_until_stopped(*writer, stop), stop_when_held(*b.gate, stop));
  EXPECT_FALSE(both.first);
  if (both.first) co_return Error(ErrorKind::internal, "it was not stopped");
  co_return std::move(both.first).error();
}

TEST(DriverWriter, LeavesNothingWhenACommitIsStoppedBeforeItsCompletion) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::string> stages = {"POST /b/a?uploads", "partNumber=1&", "partNumber=3&"};
    for (const std::string& stage : stages) {
      Error error = co_await stop_commit_at(b, stage);
      EXPECT_EQ(error.kind(), ErrorKind::cancelled) << error.message();
      EXPECT_FALSE(error.maybe_applied()) << stage;
      EXPECT_EQ(b.object("a"), nullptr);
      b.expect_nothing_left();
    }
  });
}

TEST(DriverWriter, ReportsMaybeAppliedWhenACommitIsStoppedAtItsCompletion) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    Error error = co_await stop_commit_at(b, "POST /b/a?uploadId");
    EXPECT_EQ(error.kind(), ErrorKind::cancelled) << error.message();
    EXPECT_TRUE(error.maybe_applied());
    EXPECT_EQ(b.gate->count("HEAD /b/a"), 1u);
    b.expect_nothing_left();  // HEAD has said that there is no file
    b.gate->forget();
    b.gate->effect = [&b] { b.complete_upload("a"); };
    error = co_await stop_commit_at(b, "POST /b/a?uploadId");
    EXPECT_TRUE(error.maybe_applied());
    EXPECT_EQ(b.gate->count("DELETE"), 0u);
    EXPECT_NE(b.object("a"), nullptr);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, ReportsMaybeAppliedWhenACommitOfASmallFileIsStopped) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->hold = "PUT /b/a";
    auto writer = co_await open(b);
    std::vector<std::byte> bytes = b.noise(5);
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written);
    CommitOptions options;
    auto done = co_await engine::with_deadline(Deadline::after(20ms), writer->commit(options));
    EXPECT_FALSE(done);
    EXPECT_EQ(done.error().kind(), ErrorKind::timed_out);
    EXPECT_TRUE(done.error().maybe_applied());
    EXPECT_EQ(b.budget->stats().used_bytes, 0u);
  });
}

TEST(DriverWriter, GoesOnAfterAWriteThatRanIntoItsDeadline) {
  DriverBed bed;
  bed.options.upload_concurrency = 1;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->hold = "partNumber=1&";
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    auto writer = co_await open(b);
    auto timed_out = co_await engine::with_deadline(Deadline::after(20ms), writer->write(bytes));
    EXPECT_FALSE(timed_out);
    EXPECT_EQ(timed_out.error().kind(), ErrorKind::timed_out) << timed_out.error().message();
    // The first part is held and the second block full.
    EXPECT_EQ(timed_out.error().bytes_done(), 2 * kPart);
    EXPECT_EQ(writer->size_bytes(), 2 * kPart);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    b.expect_nothing_left();
  });
}

Task<Result<void>> write_until_stopped(StorageWriter& writer, Bytes bytes,
                                       engine::StopSource& stop) {
  auto done = co_await engine::with_stop(stop, writer.write(bytes));
  co_return done;
}

TEST(DriverWriter, LosesNothingWhenAWriteIsStopped) {
  DriverBed bed;
  bed.options.upload_concurrency = 1;
  bed.attempts_max = 2;
  bed.run([](DriverBed& b) -> Task<void> {
    // The first attempt at part 1 fails late: the writer is waiting then, and goes on afterwards.
    b.gate->lose = "partNumber=1&";
    b.gate->times = 1;
    engine::StopSource stop;
    b.gate->effect = [&stop] { stop.request_stop(); };
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    Bytes rest(bytes);
    auto writer = co_await open(b);
    auto stopped = co_await write_until_stopped(*writer, rest, stop);
    EXPECT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), ErrorKind::cancelled) << stopped.error().message();
    rest = rest.subspan(static_cast<std::size_t>(stopped.error().bytes_done()));
    EXPECT_EQ(writer->size_bytes(), bytes.size() - rest.size());
    auto done = co_await write_and_commit(*writer, rest);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, WaitsForItsBlockInAStoppableWay) {
  DriverBed bed;
  bed.budget_options.limit_bytes = kPart + kPart / 4;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(10);
    auto first = co_await open(b);
    auto written = co_await first->write(bytes);
    EXPECT_TRUE(written);
    WriterOptions options;
    auto second = co_await driver::open_writer(*b.core, "/second", options);
    EXPECT_TRUE(second);
    auto stopped = co_await engine::with_deadline(Deadline::after(10ms), (*second)->write(bytes));
    EXPECT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), ErrorKind::timed_out);
    EXPECT_EQ(stopped.error().bytes_done(), 0u);
    auto cancelled = co_await first->cancel();
    EXPECT_TRUE(cancelled);
    auto done = co_await write_and_commit(**second, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(b.object("second")->size, bytes.size());
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, CancelsPartsUnderWayBeforeItAborts) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->hold = "partNumber=2&";
    std::vector<std::byte> bytes = b.noise(2 * kPart + 5);
    auto writer = co_await open(b);
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written);
    auto held = co_await b.gate->held.wait();
    EXPECT_TRUE(held);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    // The part may arrive late: it looks whether the upload is gone, and stays so.
    EXPECT_EQ(b.gate->count("DELETE /b/a?uploadId"), 1u);
    EXPECT_EQ(b.gate->count("GET /b/a?uploadId"), 4u);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, CancelsWithoutARequestWhileNothingWasSent) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    auto writer = co_await open(b);
    std::vector<std::byte> bytes = b.noise(5);
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled);
    EXPECT_TRUE(b.gate->lines.empty());
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, CleansUpAlsoWhenItsCallerIsStoppedAlready) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart);
    auto writer = co_await open(b);
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written);
    engine::StopSource stop;
    stop.request_stop();
    auto cancelled = co_await engine::with_stop(stop, writer->cancel());
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    b.expect_nothing_left();
  });
}

}  // namespace
}  // namespace ringpull::s3
