// stat, list and walk against the sandbox in the same loop, and against answers that it never
// gives.
#include "s3/src/driver/tree/tree.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>

#include "s3/src/driver/tree/walk.hpp"
#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3::driver {
namespace {

using engine::Task;
using testing::CannedAnswer;
using testing::CoreBed;
using testing::error_answer;
using testing::stop_when_held;
using Paths = std::vector<std::string>;

Task<Paths> listed(CoreBed& b, std::string path) {
  auto paths = co_await list(*b.core, path);
  EXPECT_TRUE(paths) << paths.error().message();
  co_return paths ? *paths : Paths{"failed"};
}

/// Notes every path, directories with a slash; acts at those that a test names.
struct Recorder {
  Paths seen;
  std::vector<FileInfo> infos;
  std::string skip_at;
  std::string stop_at;
  std::string fail_at;

  static Task<Result<WalkStep>> visit(Recorder& self, const FileInfo& info) {
    self.seen.push_back(info.is_directory ? info.path + "/" : info.path);
    self.infos.push_back(info);
    if (info.path == self.fail_at) co_return fail(ErrorKind::io, "the visitor's own failure");
    if (info.path == self.stop_at) co_return WalkStep::stop;
    co_return info.path == self.skip_at ? WalkStep::skip_directory : WalkStep::go_on;
  }
};

Task<Result<void>> walk_with(CoreBed& b, Recorder& recorder, std::string path,
                             WalkOptions options) {
  WalkVisitor visitor = [&recorder](const FileInfo& info) {
    return Recorder::visit(recorder, info);
  };
  auto walked = co_await walk(*b.core, path, options, visitor);
  co_return walked;
}

Task<Paths> walked(CoreBed& b, std::string path, std::string after, WalkOrder order) {
  Recorder recorder;
  WalkOptions options;
  options.start_after = std::move(after);
  options.order = order;
  auto done = co_await walk_with(b, recorder, std::move(path), options);
  EXPECT_TRUE(done) << done.error().message();
  co_return std::move(recorder.seen);
}

const Paths kTree = {"file1",         "file1-2",       "folder1-suffix/file1", "folder1/file1",
                     "folder1/sub/x", "folder2/file1", "folder3/s1/f1",        "folder3/s1/f2",
                     "folder3/s2/f1", "folder4/file1"};

// ---------------------------------------------------------------------------------------- stat

TEST(DriverStat, TellsAFileInOneRequest) {
  CoreBed bed;
  bed.options.root_directory = "/r/";
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("r/a/b", 7);
    auto info = co_await stat(*b.core, "/a/b");
    EXPECT_TRUE(info) << info.error().message();
    EXPECT_EQ(info->path, "/a/b");
    EXPECT_EQ(info->size_bytes, 7u);
    EXPECT_TRUE(info->modified);
    EXPECT_FALSE(info->is_directory);
    EXPECT_EQ(b.gate->count(), 1u);
    EXPECT_EQ(b.gate->line(0), "HEAD /b/r/a/b");
  });
}

TEST(DriverStat, TellsADirectoryInTwo) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"a-b/c", "a/b/c", "a/b/d"});
    auto info = co_await stat(*b.core, "/a/b");
    EXPECT_TRUE(info) << info.error().message();
    EXPECT_EQ(info->path, "/a/b");
    EXPECT_TRUE(info->is_directory);
    EXPECT_EQ(info->size_bytes, 0u);
    EXPECT_FALSE(info->modified);
    EXPECT_EQ(b.gate->count(), 2u);
    EXPECT_EQ(b.gate->count("max-keys=1"), 1u);
    auto top = co_await stat(*b.core, "/a");
    EXPECT_TRUE(top);
    EXPECT_TRUE(top->is_directory);
  });
}

TEST(DriverStat, TakesNoSiblingForADirectory) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"ab", "a-b/x", "a.b", "a~ringpull-upload"});
    auto info = co_await stat(*b.core, "/a");
    EXPECT_FALSE(info);
    EXPECT_EQ(info.error().code(), StorageErrc::path_not_found);
    EXPECT_EQ(info.error().message(), "s3aws: stat /a: path not found");
  });
}

