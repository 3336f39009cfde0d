// move, remove and redirects against the sandbox in the same loop, and against answers that it
// never gives.
#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>

#include "s3/src/driver/move.hpp"
#include "s3/src/driver/redirect.hpp"
#include "s3/src/driver/remove.hpp"
#include "tests/unit/s3/core_bed.hpp"

namespace ringpull::s3::driver {
namespace {

using engine::Task;
using testing::CannedAnswer;
using testing::CoreBed;
using testing::error_answer;
using Keys = std::vector<std::string>;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = std::uint64_t(1) << 30;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Task<Result<void>> stop_when_held(CoreBed& b, engine::StopSource& source) {
  auto waited = co_await b.gate->held.wait();
  source.request_stop();
  co_return waited;
}

// ---------------------------------------------------------------------------------------- move

TEST(DriverMove, CopiesASmallFileByOneRequestAndDeletesOneKey) {
  CoreBed bed;
  bed.options.root_directory = "r s";
  bed.options.attributes.storage_class = "STANDARD_IA";
  bed.options.attributes.encryption.algorithm = "aws:kms";
  bed.options.attributes.encryption.kms_key_id = "key-1";
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("r s/from", 100);
    b.add("r s/from/below", 1);
    b.add("r s/to", 5);
    std::string etag = b.store.find("b")->objects.find("r s/from")->second.etag;
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(b.keys(), (Keys{"r s/from/below", "r s/to"}));
    EXPECT_EQ(b.store.find("b")->objects.find("r s/to")->second.size, 100u);
    EXPECT_EQ(b.gate->count(), 3u);
    EXPECT_EQ(b.gate->line(0), "HEAD /b/r%20s/from");
    EXPECT_EQ(b.gate->line(1), "PUT /b/r%20s/to");
    EXPECT_EQ(b.gate->line(2), "DELETE /b/r%20s/from");
    EXPECT_EQ(b.gate->header("PUT", "x-amz-copy-source"), "/b/r%20s/from");
    EXPECT_EQ(b.gate->header("PUT", "x-amz-copy-source-if-match"), "\"" + etag + "\"");
    EXPECT_EQ(b.gate->header("PUT", "x-amz-acl"), "private");
    EXPECT_EQ(b.gate->header("PUT", "x-amz-storage-class"), "STANDARD_IA");
    EXPECT_EQ(b.gate->header("PUT", "x-amz-server-side-encryption"), "aws:kms");
    EXPECT_EQ(b.gate->header("PUT", "x-amz-server-side-encryption-aws-kms-key-id"), "key-1");
  });
}

TEST(DriverMove, SendsNoAclWhereThereIsToBeNone) {
  CoreBed bed;
  bed.options.attributes.acl.clear();
  bed.options.copy_threshold_bytes = 10 * kMiB;
  bed.options.copy_chunk_bytes = kPartBytesMin;
  bed.etags = sandbox::ETagStyle::opaque;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a", 1);
    b.add("c", 11 * kMiB);
    auto moved = co_await move(*b.core, "/a", "/b");
    EXPECT_TRUE(moved);
    moved = co_await move(*b.core, "/c", "/d");
    EXPECT_TRUE(moved);
    for (const http::RequestHead& head : b.gate->requests) {
      EXPECT_FALSE(head.headers.contains("x-amz-acl")) << head.target;
    }
  });
}

