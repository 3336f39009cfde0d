#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include <ringpull/s3/aws_chunked.hpp>

namespace ringpull::s3 {
namespace {

std::string random_text(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

std::string encode(AwsChunkedEncoder& encoder, std::string_view body) {
  std::string wire;
  while (encoder.left_bytes() > 0) {
    wire += encoder.begin_chunk();
    // In halves: where a body's pieces end is not where its chunks do.
    while (std::size_t left = encoder.chunk_left_bytes()) {
      std::string_view piece = body.substr(0, (left + 1) / 2);
      encoder.add(bytes_of(piece));
      wire += piece;
      body.remove_prefix(piece.size());
    }
  }
  wire += encoder.finish();
  return wire;
}

struct Decoded {
  std::string body;
  std::string service_code;
  std::optional<ObjectChecksum> checksum;
};

Decoded decode(const http::Headers& headers, std::string_view wire, std::size_t piece) {
  Decoded out;
  auto decoder = AwsChunkedDecoder::create(headers);
  if (!decoder) return {"", std::string(decoder.error().service_code()), std::nullopt};
  while (!wire.empty() && !decoder->done()) {
    auto step = decoder->decode(bytes_of(wire.substr(0, piece)));
    if (!step) {
      out.service_code = step.error().service_code();
      if (out.service_code.empty()) out.service_code = to_string(step.error().kind());
      return out;
    }
    out.body.append(reinterpret_cast<const char*>(step->data.data()), step->data.size());
    wire.remove_prefix(step->consumed);
  }
  if (!decoder->done()) out.service_code = "unfinished";
  out.checksum = decoder->checksum();
  return out;
}

TEST(AwsChunked, WritesWhatTheSpecificationShows) {
  AwsChunkedEncoder encoder(9, ChecksumAlgorithm::crc32c);
  http::Headers headers;
  headers.add("Content-Encoding", "gzip");
  encoder.set_headers(headers);
  EXPECT_EQ(headers.get("content-encoding"), "aws-chunked,gzip");
  EXPECT_EQ(headers.get("x-amz-decoded-content-length"), "9");
  EXPECT_EQ(headers.get("x-amz-trailer"), "x-amz-checksum-crc32c");
  EXPECT_EQ(encode(encoder, "123456789"),
            "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32c:4waSgw==\r\n\r\n");
  EXPECT_EQ(encoder.checksum_base64(), "4waSgw==");
}

TEST(AwsChunked, RoundTripsEverySizeAndAlgorithmWithTheAnnouncedLength) {
  constexpr std::size_t kChunk = AwsChunkedEncoder::kChunkBytesMin;
  for (auto algorithm :
       {ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::sha256}) {
    for (std::size_t size : {std::size_t(0), std::size_t(1), kChunk - 1, kChunk, kChunk + 1,
                             3 * kChunk, 3 * kChunk + 17}) {
      std::string body = random_text(size, 11);
      AwsChunkedEncoder encoder(size, algorithm, kChunk);
      http::Headers headers;
      encoder.set_headers(headers);
      std::string wire = encode(encoder, body);
      EXPECT_EQ(wire.size(), encoder.encoded_size_bytes()) << size;
      for (std::size_t piece : {std::size_t(1), std::size_t(1000), wire.size()}) {
        Decoded decoded = decode(headers, wire, piece);
        EXPECT_EQ(decoded.service_code, "") << size << " in pieces of " << piece;
        EXPECT_TRUE(decoded.body == body) << size << " in pieces of " << piece;
        ASSERT_TRUE(decoded.checksum);
        EXPECT_EQ(decoded.checksum->base64, encoder.checksum_base64());
      }
    }
  }
}

class AwsChunkedDecoding : public testing::Test {
 protected:
  AwsChunkedDecoding() {
    AwsChunkedEncoder encoder(9, ChecksumAlgorithm::crc32c);
    encoder.set_headers(headers_);
    wire_ = encode(encoder, "123456789");
  }
  std::string code_of(std::string_view wire) { return decode(headers_, wire, 7).service_code; }

  http::Headers headers_;
  std::string wire_;
};

TEST_F(AwsChunkedDecoding, RefusesAFlippedByte) {
  wire_[5] ^= 1;
  EXPECT_EQ(code_of(wire_), "BadDigest");
}

TEST_F(AwsChunkedDecoding, RefusesAnotherSizeThanAnnounced) {
  headers_.set("x-amz-decoded-content-length", "10");
  EXPECT_EQ(code_of(wire_), "IncompleteBody");
  headers_.set("x-amz-decoded-content-length", "8");
  EXPECT_EQ(code_of(wire_), "IncompleteBody");
  headers_.set("x-amz-decoded-content-length", "-9");
  EXPECT_EQ(code_of(wire_), "MissingContentLength");
  headers_.remove("x-amz-decoded-content-length");
  EXPECT_EQ(code_of(wire_), "MissingContentLength");
}

TEST_F(AwsChunkedDecoding, RefusesAMissingTrailerAndBrokenFraming) {
  EXPECT_EQ(code_of("9\r\n123456789\r\n0\r\n\r\n"), "MalformedTrailerError");
  EXPECT_EQ(code_of("9\r\n123456789X\r\n"), "protocol");
  EXPECT_EQ(code_of(std::string_view(wire_).substr(0, wire_.size() - 2)), "unfinished");
}

TEST_F(AwsChunkedDecoding, LetsAChecksumPassThatItDoesNotCompute) {
  headers_.set("x-amz-trailer", "x-amz-checksum-crc32");
  Decoded decoded =
      decode(headers_, "9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n", 1000);
  EXPECT_EQ(decoded.service_code, "");
  EXPECT_EQ(decoded.body, "123456789");
  EXPECT_FALSE(decoded.checksum);
}

}  // namespace
}  // namespace ringpull::s3
