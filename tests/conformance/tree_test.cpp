// What lies where: stat, list and walk.

#include <algorithm>

#include "tests/conformance/bed.hpp"
#include "tests/conformance/files.hpp"

namespace ringpull::conformance {
namespace {

using Paths = std::vector<std::string>;

class Stat : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(Stat);
class List : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(List);
class Walk : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(Walk);

/// An object that the driver would not make.
Task<Result<void>> put_object(Bed& b, std::string key) {
  s3::PutObjectOptions request(b.bucket(), s3::ObjectKey(std::move(key)));
  http::SpanSource nothing;
  RINGPULL_CO_TRY(auto put, co_await b.owner().put_object(request, nothing));
  (void)put;
  co_return Result<void>();
}

// ----------------------------------------------------------------------------------------- stat

TEST_P(Stat, TellsFilesAndDirectoriesApart) {
  run([](Bed& b) -> Task<Result<void>> {
    auto missing = co_await b.driver().stat("/dir");
    expect_path_not_found(missing, "/dir");
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/dir/sub/file", bytes_of("content")));
    RINGPULL_CO_TRY(s3::FileInfo file, co_await b.driver().stat("/dir/sub/file"));
    EXPECT_EQ(file.path, "/dir/sub/file");
    EXPECT_EQ(file.size_bytes, 7u);
    EXPECT_FALSE(file.is_directory);
    EXPECT_TRUE(file.modified.has_value());
    for (const char* path : {"/dir", "/dir/sub"}) {
      RINGPULL_CO_TRY(s3::FileInfo directory, co_await b.driver().stat(path));
      EXPECT_EQ(directory.path, path);
      EXPECT_EQ(directory.size_bytes, 0u);
      EXPECT_TRUE(directory.is_directory);
    }
    auto sibling = co_await b.driver().stat("/dir/sub/fil");
    expect_path_not_found(sibling, "/dir/sub/fil");
    auto below = co_await b.driver().stat("/dir/sub/file/x");
    expect_path_not_found(below, "/dir/sub/file/x");
    co_return Result<void>();
  });
}

TEST_P(Stat, TakesNoSiblingThatBeginsAlikeForADirectory) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/ab /a-b/x /a.b"));
    auto missing = co_await b.driver().stat("/a");
    expect_path_not_found(missing, "/a");
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/a/x"));
    RINGPULL_CO_TRY(s3::FileInfo directory, co_await b.driver().stat("/a"));
    EXPECT_TRUE(directory.is_directory);
    co_return Result<void>();
  });
}

/// Writes until the store's clock, which counts seconds, has gone on.
TEST_P(Stat, TellsALaterTimeOnceAFileWasReplaced) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/a"));
    RINGPULL_CO_TRY(s3::FileInfo first, co_await b.driver().stat("/a"));
    engine::Deadline patience = engine::Deadline::after(std::chrono::seconds(30));
    while (true) {
      RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/a"));
      RINGPULL_CO_TRY(s3::FileInfo later, co_await b.driver().stat("/a"));
      EXPECT_GE(*later.modified, *first.modified);
      if (*later.modified > *first.modified) break;
      bool late = engine::Clock::now() > patience.time();
      EXPECT_FALSE(late) << "the time of the file stands still";
      if (late) break;
    }
    co_return Result<void>();
  });
}

// ----------------------------------------------------------------------------------------- list

TEST_P(List, GivesWhatLiesDirectlyBelow) {
  run([](Bed& b) -> Task<Result<void>> {
    auto missing = co_await b.driver().list("/root");
    expect_path_not_found(missing, "/root");
    Paths children;
    for (int i = 10; i < 60; ++i) children.push_back("/root/parent/child" + std::to_string(i));
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), children));
    RINGPULL_CO_TRY(Paths roots, co_await b.driver().list("/"));
    EXPECT_EQ(roots, Paths{"/root"});
    RINGPULL_CO_TRY(Paths parents, co_await b.driver().list("/root"));
    EXPECT_EQ(parents, Paths{"/root/parent"});
    RINGPULL_CO_TRY(Paths listed, co_await b.driver().list("/root/parent"));
    EXPECT_EQ(listed, children);
    co_return Result<void>();
  });
}