TEST(DriverStat, AlwaysFindsTheRoot) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    auto info = co_await stat(*b.core, "/");
    EXPECT_TRUE(info) << info.error().message();
    EXPECT_EQ(info->path, "/");
    EXPECT_TRUE(info->is_directory);
    EXPECT_EQ(b.gate->count(), 1u);
  });
}

TEST(DriverStat, NamesTheMissingBucketAndTheMissingPermission) {
  CoreBed bed;
  bed.options.bucket = Bucket("none");
  bed.run([](CoreBed& b) -> Task<void> {
    auto root = co_await stat(*b.core, "/");
    EXPECT_FALSE(root);
    EXPECT_EQ(root.error().kind(), ErrorKind::not_found);
    EXPECT_NE(root.error().code(), StorageErrc::path_not_found);
    EXPECT_EQ(root.error().service_code(), "NoSuchBucket");
    auto file = co_await stat(*b.core, "/a");
    EXPECT_FALSE(file);
    EXPECT_EQ(file.error().service_code(), "NoSuchBucket") << "HeadObject alone would not say so";
    b.gate->script = [](const http::RequestHead&) { return error_answer(403, "AccessDenied"); };
    root = co_await stat(*b.core, "/");
    EXPECT_EQ(root.error().kind(), ErrorKind::permission_denied);
  });
}

std::optional<CannedAnswer> refuse_heads(const http::RequestHead& head) {
  if (head.method == "HEAD") return CannedAnswer(403, "");
  return std::nullopt;
}

TEST(DriverStat, LooksIntoTheListingWhereHeadObjectIsRefused) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a", 5);
    b.add("c-d");
    b.add("d/e");
    b.gate->script = &refuse_heads;
    auto file = co_await stat(*b.core, "/a");
    EXPECT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->size_bytes, 5u);
    EXPECT_FALSE(file->is_directory);
    auto directory = co_await stat(*b.core, "/d");
    EXPECT_TRUE(directory);
    EXPECT_TRUE(directory->is_directory);
    auto missing = co_await stat(*b.core, "/c");
    EXPECT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), StorageErrc::path_not_found);
    b.gate->script = [](const http::RequestHead&) { return error_answer(403, "AccessDenied"); };
    auto unclear = co_await stat(*b.core, "/c");
    EXPECT_FALSE(unclear);
    EXPECT_EQ(unclear.error().kind(), ErrorKind::permission_denied);
    EXPECT_NE(unclear.error().message().find("s3:ListBucket"), std::string::npos);
  });
}

// ---------------------------------------------------------------------------------------- list

TEST(DriverList, GivesFilesAndDirectoriesInByteOrder) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"d/a", "d/a-b", "d/a.b/x", "d/a/y", "d/b/z", "d/B", "e"});
    auto names = co_await listed(b, "/d");
    EXPECT_EQ(names, (Paths{"/d/B", "/d/a", "/d/a-b", "/d/a.b", "/d/b"}));
    EXPECT_EQ(b.gate->count(), 1u);
    auto top = co_await listed(b, "/");
    EXPECT_EQ(top, (Paths{"/d", "/e"}));
  });
}

TEST(DriverList, HidesMarkersSidecarsAndForeignKeys) {
  CoreBed bed;
  bed.options.root_directory = "r";
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"r/", "r/a/", "r/a/b", "r/a/c~ringpull-upload", "r/a/d e", "r/a//f", "r/a/g/", "x"});
    auto names = co_await listed(b, "/a");
    EXPECT_EQ(names, (Paths{"/a/b", "/a/g"}));
    auto empty = co_await listed(b, "/a/g");
    EXPECT_EQ(empty, Paths()) << "a marker makes a directory, with nothing in it";
    auto top = co_await listed(b, "/");
    EXPECT_EQ(top, (Paths{"/a"}));
  });
}

