// Reading files as streams.
#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <ringpull/s3/storage_error.hpp>

#include "tests/unit/s3/driver/read/reader_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using ringpull::testing::close;
using ringpull::testing::hold;
using ringpull::testing::read_head;
using ringpull::testing::write;
using testing::append;
using testing::as_bytes;
using testing::Bytes;
using testing::drain;
using testing::drain_in_bits;
using testing::kFirst;
using testing::kPart;
using testing::kPath;
using testing::kTotal;
using testing::kWindow;
using testing::noise;
using testing::open;
using testing::part;
using testing::part_head;
using testing::ReaderPtr;
using testing::tail;
using testing::text;
using testing::until;
using Bed = testing::ReaderBed;
using ScriptedBed = testing::ScriptedReaderBed;

TEST(DriverReader, DeliversFilesOfManySizesFromManyOffsets) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    for (std::size_t size : {1, 4095, 4096, 4097, 3 * 4096, 100'000, 300'001}) {
      Bytes bytes = noise(size, size);
      co_await b.put(bytes);
      for (std::size_t offset : {std::size_t{0}, std::size_t{1}, size / 2, size - 1}) {
        ReaderPtr reader = co_await open(b.core(), offset);
        EXPECT_EQ(reader->file_size_bytes(), size);
        EXPECT_FALSE(reader->etag().empty());
        Bytes all = co_await drain(*reader);
        EXPECT_TRUE(all == tail(bytes, offset)) << size << " from " << offset;
        co_await reader->close();
        EXPECT_EQ(reader->stats().bytes_received, all.size());
        EXPECT_EQ(reader->stats().bytes_delivered, all.size());
        EXPECT_EQ(reader->stats().bytes_discarded, 0u);

        reader = co_await open(b.core(), offset);
        Bytes bits = co_await drain_in_bits(*reader, size + offset);
        EXPECT_TRUE(bits == tail(bytes, offset)) << size << " from " << offset;
        co_await reader->close();
      }
    }
  });
}

TEST(DriverReader, ReadsASmallFileInOneRequest) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(kFirst);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"GET 0-4095"});
  });
}

TEST(DriverReader, AFileWithoutBytesIsAnEmptyStream) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(Bytes());
    ReaderPtr reader = co_await open(b.core());
    EXPECT_EQ(reader->file_size_bytes(), 0u);
    EXPECT_FALSE(reader->etag().empty());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all.empty());
    std::array<std::byte, 10> out;
    auto some = co_await reader->read_some(out);
    EXPECT_EQ(some.value(), 0u);
    co_await reader->close();
  });
}

TEST(DriverReader, AnOffsetAtOrBehindTheEndGivesAnEmptyStream) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(1000));
    for (std::uint64_t offset : {std::uint64_t{1000}, std::uint64_t{1} << 62}) {
      ReaderPtr reader = co_await open(b.core(), offset);
      EXPECT_EQ(reader->file_size_bytes(), 1000u);
      Bytes all = co_await drain(*reader);
      EXPECT_TRUE(all.empty());
      co_await reader->close();
    }
  });
}

TEST(DriverReader, RefusesAnOffsetThatServersCannotCount) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    ReaderOptions options;
    options.offset = static_cast<std::uint64_t>(-1);
    auto reader = co_await driver::open_reader(b.core(), kPath, options);
    EXPECT_FALSE(reader);
    EXPECT_EQ(reader.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(reader.error().code(), StorageErrc::invalid_offset);
    EXPECT_TRUE(b.gate->lines.empty());
  });
}

TEST(DriverReader, AMissingFileIsPathNotFound) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    for (std::uint64_t offset : {0, 64}) {
      ReaderOptions options;
      options.offset = offset;
      auto reader = co_await driver::open_reader(b.core(), kPath, options);
      EXPECT_FALSE(reader);
      EXPECT_EQ(reader.error().kind(), ErrorKind::not_found);
      EXPECT_EQ(reader.error().code(), StorageErrc::path_not_found);
      EXPECT_NE(reader.error().message().find("s3aws: read /dir/file"), std::string::npos);
    }
  });
}