TEST(DriverMove, CopiesALargeFileInPartsSideBySide) {
  CoreBed bed;
  bed.options.copy_chunk_bytes = 5 * kMiB;
  bed.options.copy_threshold_bytes = 12 * kMiB;
  bed.options.copy_concurrency = 3;
  bed.options.attributes.storage_class = "STANDARD_IA";
  bed.options.attributes.encryption.algorithm = "AES256";
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a b", 12 * kMiB);
    b.add("from", 33 * kMiB);
    b.store.find("b")->objects.find("from")->second.attributes.content_type = "text/x";
    b.gate->meet_containing = "partNumber=";
    b.gate->meet = 3;
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(b.keys(), (Keys{"a b", "to"}));
    const sandbox::Object& object = b.store.find("b")->objects.find("to")->second;
    EXPECT_EQ(object.size, 33 * kMiB);
    EXPECT_TRUE(object.etag.ends_with("-7")) << object.etag;
    EXPECT_EQ(object.attributes.content_type, "text/x");
    EXPECT_EQ(object.attributes.storage_class, "STANDARD_IA");
    EXPECT_EQ(b.uploads(), 0u);
    EXPECT_EQ(b.gate->count("partNumber="), 7u);
    EXPECT_EQ(b.gate->count(), 11u) << "HEAD, Create, 7 parts, Complete, DELETE";
    EXPECT_EQ(b.gate->most_running, 3u);
    EXPECT_EQ(b.gate->header("partNumber=7", "x-amz-copy-source-range"), "bytes=31457280-34603007");
    EXPECT_NE(b.gate->header("partNumber=7", "x-amz-copy-source-if-match"), "-");
    EXPECT_EQ(b.gate->header("partNumber=7", "x-amz-acl"), "-");
    EXPECT_EQ(b.gate->header("partNumber=7", "x-amz-server-side-encryption"), "-");
    EXPECT_EQ(b.gate->header("?uploads", "x-amz-acl"), "private");
    EXPECT_EQ(b.gate->header("?uploads", "x-amz-storage-class"), "STANDARD_IA");
    EXPECT_EQ(b.gate->header("?uploads", "x-amz-server-side-encryption"), "AES256");
  });
}

TEST(DriverMove, CopiesUpToTheThresholdWhole) {
  CoreBed bed;
  bed.options.copy_threshold_bytes = 12 * kMiB;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a", 12 * kMiB);
    b.add("empty", 0);
    auto moved = co_await move(*b.core, "/a", "/b");
    EXPECT_TRUE(moved);
    EXPECT_EQ(b.gate->count(), 3u);
    auto empty = co_await move(*b.core, "/empty", "/c");
    EXPECT_TRUE(empty);
    EXPECT_EQ(b.keys(), (Keys{"b", "c"}));
  });
}

TEST(DriverMove, CopiesAnEmptyFileWholeWithAThresholdOfNothing) {
  CoreBed bed;
  bed.options.copy_threshold_bytes = 0;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("empty", 0);
    b.add("byte", 1);
    auto moved = co_await move(*b.core, "/empty", "/a");
    EXPECT_TRUE(moved);
    moved = co_await move(*b.core, "/byte", "/b");
    EXPECT_TRUE(moved) << "an upload of one part";
    EXPECT_EQ(b.gate->count("partNumber="), 1u);
    EXPECT_EQ(b.keys(), (Keys{"a", "b"}));
  });
}

TEST(DriverMove, MovesWhatIsTooLargeForOneCopy) {
  CoreBed bed;
  bed.etags = sandbox::ETagStyle::opaque;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 6 * kGiB + 1);
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(b.keys(), (Keys{"to"}));
    EXPECT_EQ(b.store.find("b")->objects.find("to")->second.size, 6 * kGiB + 1);
    EXPECT_EQ(b.gate->count("partNumber="), 193u) << "of 32 MiB";
  });
}

TEST(DriverMove, LetsPartsGrowSoThatTenThousandAreEnough) {
  CoreBed bed;
  bed.options.copy_chunk_bytes = kPartBytesMin;
  bed.options.copy_concurrency = 1;
  bed.etags = sandbox::ETagStyle::opaque;
  bed.run([](CoreBed& b) -> Task<void> {
    constexpr std::uint64_t kSize = 100 * kGiB;
    b.add("from", kSize);
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (!contains(head.target, "partNumber=2&")) return std::nullopt;
      return error_answer(403, "AccessDenied");
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved) << "two parts tell enough";
    EXPECT_EQ(b.gate->header("partNumber=1&", "x-amz-copy-source-range"),
              "bytes=0-" + std::to_string((kSize + 9999) / 10000 - 1));
  });
}

TEST(DriverMove, OntoItselfChangesNothing) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a", 3);
    auto moved = co_await move(*b.core, "/a", "/a");
    EXPECT_TRUE(moved);
    EXPECT_EQ(b.keys(), (Keys{"a"}));
    EXPECT_EQ(b.gate->count(), 1u);
    auto missing = co_await move(*b.core, "/b", "/b");
    EXPECT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), StorageErrc::path_not_found);
  });
}

