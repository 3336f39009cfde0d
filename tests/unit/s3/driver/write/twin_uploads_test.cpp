// Uploads that a lost attempt to create one has made beside the one that is used.
#include <chrono>
#include <set>

#include <ringpull/engine/timer.hpp>

#include "s3/src/driver/move/move.hpp"
#include "tests/unit/s3/driver/write/writer_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using testing::commit;
using testing::DriverBed;
using testing::open;
using testing::stop_when_held;

constexpr std::size_t kMiB = 1 << 20;

/// Under way with that key for some time, as the server keeps it.
void add_upload(DriverBed& b, const std::string& key, const std::string& id,
                std::chrono::seconds age = 0s) {
  sandbox::Upload upload;
  upload.key = key;
  upload.id = id;
  upload.initiated = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  upload.initiated -= age;
  std::pair name(key, id);
  b.store.find("b")->uploads.insert_or_assign(name, std::move(upload));
}

std::set<std::string> upload_ids(DriverBed& b) {
  std::set<std::string> ids;
  for (const auto& [name, upload] : b.store.find("b")->uploads) ids.insert(upload.id);
  return ids;
}

/// The first attempt at creating an upload of "a" makes "twin", and its answer is lost.
void lose_first_creation(DriverBed& b) {
  b.gate->lose = "POST /b/a?uploads";
  b.gate->times = 1;
  b.gate->effect = [&b] { add_upload(b, "a", "twin"); };
}

/// One whose upload has a name and its first part on the way.
Task<std::unique_ptr<StorageWriter>> begin_writer(DriverBed& b) {
  auto writer = co_await open(b);
  std::vector<std::byte> bytes = b.noise(11 * kMiB);
  auto written = co_await writer->write(bytes);
  EXPECT_TRUE(written) << written.error().message();
  while (b.gate->count("PUT /b/a?partNumber=1&") == 0) {
    auto slept = co_await engine::sleep_for(100us);
    EXPECT_TRUE(slept);
  }
  co_return writer;
}

class TwinUploads : public ::testing::Test {
 protected:
  TwinUploads() {
    bed.attempts_max = 3;
    bed.options.copy_chunk_bytes = 5 * kMiB;
    bed.options.copy_threshold_bytes = 5 * kMiB;
  }
  DriverBed bed;
};

TEST_F(TwinUploads, AreAbortedByTheWriterThatMadeThem) {
  bed.run([](DriverBed& b) -> Task<void> {
    lose_first_creation(b);
    auto writer = co_await begin_writer(b);
    co_await commit(*writer);
    EXPECT_EQ(b.gate->count("POST /b/a?uploads"), 2u);
    EXPECT_EQ(b.gate->count("DELETE /b/a?uploadId=twin"), 1u);
    EXPECT_EQ(b.gate->count("DELETE "), 1u);
    EXPECT_EQ(b.content("a").size(), 11 * kMiB);
    b.expect_nothing_left();
  });
}

TEST_F(TwinUploads, AreAbortedByAWriterThatIsCancelled) {
  bed.run([](DriverBed& b) -> Task<void> {
    lose_first_creation(b);
    auto writer = co_await begin_writer(b);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    b.expect_nothing_left();
  });
}

// A writer that was closed before it was full leaves an upload without parts, too.
TEST_F(TwinUploads, AreToldFromUploadsOfOthers) {
  bed.run([](DriverBed& b) -> Task<void> {
    lose_first_creation(b);
    add_upload(b, "a", "suspended", 1min);
    add_upload(b, "a", "filled");
    std::pair<std::string, std::string> filled("a", "filled");
    b.store.find("b")->uploads.at(filled).parts[1].etag = "e";
    add_upload(b, "a2", "longer");
    auto writer = co_await begin_writer(b);
    co_await commit(*writer);
    EXPECT_EQ(upload_ids(b), (std::set<std::string>{"suspended", "filled", "longer"}));
  });
}

TEST_F(TwinUploads, AreNotLookedForWhereEveryAttemptWasAnswered) {
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->busy = "POST /b/a?uploads";
    b.gate->times = 1;
    auto writer = co_await begin_writer(b);
    co_await commit(*writer);
    EXPECT_EQ(b.gate->count("POST /b/a?uploads"), 2u) << "the first was refused";
    EXPECT_EQ(b.gate->count("GET /b?"), 0u);
    b.expect_nothing_left();
  });
}

/// ... and from then on uploads may not be listed.
void lose_first_creation_and_refuse_listings(DriverBed& b) {
  b.gate->lose = "POST /b/a?uploads";
  b.gate->times = 1;
  b.gate->effect = [&b] {
    add_upload(b, "a", "twin");
    b.gate->lose.clear();
    b.gate->refuse = "GET /b?";
    b.gate->times = 1 << 30;
  };
}

