// Writers that wait for their source: what they hold meanwhile.
#include <ringpull/engine/timer.hpp>

#include "s3/src/driver/read/reader.hpp"
#include "tests/unit/s3/driver/write/writer_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using testing::Bytes;
using testing::DriverBed;
using testing::open;
using Writers = std::vector<std::unique_ptr<StorageWriter>>;

TEST(DriverIdleWriter, HoldsNoMemoryBeforeItsFirstByte) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(100);
    auto put = co_await driver::put_content(*b.core, "/file", bytes);
    EXPECT_TRUE(put);
    Writers writers;
    for (int i = 0; i < 50; ++i) {  // of blocks for twelve
      std::string path = "/w" + std::to_string(i);
      auto writer = co_await open(b, false, path);
      writers.push_back(std::move(writer));
    }
    EXPECT_EQ(b.budget->stats().used_bytes, 0u);
    ReaderOptions options;
    auto reader = co_await driver::open_reader(*b.core, "/file", options);
    EXPECT_TRUE(reader) << reader.error().message();
    co_await (*reader)->close();
    auto written = co_await writers.front()->write(bytes);
    EXPECT_TRUE(written) << written.error().message();
    EXPECT_GE(b.budget->stats().used_bytes, b.options.chunk_bytes);
    for (auto& writer : writers) {
      auto cancelled = co_await writer->cancel();
      EXPECT_TRUE(cancelled);
    }
    b.expect_nothing_left();
  });
}

TEST(DriverIdleWriter, HoldsNoMemoryBeforeItAppends) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(100);
    auto first = co_await open(b);
    auto written = co_await first->write(bytes);
    EXPECT_TRUE(written);
    auto closed = co_await first->close();
    EXPECT_TRUE(closed);
    auto writer = co_await open(b, true);
    EXPECT_EQ(b.budget->stats().used_bytes, 0u);
    CommitOptions options;
    auto committed = co_await writer->commit(options);
    EXPECT_TRUE(committed) << committed.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

/// Comes to hold a block, if need be once another writer has ended, and keeps it until it is
/// stopped.
Task<void> trickle(DriverBed& bed, std::string path, Bytes bytes) {
  auto writer = co_await open(bed, false, path);
  auto written = co_await writer->write(bytes);
  if (written) {
    engine::Event never;
    auto stopped = co_await never.wait();
    EXPECT_FALSE(stopped);
  }
  auto cancelled = co_await writer->cancel();
  EXPECT_TRUE(cancelled);
}

TEST(DriverIdleWriter, LeavesMemoryForReadersHoweverManyHoldSome) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(100);
    auto put = co_await driver::put_content(*b.core, "/file", bytes);
    EXPECT_TRUE(put);
    std::size_t most = b.budget->limit_bytes(engine::MemoryHold::lasting);
    engine::Context& context = co_await engine::current_context();
    engine::Scope pushes(context);
    for (int i = 0; i < 50; ++i) {  // of blocks for ten
      pushes.spawn(trickle(b, "/w" + std::to_string(i), bytes));
    }
    while (b.budget->stats().waiting == 0) co_await engine::yield_now();
    EXPECT_LE(b.budget->stats().used_bytes, most);
    EXPECT_GT(b.budget->stats().used_bytes + b.options.chunk_bytes, most) << "all they may have";
    ReaderOptions options;
    auto reader = co_await driver::open_reader(*b.core, "/file", options);
    EXPECT_TRUE(reader) << reader.error().message();
    {
      auto piece = co_await (*reader)->next();
      EXPECT_TRUE(piece) << piece.error().message();
      EXPECT_EQ(piece->size(), bytes.size());
    }
    co_await (*reader)->close();
    pushes.request_stop();
    auto joined = co_await pushes.join();
    EXPECT_TRUE(joined);
    b.expect_nothing_left();
  });
}

/// A pull whose client stops taking once it has some bytes, when all that it may read ahead is
/// there.
Task<std::unique_ptr<StorageReader>> stall(DriverBed& bed) {
  ReaderOptions options;
  auto reader = co_await driver::open_reader(*bed.core, "/large", options);
  EXPECT_TRUE(reader) << reader.error().message();
  std::vector<std::byte> piece(std::size_t(64) << 10);
  for (std::size_t taken = 0; taken < (std::size_t(8) << 20);) {
    auto some = co_await (*reader)->read_some(piece);
    EXPECT_TRUE(some) << some.error().message();
    if (!some) break;
    taken += *some;
  }
  co_return std::move(*reader);
}

