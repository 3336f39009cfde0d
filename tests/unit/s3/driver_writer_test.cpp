// Writers against the sandbox in the same loop.
#include "s3/src/driver/writer.hpp"
#include "tests/unit/s3/driver_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using testing::DriverBed;

constexpr std::size_t kPart = 5 << 20;

TEST(DriverWriter, SendsASmallFileInOneRequest) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(1000);
    WriterOptions options;
    auto opened = co_await driver::open_writer(*b.core, "/a/b", options);
    EXPECT_TRUE(opened) << opened.error().message();
    auto& writer = **opened;
    auto written = co_await writer.write(bytes);
    EXPECT_TRUE(written);
    EXPECT_EQ(writer.size_bytes(), 1000u);
    CommitOptions commit;
    auto committed = co_await writer.commit(commit);
    EXPECT_TRUE(committed) << committed.error().message();
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"PUT /b/a/b"});
    EXPECT_TRUE(b.content("a/b") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, SendsALargeFileInPartsSideBySide) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(6 * kPart + 12'345);
    WriterOptions options;
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(opened) << opened.error().message();
    auto& writer = **opened;
    auto written = co_await writer.write(bytes);
    EXPECT_TRUE(written);
    CommitOptions commit;
    auto committed = co_await writer.commit(commit);
    EXPECT_TRUE(committed) << committed.error().message();
    EXPECT_EQ(b.gate->count("partNumber="), 7u);
    EXPECT_GE(b.gate->most_running, 2u);
    EXPECT_LE(b.gate->most_running, 4u);
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, GoesOnWhereItWasClosed) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart);
    std::span<const std::byte> all(bytes);
    WriterOptions options;
    auto first = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(first) << first.error().message();
    auto written = co_await (*first)->write(all.first(kPart + 100));
    EXPECT_TRUE(written);
    auto closed = co_await (*first)->close();
    EXPECT_TRUE(closed) << closed.error().message();
    EXPECT_EQ(b.object("a"), nullptr);
    options.append = true;
    auto second = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(second) << second.error().message();
    EXPECT_EQ((*second)->size_bytes(), kPart + 100);
    written = co_await (*second)->write(all.subspan(kPart + 100));
    EXPECT_TRUE(written) << written.error().message();
    CommitOptions commit;
    auto committed = co_await (*second)->commit(commit);
    EXPECT_TRUE(committed) << committed.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverWriter, LeavesNothingWhenCancelled) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    WriterOptions options;
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(opened) << opened.error().message();
    auto written = co_await (*opened)->write(bytes);
    EXPECT_TRUE(written);
    auto cancelled = co_await (*opened)->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    EXPECT_EQ(b.object("a"), nullptr);
    b.expect_nothing_left();
  });
}

}  // namespace
}  // namespace ringpull::s3