TEST_P(List, AgreesWithStatAndWalk) {
  run([](Bed& b) -> Task<Result<void>> {
    Paths files = {"/file1", "/file2", "/file3", "/file4", "/folder1/file1", "/folder1/file2"};
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), files));
    RINGPULL_CO_TRY(Paths listed, co_await b.driver().list("/"));
    EXPECT_EQ(listed, (Paths{"/file1", "/file2", "/file3", "/file4", "/folder1"}));
    for (const std::string& path : listed) {
      RINGPULL_CO_TRY(s3::FileInfo info, co_await b.driver().stat(path));
      EXPECT_EQ(info.is_directory, path == "/folder1") << path;
    }
    co_return Result<void>();
  });
}

TEST_P(List, ShowsNoDirectoryMarkers) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/dir/file"));
    RINGPULL_CO_CHECK(co_await put_object(b, b.key("/dir").str() + "/"));
    RINGPULL_CO_CHECK(co_await put_object(b, b.key("/dir/empty").str() + "/"));
    RINGPULL_CO_TRY(Paths listed, co_await b.driver().list("/dir"));
    EXPECT_EQ(listed, (Paths{"/dir/empty", "/dir/file"}));
    RINGPULL_CO_TRY(Paths empty, co_await b.driver().list("/dir/empty"));
    EXPECT_TRUE(empty.empty());
    RINGPULL_CO_TRY(s3::FileInfo info, co_await b.driver().stat("/dir/empty"));
    EXPECT_TRUE(info.is_directory);
    co_return Result<void>();
  });
}

// ----------------------------------------------------------------------------------------- walk

Task<Result<s3::WalkStep>> answer(Result<s3::WalkStep> step) { co_return step; }

struct Visits {
  Paths seen;
  std::string skip;  // this directory
  std::string stop;  // here
  std::string fail;  // here
};

Task<Result<void>> walk(Bed& b, Visits& visits, std::string_view path,
                        const s3::WalkOptions& options) {
  s3::WalkVisitor visitor = [&visits](const s3::FileInfo& info) {
    visits.seen.push_back(info.path);
    Result<s3::WalkStep> step = s3::WalkStep::go_on;
    if (info.path == visits.skip) step = s3::WalkStep::skip_directory;
    if (info.path == visits.stop) step = s3::WalkStep::stop;
    if (info.path == visits.fail) step = fail(ErrorKind::conflict, "the visitor's own");
    return answer(std::move(step));
  };
  co_return co_await b.driver().walk(path, options, visitor);
}

const Paths kFiles = {"/file1",
                      "/folder1-suffix/file1",
                      "/folder1/file1",
                      "/folder2/file1",
                      "/folder3/subfolder1/subfolder1/file1",
                      "/folder3/subfolder2/subfolder1/file1",
                      "/folder4/file1"};
const Paths kAll = {"/file1",
                    "/folder1-suffix",
                    "/folder1-suffix/file1",
                    "/folder1",
                    "/folder1/file1",
                    "/folder2",
                    "/folder2/file1",
                    "/folder3",
                    "/folder3/subfolder1",
                    "/folder3/subfolder1/subfolder1",
                    "/folder3/subfolder1/subfolder1/file1",
                    "/folder3/subfolder2",
                    "/folder3/subfolder2/subfolder1",
                    "/folder3/subfolder2/subfolder1/file1",
                    "/folder4",
                    "/folder4/file1"};

TEST_P(Walk, GivesDirectoriesBeforeTheirContentInByteOrder) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), kFiles));
    Visits visits;
    s3::WalkOptions options;
    RINGPULL_CO_CHECK(co_await walk(b, visits, "/", options));
    EXPECT_EQ(visits.seen, kAll);
    co_return Result<void>();
  });
}

TEST_P(Walk, SortsByComponentsOnRequest) {
  run([](Bed& b) -> Task<Result<void>> {
    bool offered = b.driver().capabilities().component_order;
    EXPECT_TRUE(offered);
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), kFiles));
    Visits visits;
    s3::WalkOptions options;
    options.order = s3::WalkOrder::components;
    RINGPULL_CO_CHECK(co_await walk(b, visits, "/", options));
    Paths expected = kAll;
    std::rotate(expected.begin() + 1, expected.begin() + 3, expected.begin() + 5);
    EXPECT_EQ(visits.seen, expected);
    co_return Result<void>();
  });
}

