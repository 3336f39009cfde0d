// Writers whose bytes are received where the writer has prepared: what they share with write(), and
// whose the memory is in between.
#include <cstring>

#include "tests/unit/s3/driver/write/writer_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Deadline;
using engine::Task;
using testing::Bytes;
using testing::DriverBed;
using testing::kPart;
using testing::open;

/// Puts as many bytes as fit where the writer has prepared, `most` at most; how many.
Task<Result<std::size_t>> receive(StorageWriter& writer, Bytes bytes, std::size_t most) {
  RINGPULL_CO_TRY(std::span<std::byte> room, co_await writer.prepare());
  std::size_t size = std::min({bytes.size(), room.size(), most});
  std::memcpy(room.data(), bytes.data(), size);
  RINGPULL_CO_CHECK(co_await writer.write_prepared(size));
  co_return size;
}

Task<Result<void>> receive_all(StorageWriter& writer, Bytes bytes) {
  while (!bytes.empty()) {
    RINGPULL_CO_TRY(std::size_t size, co_await receive(writer, bytes, bytes.size()));
    bytes = bytes.subspan(size);
  }
  co_return Result<void>();
}

Task<Result<void>> receive_and_commit(StorageWriter& writer, Bytes bytes) {
  RINGPULL_CO_CHECK(co_await receive_all(writer, bytes));
  CommitOptions options;
  co_return co_await writer.commit(options);
}

TEST(DriverPrepare, SendsWhatWasReceivedInPartsSideBySide) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(6 * kPart + 12'345);
    auto writer = co_await open(b);
    auto done = co_await receive_and_commit(*writer, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(b.gate->count("partNumber="), 7u);
    EXPECT_EQ(b.gate->lines.size(), 9u);  // and Create, and Complete
    EXPECT_GE(b.gate->most_running, 2u);
    EXPECT_EQ(writer->size_bytes(), bytes.size());
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverPrepare, SendsUpToAPartInOneRequest) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> large = b.noise(kPart);
    std::vector<std::size_t> sizes = {0, 1000, kPart};
    for (std::size_t size : sizes) {
      std::vector<std::byte> bytes(large.begin(), large.begin() + static_cast<long>(size));
      b.gate->forget();
      auto writer = co_await open(b);
      auto done = co_await receive_and_commit(*writer, bytes);
      EXPECT_TRUE(done) << done.error().message();
      EXPECT_EQ(b.gate->lines, std::vector<std::string>{"PUT /b/a"});
      EXPECT_TRUE(b.content("a") == bytes);
    }
  });
}

TEST(DriverPrepare, BeginsAnUploadForRoomBehindItsFirstPart) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart);
    auto writer = co_await open(b);
    auto received = co_await receive_all(*writer, bytes);
    EXPECT_TRUE(received);
    EXPECT_TRUE(b.gate->lines.empty());
    auto room = co_await writer->prepare();
    EXPECT_TRUE(room);
    EXPECT_EQ(room->size(), kPart);
    CommitOptions options;
    auto done = co_await writer->commit(options);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(b.gate->count("partNumber="), 1u) << "none for the room that stayed empty";
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverPrepare, GivesWhatThePartStillLacks) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 100);
    auto writer = co_await open(b);
    auto whole = co_await writer->prepare();
    EXPECT_TRUE(whole);
    EXPECT_EQ(whole->size(), kPart);
    auto again = co_await writer->prepare();
    EXPECT_TRUE(again);
    EXPECT_EQ(again->data(), whole->data());
    EXPECT_EQ(writer->size_bytes(), 0u);
    std::memcpy(again->data(), bytes.data(), 100);
    auto written = co_await writer->write_prepared(100);
    EXPECT_TRUE(written);
    EXPECT_EQ(writer->size_bytes(), 100u);
    auto rest = co_await writer->prepare();
    EXPECT_TRUE(rest);
    EXPECT_EQ(rest->data(), whole->data() + 100);
    EXPECT_EQ(rest->size(), kPart - 100);
    auto done = co_await receive_and_commit(*writer, Bytes(bytes).subspan(100));
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
  });
}

