// Uploads that nobody has a name for, because the answer that gave it was lost.
#include <gtest/gtest.h>
#include <string>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>

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

/// Under way with that key, as the server keeps it.
void add_upload(CoreBed& b, const std::string& key, const std::string& id, bool with_part) {
  sandbox::Upload upload;
  upload.key = key;
  upload.id = id;
  if (with_part) upload.parts[1];
  std::pair name(key, id);
  b.store.find("b")->uploads.insert_or_assign(name, std::move(upload));
}

/// A file of seven parts.
class LostCreation : public ::testing::Test {
 protected:
  LostCreation() {
    bed.options.copy_chunk_bytes = 5 * kMiB;
    bed.options.copy_threshold_bytes = 5 * kMiB;
  }
  CoreBed bed;
};

/// The creation is carried out and answered 500.
void lose_the_creation(CoreBed& b) {
  b.gate->script = [&b](const http::RequestHead& head) -> std::optional<CannedAnswer> {
    bool creation = head.method == "POST" && contains(head.target, "/to?uploads");
    if (!creation) return std::nullopt;
    add_upload(b, "to", "lost", false);
    return error_answer(500, "InternalError");
  };
}

TEST_F(LostCreation, IsAbortedByItsMove) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    lose_the_creation(b);
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.error().service_code(), "InternalError");
    EXPECT_FALSE(moved.error().maybe_applied());
    EXPECT_EQ(b.uploads(), 0u);
    EXPECT_TRUE(b.has("from"));
  });
}

TEST_F(LostCreation, LeavesUploadsThatOthersFill) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    add_upload(b, "to", "others", true);
    add_upload(b, "to2", "longer", false);
    lose_the_creation(b);
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_EQ(b.uploads(), 2u);
    EXPECT_FALSE(
        b.store.find("b")->uploads.contains(std::pair<std::string, std::string>("to", "lost")));
  });
}

TEST_F(LostCreation, IsNamedWhereUploadsMayNotBeListed) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.gate->script = [&b](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (!contains(head.target, "?uploads")) return std::nullopt;
      if (head.method == "GET") return error_answer(403, "AccessDenied");
      add_upload(b, "to", "lost", false);
      return error_answer(500, "InternalError");
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_TRUE(contains(moved.error().message(), "s3:ListBucketMultipartUploads"))
        << moved.error().message();
    EXPECT_EQ(b.uploads(), 1u);
  });
}

Task<Result<void>> stop_once_made(CoreBed& b, engine::StopSource& source) {
  auto waited = co_await b.gate->held.wait();
  add_upload(b, "to", "lost", false);
  source.request_stop();
  co_return waited;
}

TEST_F(LostCreation, IsAbortedWhenTheMoveIsStopped) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.gate->hold_containing = "POST /b/to?uploads";
    engine::StopSource stop;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(stop_once_made(b, stop));
    auto moved = co_await engine::with_stop(stop, move(*b.core, "/from", "/to"));
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.error().kind(), ErrorKind::cancelled) << moved.error().message();
    EXPECT_EQ(b.uploads(), 0u);
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

}  // namespace
}  // namespace ringpull::s3::driver