TEST(DriverList, AllowsAnEmptyRootAndNoOtherEmptyDirectory) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    auto top = co_await listed(b, "/");
    EXPECT_EQ(top, Paths());
    b.add("ab");
    auto missing = co_await list(*b.core, "/a");
    EXPECT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), StorageErrc::path_not_found);
    auto file = co_await list(*b.core, "/ab");
    EXPECT_FALSE(file);
    EXPECT_EQ(file.error().code(), StorageErrc::path_not_found);
  });
}

TEST(DriverList, GoesOnOverPages) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 1000; i < 3500; ++i) b.add("d/" + std::to_string(i));
    auto names = co_await listed(b, "/d");
    EXPECT_EQ(names.size(), 2500u);
    EXPECT_EQ(b.gate->count(), 3u);
  });
}

/// "!" in base64: a token that the sandbox takes for a start before every key.
constexpr std::string_view kFirstToken = "IQ==";

std::string page(std::string_view inner, std::string_view token) {
  return "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>true</IsTruncated>"
         "<NextContinuationToken>" +
         std::string(token) + "</NextContinuationToken>" + std::string(inner) +
         "</ListBucketResult>";
}

std::string number_after(const std::string& target, std::string_view name) {
  std::size_t at = target.find(name);
  if (at == std::string::npos) return "0";
  at += name.size();
  return target.substr(at, target.find('&', at) - at);
}

std::optional<CannedAnswer> begin_with_an_empty_page(const http::RequestHead& head) {
  if (head.method != "GET" || head.target.find("continuation-token") != std::string::npos) {
    return std::nullopt;
  }
  return CannedAnswer(200, page("", kFirstToken));
}

TEST(DriverListings, SurviveAPageThatIsEmptyAndNotTheLast) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("d/a");
    b.gate->script = &begin_with_an_empty_page;
    auto names = co_await listed(b, "/d");
    EXPECT_EQ(names, (Paths{"/d/a"}));
    auto info = co_await stat(*b.core, "/d");
    EXPECT_TRUE(info) << info.error().message();
    auto seen = co_await walked(b, "/d", "", WalkOrder::bytes);
    EXPECT_EQ(seen, (Paths{"/d/a"}));
  });
}

TEST(DriverListings, EndWhenTokensGoRoundInACircle) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    // 1, 2, ... 7, 3, 4, ... 7, 3, ...
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      int last = std::stoi(number_after(head.target, "continuation-token="));
      return CannedAnswer(200, page("", std::to_string(last == 7 ? 3 : last + 1)));
    };
    auto names = co_await list(*b.core, "/");
    EXPECT_FALSE(names);
    EXPECT_EQ(names.error().kind(), ErrorKind::protocol);
    EXPECT_NE(names.error().message().find("endless listing"), std::string::npos);
    EXPECT_LE(b.gate->count(), 25u);
  });
}

TEST(DriverListings, EndWhenAPageComesAgainUnderEverNewTokens) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      int last = std::stoi(number_after(head.target, "continuation-token="));
      return CannedAnswer(
          200, page("<Contents><Key>a</Key><Size>1</Size></Contents>", std::to_string(last + 1)));
    };
    auto names = co_await list(*b.core, "/");
    EXPECT_FALSE(names);
    EXPECT_EQ(names.error().kind(), ErrorKind::protocol);
    EXPECT_EQ(b.gate->count(), 2u);
  });
}

TEST(DriverListings, EndWhenATokenIsItsOwnSuccessor) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.gate->script = [](const http::RequestHead&) { return CannedAnswer(200, page("", "same")); };
    auto names = co_await list(*b.core, "/");
    EXPECT_FALSE(names);
    EXPECT_EQ(names.error().kind(), ErrorKind::protocol);
    EXPECT_EQ(b.gate->count(), 2u);
  });
}

std::optional<CannedAnswer> refuse_version_2(const http::RequestHead& head) {
  if (head.target.find("list-type=2") == std::string::npos) return std::nullopt;
  return error_answer(501, "NotImplemented");
}