TEST(DriverPrepare, TakesTurnsWithWrite) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart + 77);
    auto writer = co_await open(b);
    std::mt19937_64 random(44);
    Bytes rest(bytes);
    while (!rest.empty()) {
      std::size_t size = std::min<std::size_t>(rest.size(), random() % 300'000);
      if (random() % 2 == 0) {
        auto unused = co_await writer->prepare();
        EXPECT_TRUE(unused);
        auto written = co_await writer->write(rest.first(size));
        EXPECT_TRUE(written);
      } else {
        auto received = co_await receive(*writer, rest, size);
        EXPECT_TRUE(received);
        size = received.value_or(0);
      }
      rest = rest.subspan(size);
      EXPECT_EQ(writer->size_bytes(), bytes.size() - rest.size());
    }
    CommitOptions options;
    auto done = co_await writer->commit(options);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
  });
}

TEST(DriverPrepare, ShowsItsBytesToTheHookOnceAndInOrder) {
  DriverBed bed;
  bed.options.checksum = ChecksumMode::crc64nvme;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(kPart + 700'000);
    std::vector<std::byte> seen;
    WriterOptions options;
    options.hook = [&seen](Bytes piece) { seen.insert(seen.end(), piece.begin(), piece.end()); };
    auto opened = co_await driver::open_writer(*b.core, "/a", options);
    EXPECT_TRUE(opened);
    auto done = co_await receive_and_commit(**opened, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(seen == bytes);
    Checksum whole(ChecksumAlgorithm::crc64nvme);
    whole.update(bytes);
    EXPECT_EQ(b.object("a")->checksum->value, whole.finish_base64());
  });
}

TEST(DriverPrepare, NeedsNoMoreMemoryThanWrite) {
  DriverBed bed;
  bed.budget_options.limit_bytes = kPart + kPart / 4;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(3 * kPart + 1);
    auto writer = co_await open(b);
    auto done = co_await receive_and_commit(*writer, bytes);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(b.gate->most_running, 1u);
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverPrepare, GoesOnBehindWhatAClosedWriterHasLeft) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    std::vector<std::byte> bytes = b.noise(2 * kPart);
    auto first = co_await open(b);
    auto begun = co_await receive_all(*first, Bytes(bytes).first(kPart + 10));
    EXPECT_TRUE(begun);
    auto room = co_await first->prepare();  // and nothing came
    EXPECT_TRUE(room);
    auto closed = co_await first->close();
    EXPECT_TRUE(closed) << closed.error().message();
    auto second = co_await open(b, true);
    EXPECT_EQ(second->size_bytes(), kPart + 10);
    auto behind = co_await second->prepare();
    EXPECT_TRUE(behind);
    EXPECT_EQ(behind->size(), kPart - 10);
    auto done = co_await receive_and_commit(*second, Bytes(bytes).subspan(kPart + 10));
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

TEST(DriverPrepare, IsRefusedOnceTheWriterHasEnded) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    auto writer = co_await open(b);
    auto room = co_await writer->prepare();
    EXPECT_TRUE(room);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled);
    auto prepared = co_await writer->prepare();
    auto written = co_await writer->write_prepared(1);
    EXPECT_FALSE(prepared);
    EXPECT_FALSE(written);
    EXPECT_EQ(prepared.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(written.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(prepared.error().message().find("already cancelled"), std::string::npos);
    b.expect_nothing_left();
  });
}

// --- Failures and stops, with memory in the caller's hands.

/// Fills all that is given, until that fails.
Task<Error> receive_until_failure(StorageWriter& writer) {
  while (true) {
    auto room = co_await writer.prepare();
    if (!room) co_return std::move(room).error();
    std::memset(room->data(), 1, room->size());
    auto written = co_await writer.write_prepared(room->size());
    if (!written) co_return std::move(written).error();
  }
}

TEST(DriverPrepare, KeepsTheRoomWhileAPartFailsAndSaysSoThen) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    engine::Event refused;
    b.gate->busy = "partNumber=1&";
    b.gate->effect = [&refused] { refused.set(); };
    std::vector<std::byte> bytes = b.noise(kPart + 1);
    auto writer = co_await open(b);
    auto begun = co_await receive_all(*writer, bytes);  // the first part is on its way
    EXPECT_TRUE(begun);
    auto room = co_await writer->prepare();
    EXPECT_TRUE(room);
    auto seen = co_await refused.wait();
    EXPECT_TRUE(seen);
    std::memset(room->data(), 1, room->size());
    Error error = co_await receive_until_failure(*writer);
    EXPECT_EQ(error.kind(), ErrorKind::throttled) << error.message();
    EXPECT_FALSE(error.maybe_applied());
    auto after = co_await writer->prepare();
    EXPECT_FALSE(after);
    EXPECT_EQ(after.error().kind(), ErrorKind::throttled);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    b.expect_nothing_left();
  });
}