TEST(DriverReader, RampsUpAsItsCallerGoesOn) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    EXPECT_EQ(b.gate->lines.size(), 1u);
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
    std::vector<std::string> sorted = b.gate->lines;
    auto first_byte = [](const std::string& line) { return std::stoul(line.substr(4)); };
    std::ranges::sort(sorted, {}, first_byte);
    EXPECT_EQ(sorted,
              (std::vector<std::string>{"GET 0-4095", "GET 4096-12287", "GET 12288-28671",
                                        "GET 28672-61439", "GET 61440-94207", "GET 94208-126975"}));
  });
}

TEST(DriverReader, DoesNotReadAheadOfACallerThatWantsOnlyTheHead) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(31 * kFirst));
    ReaderPtr reader = co_await open(b.core());
    std::array<std::byte, 1000> out;
    auto some = co_await reader->read_some(out);
    EXPECT_EQ(some.value(), 1000u);
    co_await reader->close();
    EXPECT_EQ(b.gate->lines.size(), 1u);
    EXPECT_EQ(reader->stats().bytes_received, kFirst);
    EXPECT_EQ(reader->stats().bytes_delivered, 1000u);
    EXPECT_EQ(reader->stats().bytes_discarded, kFirst - 1000);
  });
}

TEST(DriverReader, HoldsNoMoreThanItsWindowWhileTheCallerSleeps) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(64 * kPart);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    Bytes all;
    while (all.size() < 8 * kPart) {
      auto piece = co_await reader->next();
      append(all, piece->bytes());
    }
    // The caller is away. Everything that was asked for arrives, and nothing more is.
    std::size_t taken = all.size();
    co_await until([&] { return reader->stats().bytes_received == taken + kWindow; });
    EXPECT_EQ(b.gate->running, 0u);
    EXPECT_EQ(b.stack->budget.stats().used_bytes, kWindow);
    EXPECT_LE(b.gate->most_running, 4u);
    EXPECT_GE(b.gate->most_running, 2u);
    Bytes rest = co_await drain(*reader);
    append(all, rest);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
  });
}

TEST(DriverReader, ABrokenConnectionIsResumedFromItsLastByte) {
  ScriptedBed bed;
  bed.options.read_concurrency = 1;
  bed.scripts = {{read_head(), write(part(0, kFirst)), read_head(),
                  write(part_head(kFirst, 2 * kFirst) + text(kFirst, 100)), close()},
                 {read_head(), write(part(kFirst + 100, 2 * kFirst - 100)), read_head(),
                  write(part(3 * kFirst, 2 * kFirst)), hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == as_bytes(text(0, kTotal)));
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_received, kTotal);
    const std::string& resumed = b.peer->heads().at(2);
    EXPECT_NE(resumed.find("Range: bytes=4196-12287\r\n"), std::string::npos) << resumed;
    EXPECT_NE(resumed.find("If-Match: \"e1\"\r\n"), std::string::npos) << resumed;
  });
}

TEST(DriverReader, TheFirstPartIsResumedToo) {
  ScriptedBed bed;
  bed.scripts = {{read_head(), write(part_head(0, kFirst) + text(0, 1)), close()},
                 {read_head(), write(part(1, kFirst - 1)), hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    Bytes head(kFirst);
    auto some = co_await reader->read_some(std::span(head).first(10));
    EXPECT_EQ(some.value(), 10u);
    EXPECT_TRUE(std::ranges::equal(std::span(head).first(10), as_bytes(text(0, 10))));
    co_await reader->close();
    EXPECT_EQ(reader->stats().bytes_received, kFirst);
  });
}

/// Reads a file whose second part is answered so; gives the failure.
Task<std::optional<Error>> fail_at_second_part(ScriptedBed& b) {
  ReaderPtr reader = co_await open(b.core());
  auto first = co_await reader->next();
  EXPECT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->size(), kFirst);
  auto second = co_await reader->next();
  EXPECT_FALSE(second);
  auto again = co_await reader->next();
  EXPECT_FALSE(again);  // it stays so
  std::optional<Error> failure;
  if (!second) failure = std::move(second).error();
  co_await reader->close();
  EXPECT_EQ(reader->stats().bytes_delivered, kFirst);
  co_return failure;
}