TEST(DriverListings, FallBackToListObjectsOnceAndForAll) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 1000; i < 2500; ++i) b.add("d/" + std::to_string(i));
    b.gate->script = &refuse_version_2;
    auto names = co_await listed(b, "/d");
    EXPECT_EQ(names.size(), 1500u);
    EXPECT_EQ(b.gate->count("list-type=2"), 1u);
    EXPECT_EQ(b.gate->count(), 3u);
    EXPECT_FALSE(b.core->server.list_objects_v2);
    auto seen = co_await walked(b, "/d", "/d/1500", WalkOrder::bytes);
    EXPECT_EQ(seen.size(), 999u);
    EXPECT_EQ(seen.front(), "/d/1501");
    EXPECT_EQ(b.gate->count("list-type=2"), 1u);
  });
}

TEST(DriverListings, NoticeAServerThatAnswersInTheFirstVersion) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 1000; i < 2500; ++i) b.add("d/" + std::to_string(i));
    // Such a server does not know start-after either, and gives no token.
    b.gate->script = [](const http::RequestHead& head) -> std::optional<CannedAnswer> {
      if (head.target.find("list-type=2") == std::string::npos) return std::nullopt;
      return CannedAnswer(200,
                          "<ListBucketResult><Marker/><IsTruncated>true</IsTruncated><Contents>"
                          "<Key>d/1000</Key><Size>0</Size></Contents></ListBucketResult>");
    };
    auto seen = co_await walked(b, "/d", "/d/2400", WalkOrder::bytes);
    EXPECT_EQ(seen.size(), 99u);
  });
}

// ---------------------------------------------------------------------------------------- walk

TEST(DriverWalk, GivesEachDirectoryOnceBeforeItsContentInByteOrder) {
  CoreBed bed;
  bed.options.root_directory = "r/s";
  bed.run([](CoreBed& b) -> Task<void> {
    for (const std::string& key : kTree) b.add("r/s/" + key, 3);
    auto seen = co_await walked(b, "/", "", WalkOrder::bytes);
    EXPECT_EQ(seen, (Paths{"/file1", "/file1-2", "/folder1-suffix/", "/folder1-suffix/file1",
                           "/folder1/", "/folder1/file1", "/folder1/sub/", "/folder1/sub/x",
                           "/folder2/", "/folder2/file1", "/folder3/", "/folder3/s1/",
                           "/folder3/s1/f1", "/folder3/s1/f2", "/folder3/s2/", "/folder3/s2/f1",
                           "/folder4/", "/folder4/file1"}));
    EXPECT_EQ(b.gate->count(), 1u);
    EXPECT_EQ(b.gate->count("start-after"), 0u);
    seen = co_await walked(b, "/folder1", "", WalkOrder::bytes);
    EXPECT_EQ(seen, (Paths{"/folder1/file1", "/folder1/sub/", "/folder1/sub/x"}));
  });
}

TEST(DriverWalk, SortsComponentsOnRequest) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"a", "a-b", "a/b", "a/b-c", "a/b/c", "z"});
    auto seen = co_await walked(b, "/", "", WalkOrder::bytes);
    EXPECT_EQ(seen, (Paths{"/a", "/a-b", "/a/", "/a/b", "/a/b-c", "/a/b/", "/a/b/c", "/z"}));
    seen = co_await walked(b, "/", "", WalkOrder::components);
    EXPECT_EQ(seen, (Paths{"/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/b-c", "/a-b", "/z"}));
  });
}

TEST(DriverWalk, TellsSizesAndTimesOfFilesOnly) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add("a/b", 11);
    for (WalkOrder order : {WalkOrder::bytes, WalkOrder::components}) {
      Recorder recorder;
      WalkOptions options;
      options.order = order;
      auto done = co_await walk_with(b, recorder, "/", options);
      EXPECT_TRUE(done);
      EXPECT_EQ(recorder.seen, (Paths{"/a/", "/a/b"}));
      EXPECT_FALSE(recorder.infos[0].modified);
      EXPECT_EQ(recorder.infos[1].size_bytes, 11u);
      EXPECT_TRUE(recorder.infos[1].modified);
    }
  });
}