TEST(DriverMove, LeavesTheTargetAloneWhenThereIsNoSource) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"to", "file", "dir/x"});
    for (const char* from : {"/from", "/file/child", "/dir"}) {
      auto moved = co_await move(*b.core, from, "/to");
      EXPECT_FALSE(moved) << from;
      EXPECT_EQ(moved.error().code(), StorageErrc::path_not_found);
      EXPECT_TRUE(contains(moved.error().message(), "s3aws: move " + std::string(from)));
    }
    EXPECT_EQ(b.keys(), (Keys{"dir/x", "file", "to"}));
  });
}

TEST(DriverMove, NoticesThatTheSourceWasReplaced) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 3);
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (head.method != "PUT") return std::nullopt;
      return error_answer(412, "PreconditionFailed");
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.error().kind(), ErrorKind::precondition_failed);
    EXPECT_EQ(b.keys(), (Keys{"from"}));
  });
}

/// A file large enough for seven parts, and as many at once as there are.
class LargeMove : public ::testing::Test {
 protected:
  LargeMove() {
    bed.options.copy_chunk_bytes = 5 * kMiB;
    bed.options.copy_threshold_bytes = 5 * kMiB;
    bed.options.copy_concurrency = 4;
  }
  CoreBed bed;
};

TEST_F(LargeMove, AbortsTheUploadWhenAPartFails) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.add("to", 1);
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (!contains(head.target, "partNumber=3&")) return std::nullopt;
      return error_answer(403, "AccessDenied");
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.error().kind(), ErrorKind::permission_denied);
    EXPECT_TRUE(contains(moved.error().message(), "s3aws: move /from to /to"));
    EXPECT_EQ(b.uploads(), 0u);
    EXPECT_EQ(b.keys(), (Keys{"from", "to"}));
    EXPECT_EQ(b.store.find("b")->objects.find("to")->second.size, 1u);
  });
}

TEST_F(LargeMove, AbortsAnUploadThatALatePartKeptAlive) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.gate->script = [&b](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (contains(head.target, "partNumber=3&")) return error_answer(403, "AccessDenied");
      bool first_abort = head.method == "DELETE" && b.gate->count("DELETE") == 1;
      if (first_abort) return CannedAnswer(204, "");
      return std::nullopt;
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.error().kind(), ErrorKind::permission_denied);
    EXPECT_EQ(b.gate->count("DELETE /b/to?uploadId"), 2u);
    EXPECT_EQ(b.uploads(), 0u);
  });
}

TEST_F(LargeMove, AbortsAnUploadThatALatePartRevives) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    bool revived = false;
    b.gate->script = [&](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (contains(head.target, "partNumber=3&")) return error_answer(403, "AccessDenied");
      bool first_look = head.method == "GET" && !revived;
      if (!first_look) return std::nullopt;
      revived = true;
      sandbox::Upload upload;
      upload.key = "to";
      upload.id = head.target.substr(head.target.find("uploadId=") + 9);
      upload.id.resize(std::min(upload.id.size(), upload.id.find('&')));
      std::pair name(upload.key, upload.id);
      b.store.find("b")->uploads.insert_or_assign(name, std::move(upload));
      return error_answer(404, "NoSuchUpload");
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_TRUE(revived);
    EXPECT_EQ(b.gate->count("DELETE /b/to?uploadId"), 2u);
    EXPECT_EQ(b.uploads(), 0u);
  });
}

TEST_F(LargeMove, TakesAnErrorInsideA200ForTheErrorThatItIs) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.add("small", 1);
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      bool copy = head.method == "PUT" && !contains(head.target, "partNumber=");
      if (!copy && !contains(head.target, "partNumber=2&")) return std::nullopt;
      return error_answer(200, "AccessDenied");
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.error().kind(), ErrorKind::permission_denied);
    EXPECT_EQ(b.uploads(), 0u);
    moved = co_await move(*b.core, "/small", "/to");
    EXPECT_FALSE(moved);
    EXPECT_EQ(moved.error().kind(), ErrorKind::permission_denied);
    EXPECT_EQ(b.keys(), (Keys{"from", "small"}));
  });
}

