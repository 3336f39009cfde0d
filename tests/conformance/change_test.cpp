// Moving and removing, and what clients are redirected to.

#include "tests/conformance/bed.hpp"
#include "tests/conformance/files.hpp"

namespace ringpull::conformance {
namespace {

constexpr std::size_t kMiB = std::size_t(1) << 20;
using Paths = std::vector<std::string>;

class Move : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(Move);
class Remove : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(Remove);
class Redirect : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(Redirect);

// ----------------------------------------------------------------------------------------- move

TEST_P(Move, TakesTheContentAway) {
  run([](Bed& b) -> Task<Result<void>> {
    Bytes bytes = Content::noise(3).bytes(32);
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/from/file", bytes));
    RINGPULL_CO_CHECK(co_await b.driver().move("/from/file", "/to/other"));
    RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), "/to/other"));
    EXPECT_TRUE(back == bytes);
    auto gone = co_await get(b.driver(), "/from/file");
    expect_path_not_found(gone, "/from/file");
    co_return Result<void>();
  });
}

TEST_P(Move, ReplacesWhatIsThere) {
  run([](Bed& b) -> Task<Result<void>> {
    Bytes bytes = Content::noise(4).bytes(32);
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/to", Content::noise(5).bytes(64)));
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/from", bytes));
    RINGPULL_CO_CHECK(co_await b.driver().move("/from", "/to"));
    RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), "/to"));
    EXPECT_TRUE(back == bytes);
    auto gone = co_await b.driver().stat("/from");
    expect_path_not_found(gone, "/from");
    co_return Result<void>();
  });
}

TEST_P(Move, OfAMissingFileTouchesNothing) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/to /dir/file"));
    auto moved = co_await b.driver().move("/from", "/to");
    expect_path_not_found(moved, "/from");
    auto below_a_file = co_await b.driver().move("/to/child", "/other");
    expect_path_not_found(below_a_file, "/to/child");
    auto directory = co_await b.driver().move("/dir", "/other");
    expect_path_not_found(directory, "/dir");
    RINGPULL_CO_TRY(Paths left, co_await files(b.driver()));
    EXPECT_EQ(left, (Paths{"/dir/file", "/to"}));
    RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), "/to"));
    EXPECT_TRUE(back == bytes_of("/to"));
    co_return Result<void>();
  });
}

TEST_P(Move, LeavesWhatLiesBelowThePath) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/a /a/b"));
    RINGPULL_CO_CHECK(co_await b.driver().move("/a", "/c"));
    RINGPULL_CO_TRY(Paths left, co_await files(b.driver()));
    EXPECT_EQ(left, (Paths{"/a/b", "/c"}));
    co_return Result<void>();
  });
}

TEST_P(Move, TakesALargeFileInParts) {
  run([](Bed& b) -> Task<Result<void>> {
    Content content = Content::noise(6);
    RINGPULL_CO_CHECK(co_await write(b.driver(), "/from", content.bytes(64 * kMiB)));
    RINGPULL_CO_CHECK(co_await b.driver().move("/from", "/to"));
    RINGPULL_CO_TRY(std::uint64_t size, co_await verify(b.driver(), "/to", content));
    EXPECT_EQ(size, 64 * kMiB);
    auto gone = co_await b.driver().stat("/from");
    expect_path_not_found(gone, "/from");
    co_return Result<void>();
  });
}

// --------------------------------------------------------------------------------------- remove

TEST_P(Remove, TakesAFileAway) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/a"));
    RINGPULL_CO_CHECK(co_await b.driver().remove("/a"));
    auto gone = co_await get(b.driver(), "/a");
    expect_path_not_found(gone, "/a");
    auto again = co_await b.driver().remove("/a");
    expect_path_not_found(again, "/a");
    co_return Result<void>();
  });
}

TEST_P(Remove, TakesADirectoryAwayWithAllThatLiesBelow) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/d/a /d/b /d/c/d/e"));
    RINGPULL_CO_CHECK(co_await b.driver().remove("/d/a"));
    RINGPULL_CO_TRY(Paths others, co_await files(b.driver()));
    EXPECT_EQ(others, (Paths{"/d/b", "/d/c/d/e"}));
    RINGPULL_CO_CHECK(co_await b.driver().remove("/d"));
    RINGPULL_CO_TRY(Paths none, co_await files(b.driver()));
    EXPECT_EQ(none, Paths());
    auto gone = co_await b.driver().stat("/d");
    expect_path_not_found(gone, "/d");
    co_return Result<void>();
  });
}