TEST(DriverWalk, HidesMarkersSidecarsAndForeignKeysButShowsTheirDirectories) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"d/", "d/_uploads/", "d/a/x~ringpull-upload", "d/b c/x", "d/c//x", "d/e"});
    for (WalkOrder order : {WalkOrder::bytes, WalkOrder::components}) {
      auto seen = co_await walked(b, "/d", "", order);
      EXPECT_EQ(seen, (Paths{"/d/_uploads/", "/d/a/", "/d/c/", "/d/e"}));
    }
  });
}

TEST(DriverWalk, LeavesOutASkippedDirectory) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all(kTree);
    b.add_all({"folder3/0", "folder30", "folder3-x"});
    for (WalkOrder order : {WalkOrder::bytes, WalkOrder::components}) {
      Recorder recorder;
      recorder.skip_at = "/folder3";
      WalkOptions options;
      options.order = order;
      auto done = co_await walk_with(b, recorder, "/", options);
      EXPECT_TRUE(done);
      auto below = [](const std::string& path) { return path.starts_with("/folder3/"); };
      EXPECT_EQ(std::count_if(recorder.seen.begin(), recorder.seen.end(), below), 1);
      EXPECT_EQ(recorder.seen.size(), 13u + 2u);
    }
  });
}

TEST(DriverWalk, TakesASkipAfterAFileForGoingOn) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"a", "a/b", "c"});
    Recorder recorder;
    recorder.skip_at = "/c";
    WalkOptions options;
    auto done = co_await walk_with(b, recorder, "/", options);
    EXPECT_TRUE(done);
    EXPECT_EQ(recorder.seen, (Paths{"/a", "/a/", "/a/b", "/c"}));
  });
}

TEST(DriverWalk, JumpsOverASkippedDirectoryOfManyPages) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 10000; i < 20000; ++i) b.add("big/" + std::to_string(i));
    b.add_all({"a", "big0", "big-1", "z/y"});
    Recorder recorder;
    recorder.skip_at = "/big";
    WalkOptions options;
    auto done = co_await walk_with(b, recorder, "/", options);
    EXPECT_TRUE(done);
    EXPECT_EQ(recorder.seen, (Paths{"/a", "/big-1", "/big/", "/big0", "/z/", "/z/y"}));
    EXPECT_EQ(b.gate->count(), 2u);
    EXPECT_EQ(b.gate->count("start-after=big%2F~"), 1u);
  });
}

TEST(DriverWalk, JumpsByAMarkerWhereThereIsOnlyListObjects) {
  CoreBed bed;
  bed.options.server.list_objects_v2 = false;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 10000; i < 14000; ++i) b.add("big/" + std::to_string(i));
    b.add_all({"big0", "z"});
    Recorder recorder;
    recorder.skip_at = "/big";
    WalkOptions options;
    auto done = co_await walk_with(b, recorder, "/", options);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(recorder.seen, (Paths{"/big/", "/big0", "/z"}));
    EXPECT_EQ(b.gate->count(), 2u);
    EXPECT_EQ(b.gate->count("marker=big%2F~"), 1u);
    auto names = co_await listed(b, "/");
    EXPECT_EQ(names, (Paths{"/big", "/big0", "/z"}));
    EXPECT_EQ(b.gate->count("list-type=2"), 0u);
  });
}

TEST(DriverWalk, PagesThroughASkippedDirectoryOfAServerThatIgnoresTheJump) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 10000; i < 13500; ++i) b.add("big/" + std::to_string(i));
    // Foreign keys sort behind the place that the jump goes to.
    for (int i = 10000; i < 12500; ++i) b.add("big/~" + std::to_string(i));
    b.add("z");
    Recorder recorder;
    recorder.skip_at = "/big";
    WalkOptions options;
    auto done = co_await walk_with(b, recorder, "/", options);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(recorder.seen, (Paths{"/big/", "/z"}));
    EXPECT_EQ(b.gate->count("start-after"), 1u);
  });
}

