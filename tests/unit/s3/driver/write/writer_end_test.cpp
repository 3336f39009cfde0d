// What writers leave behind when they fail at any stage, are stopped, or are cancelled.
#include <cstring>

#include "tests/unit/s3/driver/write/writer_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using testing::Bytes;
using testing::DriverBed;
using testing::kPart;
using testing::open;
using testing::stop_when_held;
using testing::write_and_commit;

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

TEST(DriverWriterEnd, LeavesNothingWhenAStageBeforeCompletionFails) {
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

TEST(DriverWriterEnd, LeavesNothingWhenTheAnswerOfAStageBeforeCompletionIsLost) {
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

TEST(DriverWriterEnd, FindsAndAbortsAnUploadWhoseCreationGotNoAnswer) {
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

TEST(DriverWriterEnd, LeavesUploadsThatOthersFillWhenItsCreationIsCutOff) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    sandbox::Upload upload;
    upload.key = "a";
    upload.id = "of-another-replica";
    upload.parts[1].etag = "e";
    std::pair<std::string, std::string> name(upload.key, upload.id);
    b.store.find("b")->uploads.insert_or_assign(name, std::move(upload));
    b.gate->hold = "POST /b/a?uploads";
    auto writer = co_await open(b);
    std::vector<std::byte> bytes = b.noise(2 * kPart);
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written);
    auto held = co_await b.gate->held.wait();
    EXPECT_TRUE(held);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    EXPECT_EQ(b.uploads(), 1u);
  });
}

TEST(DriverWriterEnd, AbortsWhenCompletionIsRefused) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->refuse = "POST /b/a?uploadId";
    Error error = co_await fail_at_a_stage(b);
    EXPECT_EQ(error.kind(), ErrorKind::permission_denied);
    EXPECT_FALSE(error.maybe_applied());
    b.expect_nothing_left();
  });
}

TEST(DriverWriterEnd, AbortsWhenACompletionWithoutAnAnswerMadeNoFile) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->lose = "POST /b/a?uploadId";
    Error error = co_await fail_at_a_stage(b);
    EXPECT_TRUE(error.maybe_applied()) << error.message();
    EXPECT_EQ(b.object("a"), nullptr);
    b.expect_nothing_left();
  });
}

TEST(DriverWriterEnd, HasCommittedWhenTheAnswerIsLostAndTheFileIsThere) {
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

TEST(DriverWriterEnd, LeavesTheUploadWhenItMayHaveBecomeTheFileThatIsThere) {
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

TEST(DriverWriterEnd, SaysWhatIsLeftWhenTheAbortFailsToo) {
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

TEST(DriverWriterEnd, RepeatsAnAbortWhoseAnswerIsLost) {
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

TEST(DriverWriterEnd, HasPutASmallFileWhoseAnswerIsLost) {
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

TEST(DriverWriterEnd, LeavesNothingWhenACommitIsStoppedBeforeItsCompletion) {
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

TEST(DriverWriterEnd, ReportsMaybeAppliedWhenACommitIsStoppedAtItsCompletion) {
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

TEST(DriverWriterEnd, ReportsMaybeAppliedWhenACommitOfASmallFileIsStopped) {
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

TEST(DriverWriterEnd, GoesOnAfterAWriteThatRanIntoItsDeadline) {
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

TEST(DriverWriterEnd, LosesNothingWhenAWriteIsStopped) {
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

TEST(DriverWriterEnd, WaitsForItsBlockInAStoppableWay) {
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

TEST(DriverWriterEnd, CancelsPartsUnderWayBeforeItAborts) {
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

TEST(DriverWriterEnd, CancelsWithoutARequestWhileNothingWasSent) {
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

TEST(DriverWriterEnd, CleansUpAlsoWhenItsCallerIsStoppedAlready) {
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