TEST_F(LargeMove, SaysSoWhenTheUploadCannotBeAborted) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      bool abort = head.method == "DELETE";
      if (!abort && !contains(head.target, "partNumber=3&")) return std::nullopt;
      return error_answer(403, "AccessDenied");
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_EQ(b.uploads(), 1u);
    EXPECT_TRUE(contains(moved.error().message(), "is left behind"));
  });
}

TEST_F(LargeMove, ResolvesACompletionWhoseAnswerIsLost) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.gate->lose_containing = "POST /b/to?uploadId";
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(b.keys(), (Keys{"to"}));
    EXPECT_EQ(b.uploads(), 0u);
  });
}

std::optional<CannedAnswer> refuse_heads_of_the_target(const http::RequestHead& head) {
  if (head.method != "HEAD" || head.target != "/b/to") return std::nullopt;
  return CannedAnswer(403, "");
}

TEST_F(LargeMove, SeesAtTheUploadThatItWasCompletedWhereTheObjectIsNotShown) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.gate->lose_containing = "POST /b/to?uploadId";
    b.gate->script = &refuse_heads_of_the_target;
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(b.keys(), (Keys{"to"}));
  });
}

TEST_F(LargeMove, AbortsWhenTheLostCompletionNeverHappened) {
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 33 * kMiB);
    b.add("to", 1);
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (!contains(head.target, "/to?uploadId") || head.method != "POST") return std::nullopt;
      return error_answer(500, "InternalError");
    };
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved);
    EXPECT_EQ(b.uploads(), 0u);
    EXPECT_EQ(b.keys(), (Keys{"from", "to"}));
    EXPECT_EQ(b.store.find("b")->objects.find("to")->second.size, 1u);
  });
}

TEST(DriverMove, ResolvesACopyWhoseAnswerIsLost) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 3);
    b.gate->lose_containing = "PUT /b/to";
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(b.keys(), (Keys{"to"}));
  });
}

TEST(DriverMove, RepeatsADeletionWhoseAnswerIsLost) {
  CoreBed bed;
  bed.attempts_max = 2;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("from", 3);
    b.gate->lose_containing = "DELETE";
    auto moved = co_await move(*b.core, "/from", "/to");
    EXPECT_FALSE(moved) << "every answer is lost";
    EXPECT_TRUE(moved.error().maybe_applied());
    EXPECT_TRUE(contains(moved.error().message(), "copied, but the old file"));
    EXPECT_EQ(b.keys(), (Keys{"to"}));
    EXPECT_EQ(b.gate->count("DELETE"), 2u);
  });
}

Task<void> expect_clean_stop_at(CoreBed& b, std::string stage) {
  b.add("from", 33 * kMiB);
  b.add("to", 1);
  b.gate->hold_containing = std::move(stage);
  engine::StopSource stop;
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(stop_when_held(b, stop));
  auto moved = co_await engine::with_stop(stop, move(*b.core, "/from", "/to"));
  EXPECT_FALSE(moved);
  if (!moved) {
    EXPECT_EQ(moved.error().kind(), ErrorKind::cancelled) << moved.error().message();
  }
  EXPECT_EQ(b.uploads(), 0u);
  EXPECT_TRUE(b.has("from"));
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
}

TEST_F(LargeMove, LeavesNothingWhenStoppedBeforeTheUploadExists) {
  bed.run([](CoreBed& b) -> Task<void> { co_await expect_clean_stop_at(b, "/to?uploads"); });
}
TEST_F(LargeMove, LeavesNothingWhenStoppedAtItsFirstPart) {
  bed.run([](CoreBed& b) -> Task<void> { co_await expect_clean_stop_at(b, "partNumber=1&"); });
}
TEST_F(LargeMove, LeavesNothingWhenStoppedAtItsLastPart) {
  bed.run([](CoreBed& b) -> Task<void> { co_await expect_clean_stop_at(b, "partNumber=7&"); });
}
TEST_F(LargeMove, LeavesNothingWhenStoppedAtItsCompletion) {
  bed.run([](CoreBed& b) -> Task<void> {
    co_await expect_clean_stop_at(b, "POST /b/to?uploadId");
    EXPECT_EQ(b.store.find("b")->objects.find("to")->second.size, 1u);
  });
}
TEST_F(LargeMove, HasMovedTheContentWhenStoppedAtTheDeletion) {
  bed.run([](CoreBed& b) -> Task<void> {
    co_await expect_clean_stop_at(b, "DELETE /b/from");
    EXPECT_EQ(b.store.find("b")->objects.find("to")->second.size, 33 * kMiB);
  });
}