TEST(DriverWalk, StartsAfterAPathInByteOrder) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all(kTree);
    constexpr WalkOrder kBytes = WalkOrder::bytes;
    auto seen = co_await walked(b, "/", "/folder3/s1/f1", kBytes);
    EXPECT_EQ(seen, (Paths{"/folder3/", "/folder3/s1/", "/folder3/s1/f2", "/folder3/s2/",
                           "/folder3/s2/f1", "/folder4/", "/folder4/file1"}));
    seen = co_await walked(b, "/", "/folder3/s2/f1", kBytes);
    EXPECT_EQ(seen, (Paths{"/folder4/", "/folder4/file1"}));
    seen = co_await walked(b, "/", "/folder3/s", kBytes);
    EXPECT_EQ(seen.size(), 8u) << "a place where nothing is";
    seen = co_await walked(b, "/folder3", "/folder3/s1/f2", kBytes);
    EXPECT_EQ(seen, (Paths{"/folder3/s2/", "/folder3/s2/f1"}));
    seen = co_await walked(b, "/folder3", "/folder3", kBytes);
    EXPECT_EQ(seen.size(), 5u);
    seen = co_await walked(b, "/folder3", "/folder2/file1", kBytes);
    EXPECT_EQ(seen.size(), 5u) << "before the walk";
    seen = co_await walked(b, "/folder3", "/folder4", kBytes);
    EXPECT_EQ(seen, Paths()) << "behind the walk";
    seen = co_await walked(b, "/folder3", "/folder3/s2/f1", kBytes);
    EXPECT_EQ(seen, Paths()) << "its end";
    seen = co_await walked(b, "/", "/", kBytes);
    EXPECT_EQ(seen.size(), 18u);
  });
}

TEST(DriverWalk, StartsAfterAPathInTheOrderOfComponents) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"a", "a-b/x", "a.b", "a/b/c", "a/b/d", "a/b-c/y", "a/c", "z"});
    constexpr WalkOrder kComponents = WalkOrder::components;
    auto all = co_await walked(b, "/", "", kComponents);
    EXPECT_EQ(all, (Paths{"/a", "/a/", "/a/b/", "/a/b/c", "/a/b/d", "/a/b-c/", "/a/b-c/y", "/a/c",
                          "/a-b/", "/a-b/x", "/a.b", "/z"}));
    auto seen = co_await walked(b, "/", "/a/b/c", kComponents);
    EXPECT_EQ(seen, (Paths{"/a/", "/a/b/", "/a/b/d", "/a/b-c/", "/a/b-c/y", "/a/c", "/a-b/",
                           "/a-b/x", "/a.b", "/z"}));
    seen = co_await walked(b, "/", "/a/b/d", kComponents);
    EXPECT_EQ(seen, (Paths{"/a/", "/a/b-c/", "/a/b-c/y", "/a/c", "/a-b/", "/a-b/x", "/a.b", "/z"}))
        << "a directory with nothing left in it is left out";
    seen = co_await walked(b, "/", "/a/c", kComponents);
    EXPECT_EQ(seen, (Paths{"/a-b/", "/a-b/x", "/a.b", "/z"}));
    seen = co_await walked(b, "/", "/a", kComponents);
    EXPECT_EQ(seen.size(), all.size() - 1) << "the file is passed, the directory is not";
    seen = co_await walked(b, "/a", "/a/b", kComponents);
    EXPECT_EQ(seen, (Paths{"/a/b/", "/a/b/c", "/a/b/d", "/a/b-c/", "/a/b-c/y", "/a/c"}));
    seen = co_await walked(b, "/a", "/a-b", kComponents);
    EXPECT_EQ(seen, Paths()) << "behind the walk in this order";
    seen = co_await walked(b, "/a-b", "/a/b", kComponents);
    EXPECT_EQ(seen, (Paths{"/a-b/x"})) << "before it";
  });
}

TEST(DriverWalk, SkipsADirectoryThatItIsToldOfLate) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all({"a/b/c", "a/b/d", "a/e", "f"});
    Recorder recorder;
    recorder.skip_at = "/a/b";
    WalkOptions options;
    options.order = WalkOrder::components;
    options.start_after = "/a/b/c";
    auto done = co_await walk_with(b, recorder, "/", options);
    EXPECT_TRUE(done);
    EXPECT_EQ(recorder.seen, (Paths{"/a/", "/a/b/", "/a/e", "/f"}));
    Recorder stopping;
    stopping.stop_at = "/a";
    done = co_await walk_with(b, stopping, "/", options);
    EXPECT_TRUE(done);
    EXPECT_EQ(stopping.seen, (Paths{"/a/"}));
  });
}

