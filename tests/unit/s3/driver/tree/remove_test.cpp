// Removal of files, of directories and of many paths, against the sandbox in the same loop, and
// against answers that it never gives.
#include "s3/src/driver/tree/remove.hpp"

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

}  // namespace
}  // namespace ringpull::s3::driver