TEST_P(Walk, LeavesOutASkippedDirectoryAndNoSibling) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), kFiles));
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/tags/0.1.2/link /tags/0.1.20/link"));
    Visits visits;
    visits.skip = "/folder3";
    s3::WalkOptions options;
    RINGPULL_CO_CHECK(co_await walk(b, visits, "/", options));
    Paths expected(kAll.begin(), kAll.begin() + 8);
    for (const char* path : {"/folder4", "/folder4/file1", "/tags", "/tags/0.1.2",
                             "/tags/0.1.2/link", "/tags/0.1.20", "/tags/0.1.20/link"}) {
      expected.push_back(path);
    }
    EXPECT_EQ(visits.seen, expected);
    Visits tags;
    tags.skip = "/tags/0.1.2";
    RINGPULL_CO_CHECK(co_await walk(b, tags, "/tags", options));
    EXPECT_EQ(tags.seen, (Paths{"/tags/0.1.2", "/tags/0.1.20", "/tags/0.1.20/link"}));
    co_return Result<void>();
  });
}

TEST_P(Walk, StartsAfterAPath) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), kFiles));
    struct Start {
      std::string root, after;
      Paths expected;
    };
    Paths folder3 = {"/folder3/subfolder2", "/folder3/subfolder2/subfolder1",
                     "/folder3/subfolder2/subfolder1/file1"};
    Paths all_of_3 = {"/folder3/subfolder1", "/folder3/subfolder1/subfolder1",
                      "/folder3/subfolder1/subfolder1/file1"};
    all_of_3.insert(all_of_3.end(), folder3.begin(), folder3.end());
    std::vector<Start> starts;
    starts.push_back(
        Start{"/", "/folder3/subfolder2/subfolder1/file1", {"/folder4", "/folder4/file1"}});
    starts.push_back(Start{"/folder3", "/folder3/subfolder1/subfolder1/file1", folder3});
    starts.push_back(Start{"/folder3", "/folder3", all_of_3});
    starts.push_back(Start{"/folder3", "/folder9", {}});
    starts.push_back(
        Start{"/folder3",
              "/folder3/subfolder1/subfolder1/file0-missing",
              {"/folder3/subfolder1", "/folder3/subfolder1/subfolder1",
               "/folder3/subfolder1/subfolder1/file1", folder3[0], folder3[1], folder3[2]}});
    for (const Start& start : starts) {
      Visits visits;
      s3::WalkOptions options;
      options.start_after = start.after;
      RINGPULL_CO_CHECK(co_await walk(b, visits, start.root, options));
      EXPECT_EQ(visits.seen, start.expected) << start.root << " after " << start.after;
    }
    co_return Result<void>();
  });
}

TEST_P(Walk, EndsWhereItsVisitorSaysSo) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), kFiles));
    Visits stopped;
    stopped.stop = "/folder2";
    s3::WalkOptions options;
    RINGPULL_CO_CHECK(co_await walk(b, stopped, "/", options));
    EXPECT_EQ(stopped.seen, Paths(kAll.begin(), kAll.begin() + 6));
    Visits failed;
    failed.fail = "/folder2";
    auto outcome = co_await walk(b, failed, "/", options);
    EXPECT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind(), ErrorKind::conflict);
    EXPECT_EQ(failed.seen, stopped.seen);
    co_return Result<void>();
  });
}

TEST_P(Walk, BeginsAtAnyDirectory) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), kFiles));
    Visits visits;
    s3::WalkOptions options;
    RINGPULL_CO_CHECK(co_await walk(b, visits, "/folder1", options));
    EXPECT_EQ(visits.seen, Paths{"/folder1/file1"});
    auto missing = co_await walk(b, visits, "/folder", options);
    expect_path_not_found(missing, "/folder");
    co_return Result<void>();
  });
}

TEST_P(Walk, ShowsADirectoryMarkerAsItsDirectory) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/repo/_layers/link"));
    RINGPULL_CO_CHECK(co_await put_object(b, b.key("/repo/_uploads").str() + "/"));
    Visits visits;
    s3::WalkOptions options;
    RINGPULL_CO_CHECK(co_await walk(b, visits, "/", options));
    EXPECT_EQ(visits.seen,
              (Paths{"/repo", "/repo/_layers", "/repo/_layers/link", "/repo/_uploads"}));
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace ringpull::conformance