TEST(DriverWalk, StopsWhereTheVisitorSaysSo) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.add_all(kTree);
    for (WalkOrder order : {WalkOrder::bytes, WalkOrder::components}) {
      Recorder recorder;
      recorder.stop_at = "/folder2";
      WalkOptions options;
      options.order = order;
      auto done = co_await walk_with(b, recorder, "/", options);
      EXPECT_TRUE(done) << "not an error";
      EXPECT_EQ(recorder.seen.back(), "/folder2/");
      Recorder failing;
      failing.fail_at = "/folder2/file1";
      done = co_await walk_with(b, failing, "/", options);
      EXPECT_FALSE(done);
      EXPECT_EQ(done.error().message(), "the visitor's own failure");
      EXPECT_EQ(failing.seen.back(), "/folder2/file1");
    }
  });
}

TEST(DriverWalk, TellsAMissingDirectoryFromOneWithNothingLeft) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (WalkOrder order : {WalkOrder::bytes, WalkOrder::components}) {
      auto root = co_await walked(b, "/", "", order);
      EXPECT_EQ(root, Paths()) << "the root may be empty";
      for (const char* after : {"", "/a/x", "/b"}) {
        Recorder recorder;
        WalkOptions options;
        options.order = order;
        options.start_after = after;
        auto done = co_await walk_with(b, recorder, "/a", options);
        EXPECT_FALSE(done) << after;
        EXPECT_EQ(done.error().code(), StorageErrc::path_not_found);
        EXPECT_EQ(done.error().message(), "s3aws: walk /a: path not found");
      }
    }
  });
}

TEST(DriverWalk, TakesOneRequestForEachThousandFiles) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 100'000; i < 200'000; ++i) {
      std::string name = std::to_string(i);
      b.add("blobs/" + name.substr(0, 3) + "/" + name.substr(3) + "/data");
    }
    std::size_t files = 0;
    WalkVisitor visitor = [&files](const FileInfo& info) -> Task<Result<WalkStep>> {
      files += info.is_directory ? 0 : 1;
      return [](WalkStep step) -> Task<Result<WalkStep>> { co_return step; }(WalkStep::go_on);
    };
    WalkOptions options;
    auto done = co_await walk(*b.core, "/", options, visitor);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(files, 100'000u);
    EXPECT_LE(b.gate->count(), 101u);
  });
}

TEST(DriverWalk, RefusesAListingOutOfOrder) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    b.gate->script = [](const http::RequestHead&) {
      return CannedAnswer(200,
                          "<ListBucketResult><IsTruncated>false</IsTruncated>"
                          "<Contents><Key>b/x</Key><Size>0</Size></Contents>"
                          "<Contents><Key>a/x</Key><Size>0</Size></Contents></ListBucketResult>");
    };
    Recorder recorder;
    WalkOptions options;
    auto done = co_await walk_with(b, recorder, "/", options);
    EXPECT_FALSE(done);
    EXPECT_EQ(done.error().kind(), ErrorKind::protocol);
    EXPECT_NE(done.error().message().find("byte order"), std::string::npos);
  });
}

TEST(DriverWalk, EndsWhenStoppedBetweenPages) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    for (int i = 1000; i < 3000; ++i) b.add("d/" + std::to_string(i));
    b.gate->hold_containing = "continuation-token";
    engine::StopSource stop;
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(stop_when_held(b, stop));
    Recorder recorder;
    WalkOptions options;
    auto done = co_await engine::with_stop(stop, walk_with(b, recorder, "/d", options));
    EXPECT_FALSE(done);
    EXPECT_EQ(done.error().kind(), ErrorKind::cancelled);
    EXPECT_EQ(recorder.seen.size(), 1000u);
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

}  // namespace
}  // namespace ringpull::s3::driver
