#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/engine/loop.hpp>
#include <ringpull/s3/storage_middleware.hpp>

#include "tests/support/recording_driver.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using ::testing::ElementsAre;

class Plain final : public StorageMiddleware {
 public:
  explicit Plain(StorageDriver& inner) : StorageMiddleware(inner) {}
};

Task<Result<WalkStep>> visit(const FileInfo& info) {
  EXPECT_EQ(info.path, "/w");
  co_return WalkStep::stop;
}

Task<void> call_all(StorageDriver& driver) {
  std::array<std::byte, 3> bytes{};
  RangedReadOptions range;
  range.offset = 5;
  ReaderOptions from;
  from.offset = 7;
  WriterOptions append;
  append.append = true;
  WalkOptions walk;
  walk.start_after = "/w/a";
  RedirectOptions head;
  head.method = RedirectMethod::head;
  std::vector<std::string> files = {"/r1", "/r2"};
  WalkVisitor visitor = &visit;

  auto content = co_await driver.get_content("/g", 11);
  EXPECT_TRUE(content);
  auto put = co_await driver.put_content("/p", bytes);
  EXPECT_TRUE(put);
  auto read = co_await driver.read_range("/rr", bytes, range);
  EXPECT_TRUE(read);
  auto reader = co_await driver.reader("/rd", from);
  EXPECT_TRUE(reader);
  auto writer = co_await driver.writer("/wr", append);
  EXPECT_TRUE(writer);
  auto info = co_await driver.stat("/s");
  EXPECT_EQ(info->path, "/s");
  auto listed = co_await driver.list("/l");
  EXPECT_THAT(*listed, ElementsAre("/of//l"));
  auto walked = co_await driver.walk("/w", walk, visitor);
  EXPECT_TRUE(walked);
  auto moved = co_await driver.move("/m1", "/m2");
  EXPECT_TRUE(moved);
  auto removed = co_await driver.remove("/rm");
  EXPECT_TRUE(removed);
  auto removed_files = co_await driver.remove_files(files);
  EXPECT_TRUE(removed_files);
  auto url = co_await driver.redirect_url("/u", head);
  EXPECT_EQ(url->value(), "https://store.example.com/?HEAD/u");
}

TEST(StorageMiddleware, HandsEveryCallOnWithItsArgumentsAndResult) {
  ringpull::testing::RecordingDriver driver;
  Plain inner(driver);
  Plain outer(inner);
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  loop->run([&] { return call_all(outer); });
  EXPECT_THAT(
      driver.calls,
      ElementsAre("get_content /g 11", "put_content /p 3", "read_range /rr 5+3", "reader /rd 7",
                  "writer /wr append", "stat /s", "list /l", "walk /w /w/a", "move /m1 /m2",
                  "remove /rm", "remove_files /r1", "remove_files /r2", "redirect_url /u HEAD"));
  EXPECT_EQ(outer.name(), "recording");
  EXPECT_TRUE(outer.capabilities().resumable_writers);
  EXPECT_FALSE(outer.capabilities().redirects);
  EXPECT_EQ(outer.object_key("/a/b"), "root/a/b");
  EXPECT_EQ(outer.object_key("/"), std::nullopt);
  EXPECT_EQ(outer.stats().stat.calls, driver.calls.size());
  loop->run([&] { return outer.close(); });
}

}  // namespace
}  // namespace ringpull::s3
