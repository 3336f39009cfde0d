// Reading single ranges, and small files whole.
#include <algorithm>
#include <gtest/gtest.h>
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
using testing::as_bytes;
using testing::Bytes;
using testing::kPath;
using testing::noise;
using testing::part_head;
using testing::text;
using Bed = testing::ReaderBed;
using ScriptedBed = testing::ScriptedReaderBed;

TEST(DriverReadRange, ReadsInOneRequestAndTellsSizeAndETag) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Bytes bytes = noise(10'000);
    co_await b.put(bytes);
    Bytes out(3000);
    RangedReadOptions options;
    options.offset = 500;
    auto read = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->bytes, 3000u);
    EXPECT_EQ(read->file_size_bytes, 10'000u);
    EXPECT_FALSE(read->etag.empty());
    EXPECT_TRUE(std::ranges::equal(out, std::span(bytes).subspan(500, 3000)));
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"GET 500-3499"});

    options.offset = 9'990;
    auto end = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_EQ(end->bytes, 10u);
    EXPECT_TRUE(std::ranges::equal(std::span(out).first(10), std::span(bytes).last(10)));
    EXPECT_EQ(b.gate->lines.size(), 2u);
  });
}

TEST(DriverReadRange, GivesNothingBehindTheEnd) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    Bytes out(10);
    RangedReadOptions options;
    options.offset = 100;
    auto read = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->bytes, 0u);
    EXPECT_EQ(read->file_size_bytes, 100u);
    EXPECT_FALSE(read->etag.empty());
  });
}

TEST(DriverReadRange, IntoNoMemoryTellsSizeAndETag) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100));
    RangedReadOptions options;
    std::span<std::byte> nowhere;
    auto read = co_await driver::read_range(b.core(), kPath, nowhere, options);
    EXPECT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->file_size_bytes, 100u);
    EXPECT_EQ(b.gate->lines, std::vector<std::string>{"HEAD"});
  });
}

TEST(DriverReadRange, ReadsOnlyTheVersionThatWasAskedFor) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(100, 1));
    Bytes out(10);
    RangedReadOptions options;
    auto read = co_await driver::read_range(b.core(), kPath, out, options);
    options.if_match = read->etag;
    co_await b.put(noise(100, 2));
    auto again = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_FALSE(again);
    EXPECT_EQ(again.error().kind(), ErrorKind::precondition_failed);
    options.if_match = ETag();
    options.offset = static_cast<std::uint64_t>(-8);
    auto negative = co_await driver::read_range(b.core(), kPath, out, options);
    EXPECT_EQ(negative.error().code(), StorageErrc::invalid_offset);
    options.offset = 0;
    auto missing = co_await driver::read_range(b.core(), "/none", out, options);
    EXPECT_EQ(missing.error().code(), StorageErrc::path_not_found);
  });
}

TEST(DriverGetContent, ReadsAFileInOneRequest) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    for (std::size_t size : {0, 1, 100'000}) {
      Bytes bytes = noise(size);
      co_await b.put(bytes);
      auto content = co_await driver::get_content(b.core(), kPath, 100'000);
      EXPECT_TRUE(content) << content.error().message();
      EXPECT_TRUE(std::ranges::equal(content->bytes(), bytes));
      EXPECT_EQ(b.gate->lines, std::vector<std::string>{"GET"});
    }
  });
}

TEST(DriverGetContent, RefusesALargeFileBeforeItsBytesCome) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    co_await b.put(noise(1001));
    auto content = co_await driver::get_content(b.core(), kPath, 1000);
    EXPECT_FALSE(content);
    EXPECT_EQ(content.error().kind(), ErrorKind::too_large);
    EXPECT_NE(content.error().message().find("1001 bytes, more than the 1000 allowed"),
              std::string::npos)
        << content.error().message();
    EXPECT_EQ(b.stack->http->stats().bytes_received, 0u);
    auto missing = co_await driver::get_content(b.core(), "/none", 1000);
    EXPECT_EQ(missing.error().code(), StorageErrc::path_not_found);
  });
}

TEST(DriverGetContent, ResumesABrokenConnection) {
  ScriptedBed bed;
  bed.scripts = {
      {read_head(),
       write("HTTP/1.1 200 x\r\nETag: \"e1\"\r\nContent-Length: 100\r\n\r\n" + text(0, 40)),
       close()},
      {read_head(), write(part_head(40, 60, "e1", 100) + text(40, 60)), hold()}};
  bed.run([](ScriptedBed& b) -> Task<void> {
    auto content = co_await driver::get_content(b.core(), kPath, 1000);
    EXPECT_TRUE(content) << content.error().message();
    EXPECT_TRUE(std::ranges::equal(content->bytes(), as_bytes(text(0, 100))));
  });
}

}  // namespace
}  // namespace ringpull::s3
