// How often the parsers allocate: a few times for the first message, never again.

#include <gtest/gtest.h>
#include <string>

#include <ringpull/http/parser.hpp>

#include "tests/support/counting_allocator.hpp"

namespace ringpull::http {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// As S3 answers a ranged GET.
constexpr std::string_view kResponse =
    "HTTP/1.1 206 Partial Content\r\n"
    "x-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran\r\n"
    "x-amz-request-id: 318BC8BC148832E5\r\n"
    "x-amz-replication-status: COMPLETED\r\n"
    "x-amz-version-id: 3HL4kqtJlcpXroDTDmjVBH40Nrjfkd\r\n"
    "x-amz-server-side-encryption: AES256\r\n"
    "x-amz-storage-class: STANDARD_IA\r\n"
    "x-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\n"
    "Date: Mon, 3 Oct 2016 22:32:00 GMT\r\n"
    "Last-Modified: Sun, 1 Jan 2006 12:00:00 GMT\r\n"
    "ETag: \"fba9dede5f27731c9771645a39863328\"\r\n"
    "Accept-Ranges: bytes\r\n"
    "Content-Range: bytes 0-8388607/67108864\r\n"
    "Content-Type: application/octet-stream\r\n"
    "Content-Length: 8388608\r\n"
    "Server: AmazonS3\r\n"
    "\r\n";

constexpr std::string_view kRequest =
    "GET /bucket/a/rather/long/key/that/does/not/fit/inline?x-id=GetObject HTTP/1.1\r\n"
    "Host: bucket.s3.eu-central-1.amazonaws.com\r\n"
    "User-Agent: ringpull\r\n"
    "Range: bytes=0-8388607\r\n"
    "\r\n";

template <class Parser>
std::size_t allocations_of_one_message(Parser& parser, std::string_view wire) {
  const std::size_t before = testing::allocations();
  parser.start();
  auto used = parser.feed(bytes(wire));
  const std::size_t after = testing::allocations();
  EXPECT_TRUE(used && *used == wire.size() && parser.head_complete());
  return after - before;
}

TEST(Allocation, AResponseHeadTakesThreeAndThenNone) {
  ResponseParser parser;
  // The fields' bytes, their index, the reason.
  EXPECT_LE(allocations_of_one_message(parser, kResponse), 3U);
  EXPECT_EQ(parser.head().headers.size(), 15U);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(allocations_of_one_message(parser, kResponse), 0U);
  }
}

TEST(Allocation, ARequestHeadTakesFewAndThenNone) {
  RequestParser parser;
  EXPECT_LE(allocations_of_one_message(parser, kRequest), 3U);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(allocations_of_one_message(parser, kRequest), 0U);
  }
}

TEST(Allocation, AChunkedBodyTakesNone) {
  ResponseParser parser;
  ASSERT_TRUE(parser.feed(bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")));
  const std::string body = "5\r\nhello\r\n5;x=y\r\nhello\r\n0\r\n\r\n";
  const std::size_t before = testing::allocations();
  auto rest = bytes(body);
  bool done = false;
  while (!done) {
    auto step = parser.decode_body(rest);
    done = !step || step->done;
    if (step) rest = rest.subspan(step->consumed);
  }
  EXPECT_EQ(testing::allocations() - before, 0U);
  EXPECT_TRUE(rest.empty());
}

TEST(Allocation, WritingARequestTakesNoneWhereTheStringHasRoom) {
  RequestHead head("GET", "/bucket/key");
  head.headers.add("Host", "h");
  std::string out;
  out.reserve(1024);
  const std::size_t before = testing::allocations();
  EXPECT_TRUE(write_head(head, out));
  head.headers.set("Host", "i");
  EXPECT_EQ(testing::allocations() - before, 0U);
}

}  // namespace
}  // namespace ringpull::http