// -------------------------------------------------------------------------------------- remove

TEST(DriverRemove, DeletesAFileInTwoRequests) {
  CoreBed bed;
  bed.options.root_directory = "r";
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"r/a", "r/a-b", "r/a.b", "r/ab"});
    auto removed = co_await remove(*b.core, "/a");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.keys(), (Keys{"r/a-b", "r/a.b", "r/ab"}));
    EXPECT_EQ(b.gate->count(), 2u);
    EXPECT_EQ(b.gate->line(1), "DELETE /b/r/a");
  });
}

TEST(DriverRemove, DeletesAFileAndTheDirectoryOfItsNameAndNoSibling) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"d/f", "d/f-2", "d/f.x", "d/f/", "d/f/a/b", "d/f/c", "d/f0", "d/f~ringpull-upload",
               "d/fz/a"});
    auto removed = co_await remove(*b.core, "/d/f");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.keys(), (Keys{"d/f-2", "d/f.x", "d/f0", "d/fz/a"}));
    EXPECT_EQ(b.gate->count("POST /b?delete"), 1u);
    removed = co_await remove(*b.core, "/d");
    EXPECT_TRUE(removed);
    EXPECT_EQ(b.keys(), Keys());
  });
}

TEST(DriverRemove, SaysWhenThereIsNothing) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"a-b", "a.b/c", "ab"});
    auto removed = co_await remove(*b.core, "/a");
    EXPECT_FALSE(removed);
    EXPECT_EQ(removed.error().code(), StorageErrc::path_not_found);
    EXPECT_EQ(removed.error().message(), "s3aws: remove /a: path not found");
    EXPECT_EQ(b.keys().size(), 3u);
    EXPECT_EQ(b.gate->count(), 1u);
  });
}

TEST(DriverRemove, DeletesPagesSideBySide) {
  CoreBed bed;
  bed.options.remove_concurrency = 2;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 10000; i < 14500; ++i) b.add("d/" + std::to_string(i / 100) + std::to_string(i));
    b.add("d-");
    auto removed = co_await remove(*b.core, "/d");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.keys(), (Keys{"d-"}));
    EXPECT_EQ(b.gate->count("POST /b?delete"), 5u);
    EXPECT_EQ(b.gate->count(), 12u)
        << "a file's sidecar is looked for by itself, a directory's uploads are";
    EXPECT_LE(b.gate->most_running, 3u);
  });
}

TEST(DriverRemove, FindsWhatLiesBehindThousandsOfSiblings) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 10000; i < 12500; ++i) b.add("a-" + std::to_string(i));
    for (int i = 10000; i < 11500; ++i) b.add("a/" + std::to_string(i));
    b.add("a");
    b.add("a~ringpull-upload");
    auto removed = co_await remove(*b.core, "/a");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.keys().size(), 2500u);
    EXPECT_FALSE(b.has("a"));
    EXPECT_FALSE(b.has("a~ringpull-upload"));
    EXPECT_EQ(b.gate->count("list-type=2&encoding-type=url&prefix=a&"), 1u)
        << "siblings are not paged through";
  });
}

TEST(DriverRemove, StopsListingOnceAllThatIsBelowWasSeen) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a");
    b.add("a/b");
    for (int i = 10000; i < 12500; ++i) b.add("a0" + std::to_string(i));
    auto removed = co_await remove(*b.core, "/a");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.keys().size(), 2500u);
    EXPECT_EQ(b.gate->count("GET /b?list-type"), 2u) << "the second looks for a sidecar";
  });
}