TEST(DriverIdleWriter, LeavesMemoryForReadersThoughAPullStallsToo) {
  DriverBed bed;
  bed.budget_options = engine::MemoryBudgetOptions();
  bed.options.chunk_bytes = std::size_t(10) << 20;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> large = b.noise(std::size_t(64) << 20);
    auto put = co_await driver::put_content(*b.core, "/large", large);
    EXPECT_TRUE(put);
    std::vector<std::byte> bytes = b.noise(100);
    put = co_await driver::put_content(*b.core, "/file", bytes);
    EXPECT_TRUE(put);
    engine::Context& context = co_await engine::current_context();
    engine::Scope pushes(context);
    for (int i = 0; i < 50; ++i) pushes.spawn(trickle(b, "/w" + std::to_string(i), bytes));
    while (b.budget->stats().waiting == 0) co_await engine::yield_now();
    auto pull = co_await stall(b);
    EXPECT_LT(b.budget->stats().used_bytes, b.budget->limit_bytes());
    ReaderOptions options;
    auto reader = co_await driver::open_reader(*b.core, "/file", options);
    EXPECT_TRUE(reader) << reader.error().message();
    co_await (*reader)->close();
    co_await pull->close();
    pushes.request_stop();
    auto joined = co_await pushes.join();
    EXPECT_TRUE(joined);
    b.expect_nothing_left();
  });
}

TEST(DriverIdleWriter, CommitsAnEmptyFileWhileNoMemoryIsFree) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    auto everything = b.budget->try_acquire(b.budget->limit_bytes());
    EXPECT_TRUE(everything);
    auto writer = co_await open(b);
    CommitOptions options;
    auto committed = co_await writer->commit(options);
    EXPECT_TRUE(committed) << committed.error().message();
    EXPECT_EQ(b.object("a")->size, 0u);
    auto empty = co_await open(b, false, "/b");
    auto closed = co_await empty->close();
    EXPECT_TRUE(closed) << closed.error().message();
    auto resumed = co_await open(b, true, "/b");
    committed = co_await resumed->commit(options);
    EXPECT_TRUE(committed) << committed.error().message();
    EXPECT_EQ(b.object("b")->size, 0u);
    everything.reset();
    b.expect_nothing_left();
  });
}

// --- Ends that must not wait long either.

TEST(DriverIdleWriter, EndsAStoppedCommitWithinOneTimeLimitWhereNobodyAnswers) {
  DriverBed bed;
  bed.options.chunk_bytes = 5 << 20;
  bed.run([](DriverBed& b) -> Task<void> {
    b.core->stopped_cleanup_time = 50ms;
    std::vector<std::byte> bytes = b.noise(6 << 20);
    auto writer = co_await open(b);
    auto written = co_await writer->write(bytes);
    EXPECT_TRUE(written) << written.error().message();
    b.gate->hold = "/b";
    b.gate->forget();
    CommitOptions options;
    auto begin = std::chrono::steady_clock::now();
    auto stopped = co_await engine::with_deadline(Deadline::after(100ms), writer->commit(options));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 30s);
    EXPECT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), ErrorKind::timed_out) << stopped.error().message();
    EXPECT_NE(stopped.error().message().find("left behind"), std::string::npos);
    b.gate->hold.clear();
  });
}

// --- Paths whose keys have no room for a sidecar's suffix.

TEST(DriverIdleWriter, SuspendsAtTheLongestPathsToo) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(300);
    for (std::size_t size : {1008u, 1009u, 1024u}) {
      std::string path = "/" + std::string(size, 'a');
      auto writer = co_await open(b, false, path);
      auto written = co_await writer->write(Bytes(bytes).first(100));
      EXPECT_TRUE(written);
      auto closed = co_await writer->close();
      EXPECT_TRUE(closed) << closed.error().message();
      writer = co_await open(b, true, path);
      EXPECT_EQ(writer->size_bytes(), 100u);
      written = co_await writer->write(Bytes(bytes).subspan(100));
      EXPECT_TRUE(written) << written.error().message();
      CommitOptions options;
      auto committed = co_await writer->commit(options);
      EXPECT_TRUE(committed) << committed.error().message();
      EXPECT_TRUE(b.content(path.substr(1)) == bytes);
      writer = co_await open(b, false, path);
      auto cancelled = co_await writer->cancel();
      EXPECT_TRUE(cancelled) << cancelled.error().message();
      b.expect_nothing_left();
    }
  });
}

}  // namespace
}  // namespace ringpull::s3