TEST(DriverPrepare, CancelsPartsUnderWayWithRoomHandedOut) {
  DriverBed bed;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->hold = "partNumber=2&";
    std::vector<std::byte> bytes = b.noise(2 * kPart + 5);
    auto writer = co_await open(b);
    auto received = co_await receive_all(*writer, bytes);
    EXPECT_TRUE(received);
    auto room = co_await writer->prepare();
    EXPECT_TRUE(room);
    EXPECT_EQ(room->size(), kPart - 5);
    auto held = co_await b.gate->held.wait();
    EXPECT_TRUE(held);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    EXPECT_EQ(b.object("a"), nullptr);
    b.expect_nothing_left();
  });
}

TEST(DriverPrepare, AcceptsNothingWhenItIsStopped) {
  DriverBed bed;
  bed.options.upload_concurrency = 1;
  bed.attempts_max = 2;
  bed.run([](DriverBed& b) -> Task<void> {
    b.gate->hold = "partNumber=1&";
    std::vector<std::byte> bytes = b.noise(4 * kPart);
    Bytes rest(bytes);
    auto writer = co_await open(b);
    for (int part = 0; part < 2; ++part) {
      // The first part is held, and the second block waits for its turn.
      auto received =
          co_await engine::with_deadline(Deadline::after(20ms), receive(*writer, rest, kPart));
      if (part == 0) {
        EXPECT_TRUE(received);
      } else {
        EXPECT_FALSE(received);
        EXPECT_EQ(received.error().kind(), ErrorKind::timed_out) << received.error().message();
        EXPECT_EQ(received.error().bytes_done(), kPart) << "write_prepared had taken them";
      }
      rest = rest.subspan(kPart);
    }
    auto stopped = co_await engine::with_deadline(Deadline::after(20ms), writer->prepare());
    EXPECT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), ErrorKind::timed_out) << stopped.error().message();
    EXPECT_EQ(stopped.error().bytes_done(), 0u);
    EXPECT_EQ(writer->size_bytes(), 2 * kPart);
    auto cancelled = co_await writer->cancel();
    EXPECT_TRUE(cancelled) << cancelled.error().message();
    b.expect_nothing_left();
  });
}

Task<Result<std::span<std::byte>>> prepare_until_stopped(StorageWriter& writer,
                                                         engine::StopSource& stop) {
  auto room = co_await engine::with_stop(stop, writer.prepare());
  co_return room;
}

TEST(DriverPrepare, LosesNothingWhenItIsStopped) {
  DriverBed bed;
  bed.options.upload_concurrency = 1;
  bed.attempts_max = 2;
  bed.run([](DriverBed& b) -> Task<void> {
    // The first attempt at part 1 fails late: prepare() is waiting then, and goes on afterwards.
    b.gate->lose = "partNumber=1&";
    b.gate->times = 1;
    engine::StopSource stop;
    b.gate->effect = [&stop] { stop.request_stop(); };
    std::vector<std::byte> bytes = b.noise(3 * kPart);
    Bytes rest(bytes);
    auto writer = co_await open(b);
    bool stopped = false;
    while (!rest.empty()) {
      auto room = co_await prepare_until_stopped(*writer, stop);
      if (!room) {
        EXPECT_EQ(room.error().kind(), ErrorKind::cancelled) << room.error().message();
        stopped = true;
        break;
      }
      std::size_t size = std::min<std::size_t>({rest.size(), room->size(), kPart - 1});
      std::memcpy(room->data(), rest.data(), size);
      auto written = co_await engine::with_stop(stop, writer->write_prepared(size));
      rest = rest.subspan(size);
      if (written) continue;
      EXPECT_EQ(written.error().bytes_done(), size);
      stopped = true;
      break;
    }
    EXPECT_TRUE(stopped);
    EXPECT_EQ(writer->size_bytes(), bytes.size() - rest.size());
    auto done = co_await receive_and_commit(*writer, rest);
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_TRUE(b.content("a") == bytes);
    b.expect_nothing_left();
  });
}

}  // namespace
}  // namespace ringpull::s3
