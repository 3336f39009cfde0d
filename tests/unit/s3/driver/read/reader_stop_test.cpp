// Readers that are stopped, or closed before the end.
#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

#include <ringpull/engine/combinators.hpp>

#include "tests/unit/s3/driver/read/reader_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::close;
using ringpull::testing::hold;
using ringpull::testing::read_head;
using ringpull::testing::write;
using testing::append;
using testing::Bytes;
using testing::drain;
using testing::kFirst;
using testing::kPath;
using testing::noise;
using testing::open;
using testing::part;
using testing::part_head;
using testing::ReaderPtr;
using testing::text;
using testing::until;
using Bed = testing::ReaderBed;
using Gate = testing::ReaderGate;
using ScriptedBed = testing::ScriptedReaderBed;

/// Runs `call` under `source` and says how it ended.
template <class T>
Task<Result<void>> run_until_stopped(Task<Result<T>> call, engine::StopSource& source,
                                     ErrorKind& kind) {
  auto outcome = co_await engine::with_stop(source, std::move(call));
  EXPECT_FALSE(outcome);
  if (!outcome) kind = outcome.error().kind();
  co_return Result<void>();
}

Task<Result<void>> stop_when_held(Gate& gate, engine::StopSource& source) {
  auto held = co_await gate.held.wait();
  source.request_stop();
  co_return held;
}

Task<Result<void>> stop_when_waiting_for_memory(Bed& b, engine::StopSource& source) {
  co_await until([&] { return b.stack->budget.stats().waiting > 0; });
  source.request_stop();
  co_return Result<void>();
}

TEST(DriverReaderStop, AStopEndsTheOpeningWhileItWaitsForMemory) {
  Bed bed;
  bed.budget_bytes = kFirst;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    auto all_memory = co_await b.stack->pool.lease(kFirst);
    EXPECT_TRUE(all_memory);
    engine::StopSource source;
    ErrorKind kind{};
    ReaderOptions options;
    auto both = co_await engine::when_all(
        run_until_stopped(driver::open_reader(b.core(), kPath, options), source, kind),
        stop_when_waiting_for_memory(b, source));
    EXPECT_TRUE(both.second);
    EXPECT_EQ(kind, ErrorKind::cancelled);
    EXPECT_TRUE(b.gate->lines.empty());
  });
}

TEST(DriverReaderStop, AStopEndsTheOpeningWhileItsRequestIsUnderWay) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    b.gate->hold_from = 0;
    engine::StopSource source;
    ErrorKind kind{};
    ReaderOptions options;
    auto both = co_await engine::when_all(
        run_until_stopped(driver::open_reader(b.core(), kPath, options), source, kind),
        stop_when_held(*b.gate, source));
    EXPECT_TRUE(both.second);
    EXPECT_EQ(kind, ErrorKind::cancelled);
  });
}

TEST(DriverReaderStop, AStopEndsOneCallAndTheReaderGoesOn) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    b.gate->hold_from = 1;
    ReaderPtr reader = co_await open(b.core());
    auto first = co_await reader->next();
    Bytes all;
    append(all, first->bytes());
    engine::StopSource source;
    ErrorKind kind{};
    auto both = co_await engine::when_all(run_until_stopped(reader->next(), source, kind),
                                          stop_when_held(*b.gate, source));
    EXPECT_TRUE(both.second);
    EXPECT_EQ(kind, ErrorKind::cancelled);
    b.gate->released.set();
    Bytes rest = co_await drain(*reader);
    append(all, rest);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_discarded, 0u);
  });
}

TEST(DriverReaderStop, AStopEndsACallThatWaitsForMemoryAndTheReaderGoesOn) {
  Bed bed;
  bed.budget_bytes = kFirst;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    auto first = co_await reader->next();  // the only block there is
    Bytes all;
    append(all, first->bytes());
    engine::StopSource source;
    ErrorKind kind{};
    auto both = co_await engine::when_all(run_until_stopped(reader->next(), source, kind),
                                          stop_when_waiting_for_memory(b, source));
    EXPECT_TRUE(both.second);
    EXPECT_EQ(kind, ErrorKind::cancelled);
    first->release();
    Bytes rest = co_await drain(*reader);
    append(all, rest);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
  });
}

TEST(DriverReaderStop, ClosingCutsWhatIsUnderWayAndCountsItsBytes) {
  ScriptedBed bed;
  bed.scripts = {{read_head(), write(part(0, kFirst)), read_head(),
                  write(part_head(kFirst, 2 * kFirst) + text(kFirst, 1234)), hold()}};
  bed.options.read_concurrency = 1;
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    auto first = co_await reader->next();
    EXPECT_TRUE(first);
    first->release();
    co_await until([&] { return b.peer->heads().size() == 2; });
    for (int i = 0; i < 100; ++i)
      co_await ringpull::testing::Turn();  // the answer, as far as it goes
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_delivered, kFirst);
    EXPECT_EQ(reader->stats().bytes_received, kFirst + 1234);
    EXPECT_EQ(reader->stats().bytes_discarded, 1234u);
    co_await reader->close();  // again, without effect
    auto after = co_await reader->next();
    EXPECT_EQ(after.error().kind(), ErrorKind::invalid_argument);
  });
}

TEST(DriverReaderStop, ClosingBeforeTheFirstByteDiscardsNothing) {
  ScriptedBed bed;
  bed.scripts = {{read_head(), write(part_head(0, kFirst)), hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_received, 0u);
    EXPECT_EQ(reader->stats().bytes_discarded, 0u);
  });
}

// Goal: closing a reader whose server stalls takes less than 50 ms. Method: the median of nine, so
// that a machine that sleeps for a moment does not decide.
TEST(DriverReaderStop, ClosesAtOnceWhileTheServerStalls) {
  ScriptedBed bed;
  bed.scripts = ringpull::testing::repeated(
      9, {read_head(), write(part_head(0, kFirst) + text(0, 1000)), hold()});
  bed.run([](ScriptedBed& b) -> Task<void> {
    std::vector<engine::Duration> times;
    for (int i = 0; i < 9; ++i) {
      ReaderPtr reader = co_await open(b.core());
      auto begun = std::chrono::steady_clock::now();
      co_await reader->close();
      times.push_back(std::chrono::steady_clock::now() - begun);
    }
    std::ranges::sort(times);
    EXPECT_LT(times[4], 50ms);
  });
}

TEST(DriverReaderDeathTest, DestroyingAReaderThatWasNotClosedAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Bed bed;
  auto forget_to_close = [](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    ReaderPtr reader = co_await open(b.core());
  };
  EXPECT_DEATH(bed.run(forget_to_close), "destroyed before its close\\(\\) was awaited");
}

}  // namespace
}  // namespace ringpull::s3