TEST_F(TwinUploads, DoNotKeepAFileFromBeingMade) {
  bed.run([](DriverBed& b) -> Task<void> {
    lose_first_creation_and_refuse_listings(b);
    auto writer = co_await begin_writer(b);
    co_await commit(*writer);
    EXPECT_EQ(b.content("a").size(), 11 * kMiB);
    EXPECT_EQ(upload_ids(b), std::set<std::string>{"twin"});
  });
}

TEST_F(TwinUploads, AreNamedByACancelThatCannotLookForThem) {
  bed.run([](DriverBed& b) -> Task<void> {
    lose_first_creation_and_refuse_listings(b);
    auto writer = co_await begin_writer(b);
    auto cancelled = co_await writer->cancel();
    EXPECT_FALSE(cancelled);
    EXPECT_NE(cancelled.error().message().find("s3:ListBucketMultipartUploads"), std::string::npos)
        << cancelled.error().message();
    EXPECT_EQ(upload_ids(b), std::set<std::string>{"twin"}) << "its own is aborted all the same";
  });
}

TEST_F(TwinUploads, AreNotWhatOthersBeginLater) {
  bed.run([](DriverBed& b) -> Task<void> {
    lose_first_creation_and_refuse_listings(b);
    auto writer = co_await begin_writer(b);
    while (b.gate->count("GET /b?") == 0) co_await engine::yield_now();
    b.gate->refuse.clear();
    add_upload(b, "a", "later", -1h);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    EXPECT_EQ(upload_ids(b), std::set<std::string>{"later"});
  });
}

TEST_F(TwinUploads, AreNotMistakenForTheUploadThatWasAborted) {
  bed.run([](DriverBed& b) -> Task<void> {
    lose_first_creation_and_refuse_listings(b);
    auto writer = co_await begin_writer(b);
    CommitOptions options;
    options.condition = []() -> Result<void> {
      return fail(ErrorKind::checksum_mismatch, "another digest");
    };
    auto made = co_await writer->commit(options);
    EXPECT_FALSE(made);
    EXPECT_NE(made.error().message().find("an upload without parts may be left behind"),
              std::string::npos)
        << made.error().message();
  });
}

/// ... and from then on nobody answers to a listing.
void lose_first_creation_and_hold_listings(DriverBed& b) {
  b.gate->lose = "POST /b/a?uploads";
  b.gate->times = 1;
  b.gate->effect = [&b] {
    b.gate->lose.clear();
    b.gate->hold = "GET /b?";
    b.gate->times = 1 << 30;
    b.gate->effect = nullptr;
  };
}

TEST_F(TwinUploads, KeepNoCommitWaitingAndNoAbortFromBeingSent) {
  bed.run([](DriverBed& b) -> Task<void> {
    b.core->twin_search_time = 50ms;
    lose_first_creation_and_hold_listings(b);
    auto writer = co_await begin_writer(b);
    auto held = co_await b.gate->held.wait();
    EXPECT_TRUE(held);
    CommitOptions options;
    options.condition = []() -> Result<void> {
      return fail(ErrorKind::checksum_mismatch, "another digest");
    };
    auto made = co_await writer->commit(options);
    EXPECT_FALSE(made);
    EXPECT_EQ(upload_ids(b), std::set<std::string>());
  });
}

TEST_F(TwinUploads, KeepNoStoppedMoveFromEnding) {
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(11 * kMiB);
    auto put = co_await driver::put_content(*b.core, "/from", bytes);
    EXPECT_TRUE(put);
    b.core->twin_search_time = 1h;
    lose_first_creation_and_hold_listings(b);
    engine::StopSource stop;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(stop_when_held(*b.gate, stop));
    auto moved = co_await engine::with_stop(stop, driver::move(*b.core, "/from", "/a"));
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.error().kind(), ErrorKind::cancelled) << moved.error().message();
    EXPECT_EQ(upload_ids(b), std::set<std::string>());
    EXPECT_NE(b.object("from"), nullptr);
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

TEST_F(TwinUploads, AreAbortedByTheMoveThatMadeThem) {
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(11 * kMiB);
    auto put = co_await driver::put_content(*b.core, "/from", bytes);
    EXPECT_TRUE(put);
    b.gate->forget();
    lose_first_creation(b);
    add_upload(b, "a", "suspended", 1min);
    auto moved = co_await driver::move(*b.core, "/from", "/a");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(b.gate->count("DELETE /b/a?uploadId=twin"), 1u);
    EXPECT_EQ(upload_ids(b), std::set<std::string>{"suspended"});
    EXPECT_TRUE(b.content("a") == bytes);
    EXPECT_EQ(b.object("from"), nullptr);
  });
}

TEST_F(TwinUploads, DoNotKeepAFileFromBeingMoved) {
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(11 * kMiB);
    auto put = co_await driver::put_content(*b.core, "/from", bytes);
    EXPECT_TRUE(put);
    lose_first_creation_and_refuse_listings(b);
    auto moved = co_await driver::move(*b.core, "/from", "/a");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
  });
}

}  // namespace
}  // namespace ringpull::s3