TEST_P(Remove, LeavesSiblingsThatBeginAlike) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(
        co_await put_files(b.driver(), "/d/f /d/f-suffix /d/d/f /d/d-suffix/f /d/d.x/f /d/d0/f"));
    RINGPULL_CO_CHECK(co_await b.driver().remove("/d/f"));
    RINGPULL_CO_CHECK(co_await b.driver().remove("/d/d"));
    RINGPULL_CO_TRY(Paths left, co_await files(b.driver()));
    EXPECT_EQ(left, (Paths{"/d/d-suffix/f", "/d/d.x/f", "/d/d0/f", "/d/f-suffix"}));
    auto only_siblings = co_await b.driver().remove("/d/d");
    expect_path_not_found(only_siblings, "/d/d");
    co_return Result<void>();
  });
}

TEST_P(Remove, FindsChildrenBehindSiblings) {
  run([](Bed& b) -> Task<Result<void>> {
    // In byte order: "/a", "/a-b", "/a.b", "/a/c", "/ab".
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/a /a-b /a.b /a/c /ab"));
    RINGPULL_CO_CHECK(co_await b.driver().remove("/a"));
    RINGPULL_CO_TRY(Paths left, co_await files(b.driver()));
    EXPECT_EQ(left, (Paths{"/a-b", "/a.b", "/ab"}));
    co_return Result<void>();
  });
}

TEST_P(Remove, TakesExactlyThePath) {
  run([](Bed& b) -> Task<Result<void>> {
    Paths all = {"/file1",
                 "/file1-2",
                 "/file2",
                 "/folder1-v2/file1",
                 "/folder1/file1",
                 "/folder1/file2",
                 "/folder2/file1",
                 "/folder3/subfolder1/file1",
                 "/folder3/subfolder2/file1",
                 "/folder4/file1"};
    for (const char* path : {"/file1", "/folder1", "/folder3/subfolder1", "/folder3"}) {
      RINGPULL_CO_CHECK(co_await put_files(b.driver(), all));
      RINGPULL_CO_CHECK(co_await b.driver().remove(path));
      Paths expected;
      for (const std::string& file : all) {
        bool below = file == path || file.starts_with(std::string(path) + "/");
        if (!below) expected.push_back(file);
      }
      RINGPULL_CO_TRY(Paths left, co_await files(b.driver()));
      EXPECT_EQ(left, expected) << path;
    }
    for (const char* path : {"/folder5", "/folder", "/file"}) {
      auto removed = co_await b.driver().remove(path);
      expect_path_not_found(removed, path);
    }
    co_return Result<void>();
  });
}

TEST_P(Remove, TakesFilesByName) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await put_files(b.driver(), "/a /b/c /b/d"));
    Paths which = {"/a", "/missing", "/b/d"};
    RINGPULL_CO_TRY(auto failures, co_await b.driver().remove_files(which));
    EXPECT_TRUE(failures.empty());
    RINGPULL_CO_TRY(Paths left, co_await files(b.driver()));
    EXPECT_EQ(left, Paths{"/b/c"});
    co_return Result<void>();
  });
}

// ------------------------------------------------------------------------------------- redirect

Task<Result<http::ResponseHead>> fetch(Bed& b, std::string method, std::string url,
                                       std::string& body) {
  RINGPULL_CO_TRY(http::Url parsed, http::Url::parse(url));
  http::RequestHead request(std::move(method), parsed.target());
  RINGPULL_CO_TRY(http::Response response, co_await b.http().send(parsed, request));
  RINGPULL_CO_TRY(body, co_await response.read_text(kMiB));
  co_return response.head();
}

TEST_P(Redirect, GivesAUrlThatNeedsNoKey) {
  run([](Bed& b) -> Task<Result<void>> {
    std::string content(32, 'r');
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/dir/file", bytes_of(content)));
    s3::RedirectOptions options;
    RINGPULL_CO_TRY(auto url, co_await b.driver().redirect_url("/dir/file", options));
    EXPECT_EQ(url.has_value(), b.driver().capabilities().redirects);
    if (!url) co_return Result<void>();
    std::string body;
    RINGPULL_CO_TRY(http::ResponseHead got, co_await fetch(b, "GET", *url, body));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(body, content);
    options.method = s3::RedirectMethod::head;
    RINGPULL_CO_TRY(auto head_url, co_await b.driver().redirect_url("/dir/file", options));
    RINGPULL_CO_TRY(http::ResponseHead head, co_await fetch(b, "HEAD", *head_url, body));
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.get("Content-Length"), "32");
    RINGPULL_CO_TRY(http::ResponseHead wrong, co_await fetch(b, "GET", *head_url, body));
    EXPECT_EQ(wrong.status, 403) << "a URL is good for one method";
    co_return Result<void>();
  });
}

TEST_P(Redirect, GivesAUrlThatExpires) {
  run([](Bed& b) -> Task<Result<void>> {
    s3::RedirectOptions options;
    options.expiry = std::chrono::seconds(90);
    RINGPULL_CO_TRY(auto url, co_await b.driver().redirect_url("/dir/file", options));
    if (!url) co_return Result<void>();
    EXPECT_NE(url->find("X-Amz-Expires=90"), std::string::npos);
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace ringpull::conformance
