// How many requests an operation may cost. How many a walk over 100,000 files takes is asked by
// unit/s3/driver/tree/tree_test.cpp.

#include "tests/conformance/bed.hpp"
#include "tests/conformance/files.hpp"

namespace ringpull::conformance {
namespace {

constexpr std::size_t kMiB = std::size_t(1) << 20;

class Requests : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(Requests);

/// How many were sent since the last time.
std::uint64_t since(Bed& b, std::uint64_t& before) {
  std::uint64_t now = b.requests();
  return now - std::exchange(before, now);
}

TEST_P(Requests, OneForEverySmallThing) {
  run([](Bed& b) -> Task<Result<void>> {
    std::uint64_t counted = b.requests();
    Bytes bytes = Content::noise(1).bytes(1000);
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/a", bytes));
    EXPECT_EQ(since(b, counted), 1u) << "put_content";
    RINGPULL_CO_CHECK(co_await write(b.driver(), "/b", bytes));
    EXPECT_EQ(since(b, counted), 1u) << "a small file by a writer";
    RINGPULL_CO_TRY(s3::FileInfo info, co_await b.driver().stat("/a"));
    EXPECT_EQ(since(b, counted), 1u) << "stat of " << info.path;
    RINGPULL_CO_TRY(Bytes content, co_await get(b.driver(), "/a"));
    EXPECT_EQ(since(b, counted), 1u) << "get_content of " << content.size();
    RINGPULL_CO_TRY(Bytes streamed, co_await read(b.driver(), "/a"));
    EXPECT_EQ(since(b, counted), 1u) << "a reader of " << streamed.size();
    s3::RangedReadOptions range;
    RINGPULL_CO_TRY(s3::RangedRead part, co_await b.driver().read_range("/a", bytes, range));
    EXPECT_EQ(since(b, counted), 1u) << "read_range of " << part.bytes;
    RINGPULL_CO_TRY(auto listed, co_await b.driver().list("/"));
    EXPECT_EQ(since(b, counted), 1u) << "list of " << listed.size();
    s3::RedirectOptions redirect;
    RINGPULL_CO_TRY(auto url, co_await b.driver().redirect_url("/a", redirect));
    EXPECT_EQ(since(b, counted), 0u) << "a redirect to " << url.has_value();
    RINGPULL_CO_CHECK(co_await b.driver().move("/a", "/c"));
    EXPECT_EQ(since(b, counted), 3u) << "move: look, copy, delete";
    RINGPULL_CO_CHECK(co_await b.driver().remove("/c"));
    EXPECT_LE(since(b, counted), 2u) << "remove: list, delete";
    auto missing = co_await b.driver().stat("/missing");
    EXPECT_FALSE(missing);
    EXPECT_EQ(since(b, counted), 2u) << "stat of what may be a directory";
    co_return Result<void>();
  });
}

TEST_P(Requests, TwoForADirectoryAndOneForEachThousandOfItsFiles) {
  run([](Bed& b) -> Task<Result<void>> {
    Bytes bytes = Content::noise(1).bytes(10);
    std::vector<std::string> written;
    for (int i = 1000; i < 2001; ++i) {
      written.push_back("/dir/" + std::to_string(i));
      RINGPULL_CO_CHECK(co_await b.driver().put_content(written.back(), bytes));
    }
    std::uint64_t counted = b.requests();
    RINGPULL_CO_TRY(s3::FileInfo info, co_await b.driver().stat("/dir"));
    EXPECT_TRUE(info.is_directory);
    EXPECT_EQ(since(b, counted), 2u) << "stat: no file, so a listing of one";
    RINGPULL_CO_TRY(auto listed, co_await b.driver().list("/dir"));
    EXPECT_EQ(listed, written);
    EXPECT_EQ(since(b, counted), 2u) << "list: two pages";
    RINGPULL_CO_TRY(auto walked, co_await files(b.driver()));
    EXPECT_EQ(walked, written);
    EXPECT_EQ(since(b, counted), 2u) << "walk: two pages";
    RINGPULL_CO_CHECK(co_await b.driver().remove("/dir"));
    EXPECT_LE(since(b, counted), 6u)
        << "remove: the file of that name, uploads below, and each page and its files";
    co_return Result<void>();
  });
}

TEST_P(Requests, OneForEachPartAndTwoAround) {
  run([](Bed& b) -> Task<Result<void>> {
    std::uint64_t counted = b.requests();
    RINGPULL_CO_CHECK(co_await write(b.driver(), "/a", Content::noise(1).bytes(40 * kMiB)));
    EXPECT_EQ(since(b, counted), 6u) << "create, four parts of 10 MiB, complete";
    RINGPULL_CO_CHECK(co_await b.driver().move("/a", "/b"));
    EXPECT_EQ(since(b, counted), 6u) << "look, create, two parts of 32 MiB, complete, delete";
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace ringpull::conformance