TEST(DriverRemove, AbortsTheUploadsOfClosedWriters) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (const char* key : {"u/1/data", "u/1/more", "u/2/data", "u/1"}) {
      CreateMultipartUploadOptions create(b.options.bucket, ObjectKey(key));
      auto created = co_await b.direct->create_multipart_upload(create);
      EXPECT_TRUE(created);
    }
    b.add_all({"u/1~ringpull-upload", "u/1/data~ringpull-upload", "u/1/startedat"});
    auto removed = co_await remove(*b.core, "/u/1");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.uploads(), 1u);
    EXPECT_EQ(b.store.find("b")->uploads.begin()->second.key, "u/2/data");
  });
}

TEST(DriverRemove, LeavesUploadsThatItMayNotTouch) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"u/data~ringpull-upload", "u/startedat"});
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (!contains(head.target, "?uploads")) return std::nullopt;
      return error_answer(403, "AccessDenied");
    };
    auto removed = co_await remove(*b.core, "/u");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.keys(), Keys());
  });
}

std::optional<CannedAnswer> refuse_delete_objects(const http::RequestHead& head) {
  if (head.target != "/b?delete") return std::nullopt;
  return error_answer(501, "NotImplemented");
}

TEST(DriverRemove, DeletesOneByOneWhereThereIsNoDeleteObjects) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 100; i < 140; ++i) b.add("d/" + std::to_string(i));
    b.add_all({"e/1", "e/2"});
    b.gate->script = &refuse_delete_objects;
    auto removed = co_await remove(*b.core, "/d");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.gate->count("DELETE"), 40u);
    EXPECT_FALSE(b.core->server.delete_objects);
    removed = co_await remove(*b.core, "/e");
    EXPECT_TRUE(removed);
    EXPECT_EQ(b.keys(), Keys());
    EXPECT_EQ(b.gate->count("?delete"), 1u) << "remembered";
  });
}

TEST(DriverRemove, ReportsWhatCouldNotBeDeletedAndGoesOn) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 10000; i < 11500; ++i) b.add("d/" + std::to_string(i));
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (head.target != "/b?delete" || head.headers.get("Content-Length") < "30000") {
        return std::nullopt;
      }
      return CannedAnswer(200,
                          "<DeleteResult><Error><Key>d/10007</Key><Code>AccessDenied</Code></Error>"
                          "<Error><Key>d/10008</Key><Code>AccessDenied</Code></Error>"
                          "<Error><Key>d/10009</Key><Code>SlowDown</Code></Error></DeleteResult>");
    };
    auto removed = co_await remove(*b.core, "/d");
    EXPECT_FALSE(removed);
    EXPECT_EQ(removed.error().kind(), ErrorKind::permission_denied);
    EXPECT_TRUE(contains(removed.error().message(), "s3aws: remove /d: 2 objects"))
        << removed.error().message();
    EXPECT_TRUE(contains(removed.error().message(), "d/10007"));
    EXPECT_FALSE(b.has("d/10009")) << "tried once more";
    EXPECT_FALSE(b.has("d/11499")) << "the next page";
  });
}

TEST(DriverRemove, EndsWhenStoppedInTheMiddle) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 10000; i < 12500; ++i) b.add("d/" + std::to_string(i));
    b.gate->hold_containing = "?delete";
    engine::StopSource stop;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(stop_when_held(b, stop));
    auto removed = co_await engine::with_stop(stop, remove(*b.core, "/d"));
    EXPECT_FALSE(removed);
    EXPECT_EQ(removed.error().kind(), ErrorKind::cancelled) << removed.error().message();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

TEST(DriverRemove, EndsWhenAPageFails) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 10000; i < 18000; ++i) b.add("d/" + std::to_string(i));
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (head.target != "/b?delete") return std::nullopt;
      return error_answer(403, "AccessDenied");
    };
    auto removed = co_await remove(*b.core, "/d");
    EXPECT_FALSE(removed);
    EXPECT_EQ(removed.error().kind(), ErrorKind::permission_denied);
    EXPECT_LT(b.gate->count("list-type"), 8u) << "no use in listing on";
  });
}

// -------------------------------------------------------------------------------- remove_files

