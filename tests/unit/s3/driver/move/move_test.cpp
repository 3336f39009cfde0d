// Moves against the sandbox in the same loop, and against answers that it never gives.
#include "s3/src/driver/move/move.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>

#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3::driver {
namespace {

using engine::Task;
using testing::CannedAnswer;
using testing::contains;
using testing::CoreBed;
using testing::error_answer;
using testing::stop_when_held;
using Keys = std::vector<std::string>;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = std::uint64_t(1) << 30;

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

}  // namespace
}  // namespace ringpull::s3::driver
