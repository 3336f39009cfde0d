// What the golden cases in chunked.md cannot say: views, steps, encoding, and cost.

#include <array>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/http/chunked.hpp>

namespace ringpull::http {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string_view text(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

std::string chunk(std::string_view data) {
  std::array<char, kChunkHeadBytesMax> head;
  return std::string(write_chunk_head(data.size(), head)).append(data).append(kChunkTail);
}

TEST(ChunkedDecoder, HandsOutViewsOfItsInput) {
  ChunkedDecoder decoder;
  const std::string body = "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n";
  std::string_view rest = body;
  auto first = decoder.decode(bytes(rest));
  ASSERT_TRUE(first);
  EXPECT_EQ(text(first->data), "hello");
  EXPECT_EQ(static_cast<const void*>(first->data.data()), body.data() + 3);
  EXPECT_EQ(first->consumed, 8U);
  rest.remove_prefix(first->consumed);
  auto second = decoder.decode(bytes(rest));
  ASSERT_TRUE(second);
  EXPECT_EQ(text(second->data), "abc");
  EXPECT_FALSE(second->done);
  rest.remove_prefix(second->consumed);
  auto last = decoder.decode(bytes(rest));
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->done);
  EXPECT_EQ(last->consumed, rest.size());
  EXPECT_TRUE(decoder.done());
}

TEST(ChunkedDecoder, TakesAnEmptyInput) {
  ChunkedDecoder decoder;
  auto step = decoder.decode({});
  ASSERT_TRUE(step);
  EXPECT_EQ(step->consumed, 0U);
  EXPECT_FALSE(step->done);
}

TEST(ChunkedDecoder, ServesTheNextBodyAfterReset) {
  ChunkedDecoder decoder;
  for (const std::string_view value : {"1", "2"}) {
    decoder.reset();
    auto step = decoder.decode(bytes("0\r\nX: " + std::string(value) + "\r\n\r\n"));
    ASSERT_TRUE(step);
    EXPECT_TRUE(step->done);
    EXPECT_EQ(decoder.trailers().size(), 1U);
    EXPECT_EQ(decoder.trailers().get("X"), value);
  }
  decoder.reset();
  EXPECT_FALSE(decoder.decode(bytes("x")));
  decoder.reset();
  EXPECT_TRUE(decoder.decode(bytes("0\r\n\r\n")));
}

TEST(ChunkedDecoder, ReadsAwsChunkedBodiesWithSignedChunksAndATrailer) {
  const std::string body =
      "5;chunk-signature="
      "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\nhello\r\n"
      "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
      "x-amz-checksum-crc32c:sOO8/Q==\r\n"
      "x-amz-trailer-signature:"
      "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
  ChunkedDecoder decoder;
  auto step = decoder.decode(bytes(body));
  ASSERT_TRUE(step);
  EXPECT_EQ(text(step->data), "hello");
  auto last = decoder.decode(bytes(std::string_view(body).substr(step->consumed)));
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->done);
  EXPECT_EQ(decoder.trailers().get("x-amz-checksum-crc32c"), "sOO8/Q==");
  EXPECT_EQ(decoder.trailers().size(), 2U);
}

TEST(ChunkedDecoder, CopesWithAMillionChunksOfOneByte) {
  std::string body;
  for (int i = 0; i < 1'000'000; ++i) body += "1\r\nx\r\n";
  body += kLastChunk;
  ChunkedDecoder decoder;
  auto rest = bytes(body);
  std::size_t decoded = 0;
  while (!decoder.done()) {
    auto step = decoder.decode(rest);
    ASSERT_TRUE(step);
    decoded += step->data.size();
    rest = rest.subspan(step->consumed);
  }
  EXPECT_EQ(decoded, 1'000'000U);
  EXPECT_TRUE(rest.empty());
}

TEST(WriteChunkHead, WritesTheSizeInHexadecimal) {
  std::array<char, kChunkHeadBytesMax> out;
  EXPECT_EQ(write_chunk_head(1, out), "1\r\n");
  EXPECT_EQ(write_chunk_head(0x10ab, out), "10ab\r\n");
  EXPECT_EQ(write_chunk_head(~std::uint64_t{0}, out), "ffffffffffffffff\r\n");
}

TEST(WriteChunkHead, MakesWhatTheDecoderReads) {
  for (const std::size_t size : {1U, 9U, 10U, 15U, 16U, 255U, 256U, 70000U}) {
    const std::string data(size, 'd');
    const std::string body = chunk(data) + std::string(kLastChunk);
    ChunkedDecoder decoder;
    auto step = decoder.decode(bytes(body));
    ASSERT_TRUE(step);
    EXPECT_EQ(text(step->data), data);
    auto last = decoder.decode(bytes(std::string_view(body).substr(step->consumed)));
    ASSERT_TRUE(last);
    EXPECT_TRUE(last->done);
  }
}

}  // namespace
}  // namespace ringpull::http