TEST(DriverRemoveFiles, TakesAThousandARequestAndMissingOnesForRemoved) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    std::vector<std::string> paths;
    for (int i = 10000; i < 12500; ++i) {
      b.add("d/" + std::to_string(i));
      paths.push_back("/d/" + std::to_string(i));
    }
    b.add("d/10000/below");
    paths.push_back("/none");
    auto failures = co_await remove_files(*b.core, paths);
    EXPECT_TRUE(failures) << failures.error().message();
    EXPECT_TRUE(failures->empty());
    EXPECT_EQ(b.keys(), (Keys{"d/10000/below"}));
    EXPECT_EQ(b.gate->count(), 3u);
    b.gate->forget();
    auto none = co_await remove_files(*b.core, std::span<const std::string>());
    EXPECT_TRUE(none);
    EXPECT_EQ(b.gate->count(), 0u);
  });
}

TEST(DriverRemoveFiles, TellsEachPathThatFailed) {
  CoreBed bed;
  bed.options.root_directory = "r";
  bed.run([](CoreBed& b) -> Task<void> {
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (head.target != "/b?delete") return std::nullopt;
      return CannedAnswer(200,
                          "<DeleteResult><Error><Key>r/b</Key><Code>AccessDenied</Code></Error>"
                          "</DeleteResult>");
    };
    std::vector<std::string> paths = {"/a", "/b"};
    auto failures = co_await remove_files(*b.core, paths);
    EXPECT_TRUE(failures) << failures.error().message();
    EXPECT_EQ(failures->size(), 1u);
    if (failures->size() != 1) co_return;
    EXPECT_EQ(failures->front().path, "/b");
    EXPECT_EQ(failures->front().error.kind(), ErrorKind::permission_denied);
    b.gate->script = [](const http::RequestHead&) { return error_answer(403, "AccessDenied"); };
    auto nothing = co_await remove_files(*b.core, paths);
    EXPECT_FALSE(nothing);
    EXPECT_EQ(nothing.error().kind(), ErrorKind::permission_denied);
  });
}

// ------------------------------------------------------------------------------------ redirect

TEST(DriverRedirect, GivesAUrlThatNeedsNoCredentials) {
  CoreBed bed;
  bed.options.root_directory = "r s";
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("r s/a", 4);
    RedirectOptions options;
    auto url = co_await redirect_url(*b.core, "/a", options);
    EXPECT_TRUE(url) << url.error().message();
    EXPECT_TRUE(url->starts_with(b.url + "/b/r%20s/a?")) << *url;
    EXPECT_TRUE(contains(*url, "X-Amz-Expires=1200"));
    EXPECT_EQ(b.gate->count(), 0u) << "signing asks nobody";
    options.method = RedirectMethod::head;
    auto head = co_await redirect_url(*b.core, "/a", options);
    EXPECT_TRUE(head);
    EXPECT_NE(*head, *url);
  });
}

TEST(DriverRedirect, BoundsTheExpiry) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (std::chrono::seconds expiry : {std::chrono::seconds(0), std::chrono::seconds(-5),
                                        kPresignExpiryMax + std::chrono::seconds(1)}) {
      RedirectOptions options;
      options.expiry = expiry;
      auto url = co_await redirect_url(*b.core, "/a", options);
      EXPECT_FALSE(url);
      EXPECT_EQ(url.error().kind(), ErrorKind::invalid_argument);
    }
    RedirectOptions longest;
    longest.expiry = kPresignExpiryMax;
    auto url = co_await redirect_url(*b.core, "/a", longest);
    EXPECT_TRUE(url);
  });
}

TEST(DriverRedirect, SignsForThePublicHostInBothStyles) {
  for (Addressing addressing : {Addressing::path, Addressing::virtual_host}) {
    CoreBed bed;
    bed.options.redirect_endpoint =
        Endpoint::create("https://cdn.example.com", Region("elsewhere"), addressing).value();
    bed.run([](CoreBed& b) -> Task<void> {
      RedirectOptions options;
      auto url = co_await redirect_url(*b.core, "/a/b", options);
      EXPECT_TRUE(url) << url.error().message();
      bool by_path = b.options.redirect_endpoint->addressing() == Addressing::path;
      EXPECT_TRUE(url->starts_with(by_path ? "https://cdn.example.com/b/a/b?"
                                           : "https://b.cdn.example.com/a/b?"))
          << *url;
      EXPECT_TRUE(contains(*url, "%2Fus-east-1%2Fs3%2Faws4_request")) << *url;
    });
  }
}

}  // namespace
}  // namespace ringpull::s3::driver