ScriptedBed with_second_answer(std::string answer) {
  ScriptedBed bed;
  bed.options.read_concurrency = 1;
  bed.scripts = {
      {read_head(), write(part(0, kFirst)), read_head(), write(std::move(answer)), hold()}};
  return bed;
}

TEST(DriverReader, NeverMixesTwoVersionsWhereTheServerIgnoresIfMatch) {
  ScriptedBed bed =
      with_second_answer(part_head(kFirst, 2 * kFirst, "e2") + text(kFirst, 2 * kFirst));
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto failure = co_await fail_at_second_part(b);
    EXPECT_EQ(failure->kind(), ErrorKind::precondition_failed) << failure->message();
  });
}

TEST(DriverReader, RefusesAnotherRangeThanItAskedFor) {
  ScriptedBed bed = with_second_answer(part_head(kFirst + 1, 2 * kFirst));
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto failure = co_await fail_at_second_part(b);
    EXPECT_EQ(failure->kind(), ErrorKind::protocol) << failure->message();
  });
}

TEST(DriverReader, RefusesAnAnswerWithoutContentRange) {
  ScriptedBed bed = with_second_answer(
      "HTTP/1.1 206 x\r\nETag: \"e1\"\r\nContent-Length: 8192\r\n\r\n" + text(kFirst, 8192));
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto failure = co_await fail_at_second_part(b);
    EXPECT_EQ(failure->kind(), ErrorKind::protocol) << failure->message();
  });
}

TEST(DriverReader, RefusesTheWholeFileInsteadOfAPart) {
  ScriptedBed bed = with_second_answer(
      "HTTP/1.1 200 x\r\nETag: \"e1\"\r\nContent-Length: " + std::to_string(kTotal) + "\r\n\r\n");
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto failure = co_await fail_at_second_part(b);
    EXPECT_EQ(failure->kind(), ErrorKind::protocol) << failure->message();
  });
}

TEST(DriverReader, TakesASmallFileFromAServerThatIgnoresRanges) {
  ScriptedBed bed;
  bed.scripts = {
      {read_head(),
       write("HTTP/1.1 200 x\r\nETag: \"e1\"\r\nContent-Length: 100\r\n\r\n" + text(0, 100)),
       hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderPtr reader = co_await open(b.core());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == as_bytes(text(0, 100)));
    co_await reader->close();
  });
}

TEST(DriverReader, RefusesALargeFileThatHasNoETag) {
  ScriptedBed bed;
  bed.scripts = {{read_head(),
                  write("HTTP/1.1 206 x\r\nContent-Range: bytes 0-4095/9999\r\nContent-Length: "
                        "4096\r\n\r\n" +
                        text(0, 4096)),
                  hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    ReaderOptions options;
    auto reader = co_await driver::open_reader(b.core(), kPath, options);
    EXPECT_FALSE(reader);
    EXPECT_EQ(reader.error().kind(), ErrorKind::protocol) << reader.error().message();
  });
}

TEST(DriverReader, GoesOnAfterTheServerThrottledIt) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    b.gate->refuse = {{0, 503}, {2, 503}, {3, 503}};
    ReaderPtr reader = co_await open(b.core());
    Bytes all = co_await drain(*reader);
    EXPECT_TRUE(all == bytes);
    co_await reader->close();
    EXPECT_EQ(b.stack->client->stats().throttled, 3u);
  });
}

TEST(DriverReader, DeliversWhatLiesBeforeAPartThatFailed) {
  Bed bed;
  bed.options.read_concurrency = 1;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst);
    co_await b.put(bytes);
    b.gate->refuse = {{2, 403}};
    ReaderPtr reader = co_await open(b.core());
    Bytes all;
    auto piece = co_await reader->next();
    while (piece) {
      append(all, piece->bytes());
      piece = co_await reader->next();
    }
    EXPECT_EQ(piece.error().kind(), ErrorKind::permission_denied);
    EXPECT_NE(piece.error().message().find("s3aws: read /dir/file"), std::string::npos);
    EXPECT_EQ(all.size(), 3 * kFirst);
    EXPECT_TRUE(std::ranges::equal(all, std::span(bytes).first(all.size())));
    co_await reader->close();
    EXPECT_EQ(b.gate->lines.size(), 3u);  // nothing was asked for behind the failure
  });
}

TEST(DriverReader, NoticesThatTheFileIsReplacedWhileItReads) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(31 * kFirst, 1);
    co_await b.put(bytes);
    ReaderPtr reader = co_await open(b.core());
    co_await b.put(noise(31 * kFirst, 2));
    Bytes all;
    auto piece = co_await reader->next();
    while (piece) {
      append(all, piece->bytes());
      piece = co_await reader->next();
    }
    EXPECT_EQ(piece.error().kind(), ErrorKind::precondition_failed) << piece.error().message();
    EXPECT_TRUE(std::ranges::equal(all, std::span(bytes).first(kFirst)));
    co_await reader->close();
  });
}

TEST(DriverReader, AFileThatIsRemovedWhileItReadsIsPathNotFound) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(31 * kFirst));
    ReaderPtr reader = co_await open(b.core());
    b.store.remove("b", "root/dir/file");
    auto piece = co_await reader->next();
    EXPECT_TRUE(piece);
    piece->release();
    piece = co_await reader->next();
    EXPECT_FALSE(piece);
    EXPECT_EQ(piece.error().code(), StorageErrc::path_not_found);
    co_await reader->close();
  });
}

TEST(DriverReader, TheHookSeesExactlyWhatIsDelivered) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(100 * kFirst);
    co_await b.put(bytes);
    Bytes seen;
    ReaderOptions options;
    options.offset = 10;
    options.hook = [&seen](std::span<const std::byte> piece) { append(seen, piece); };
    auto opened = co_await driver::open_reader(b.core(), kPath, options);
    ReaderPtr reader = std::move(*opened);
    std::array<std::byte, 100> out;
    auto some = co_await reader->read_some(out);
    EXPECT_EQ(some.value(), 100u);
    EXPECT_EQ(seen.size(), 100u);
    auto piece = co_await reader->next();
    EXPECT_EQ(piece->size(), kFirst - 100);  // the rest of a block that was begun
    EXPECT_EQ(seen.size(), kFirst);
    piece->release();
    Bytes all = co_await drain(*reader);
    EXPECT_EQ(all.size(), bytes.size() - 10 - kFirst);
    EXPECT_TRUE(seen == tail(bytes, 10));
    co_await reader->close();
  });
}

Task<void> read_from(Bed& b, const Bytes& bytes, std::uint64_t offset, bool in_bits) {
  ReaderPtr reader = co_await open(b.core(), offset);
  Bytes all;
  if (in_bits) {
    all = co_await drain_in_bits(*reader, offset);
  } else {
    all = co_await drain(*reader);
  }
  EXPECT_TRUE(all == tail(bytes, static_cast<std::size_t>(offset)));
  co_await reader->close();
}

TEST(DriverReader, TenReadersAtRandomOffsetsDoNotDisturbEachOther) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(1'000'000);
    co_await b.put(bytes);
    std::mt19937_64 random(7);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    for (int i = 0; i < 10; ++i) {
      scope.spawn(read_from(b, bytes, random() % bytes.size(), i % 2 == 0));
    }
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  });
}

// Goal: readers share a budget far smaller than their windows, and all come to an end. Method: a
// budget of twelve pages, in which no part of full size fits beside another reader's.
TEST(DriverReader, AThousandReadersFinishUnderASmallBudget) {
  Bed bed;
  bed.budget_bytes = 12 * kFirst;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(4 * kFirst + 1);
    co_await b.put(bytes);
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    for (int i = 0; i < 1000; ++i) scope.spawn(read_from(b, bytes, 0, i % 2 == 0));
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
    EXPECT_LE(b.stack->budget.stats().used_bytes_peak, b.budget_bytes);
  });
}

TEST(DriverReader, ReadsWithABudgetSmallerThanItsFirstPart) {
  Bed bed;
  bed.options.read_first_bytes = 10 * kFirst;
  bed.budget_bytes = 2 * kFirst + 100;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(10 * kFirst);
    co_await b.put(bytes);
    co_await read_from(b, bytes, 0, false);
    EXPECT_EQ(b.gate->lines.at(0), "GET 0-8191");
  });
}

}  // namespace
}  // namespace ringpull::s3
