#include <algorithm>
#include <array>
#include <charconv>

#include <ringpull/engine/assert.hpp>
#include <ringpull/s3/aws_chunked.hpp>

namespace ringpull::inline v0::s3 {
namespace {

constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";

std::size_t hex_digits(std::uint64_t value) {
  std::size_t digits = 1;
  while (value >>= 4) ++digits;
  return digits;
}

/// A chunk's size line and the CRLF behind its data.
std::uint64_t framed_size(std::uint64_t size) { return hex_digits(size) + 2 + size + 2; }

std::size_t base64_size(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::crc32c: return 8;
    case ChecksumAlgorithm::crc64nvme: return 12;
    case ChecksumAlgorithm::sha256: return 44;
  }
  return 0;
}

}  // namespace

AwsChunkedEncoder::AwsChunkedEncoder(std::uint64_t decoded_size_bytes, ChecksumAlgorithm algorithm,
                                     std::size_t chunk_bytes)
    : checksum_(algorithm),
      decoded_size_(decoded_size_bytes),
      left_(decoded_size_bytes),
      chunk_bytes_(std::max(chunk_bytes, kChunkBytesMin)) {}

std::uint64_t AwsChunkedEncoder::encoded_size_bytes() const noexcept {
  std::uint64_t full_chunks = decoded_size_ / chunk_bytes_;
  std::uint64_t rest = decoded_size_ % chunk_bytes_;
  std::uint64_t trailer =
      checksum_header(checksum_.algorithm()).size() + 1 + base64_size(checksum_.algorithm()) + 2;
  return full_chunks * framed_size(chunk_bytes_) + (rest > 0 ? framed_size(rest) : 0) +
         std::string_view("0\r\n\r\n").size() + trailer;
}

void AwsChunkedEncoder::set_headers(http::Headers& headers) const {
  std::string encoding = "aws-chunked";
  if (auto own = headers.get("content-encoding")) (encoding += ',') += *own;
  headers.set("Content-Encoding", encoding);
  headers.set("x-amz-decoded-content-length", std::to_string(decoded_size_));
  headers.set("x-amz-trailer", checksum_header(checksum_.algorithm()));
}

std::string_view AwsChunkedEncoder::begin_chunk() {
  RINGPULL_ASSERT(left_ > 0 && chunk_left_ == 0, "aws-chunked: a chunk begun inside another");
  chunk_left_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_, chunk_bytes_));
  std::array<char, http::kChunkHeadBytesMax> head;
  framing_ = left_ == decoded_size_ ? std::string_view() : http::kChunkTail;
  framing_ += http::write_chunk_head(chunk_left_, head);
  return framing_;
}

void AwsChunkedEncoder::add(std::span<const std::byte> piece) {
  RINGPULL_ASSERT(piece.size() <= chunk_left_, "aws-chunked: more bytes than the chunk announced");
  checksum_.update(piece);
  chunk_left_ -= piece.size();
  left_ -= piece.size();
}

std::string_view AwsChunkedEncoder::finish() {
  RINGPULL_ASSERT(left_ == 0, "aws-chunked: finished before its last chunk");
  checksum_base64_ = checksum_.finish_base64();
  framing_ = decoded_size_ == 0 ? std::string_view() : http::kChunkTail;
  framing_ += "0\r\n";
  framing_ += checksum_header(checksum_.algorithm());
  framing_ += ':';
  framing_ += checksum_base64_;
  framing_ += "\r\n\r\n";
  return framing_;
}

Result<AwsChunkedDecoder> AwsChunkedDecoder::create(const http::Headers& headers) {
  AwsChunkedDecoder decoder;
  std::string_view size = headers.get("x-amz-decoded-content-length").value_or("");
  auto [end, error] =
      std::from_chars(size.data(), size.data() + size.size(), decoder.decoded_size_);
  if (error != std::errc() || end != size.data() + size.size()) {
    return fail(
        Error(ErrorKind::invalid_argument, "an aws-chunked body needs x-amz-decoded-content-length")
            .with_service_code("MissingContentLength"));
  }
  std::string_view trailer = headers.get("x-amz-trailer").value_or("");
  bool names_checksum =
      trailer.size() > kChecksumPrefix.size() &&
      http::equal_ignoring_case(trailer.substr(0, kChecksumPrefix.size()), kChecksumPrefix);
  if (names_checksum) {
    auto algorithm = parse_checksum_algorithm(trailer.substr(kChecksumPrefix.size()));
    if (algorithm) decoder.checksum_.emplace(*algorithm);
  }
  return decoder;
}

Result<http::BodyStep> AwsChunkedDecoder::decode(std::span<const std::byte> in) {
  auto step = decoder_.decode(in);
  if (!step) return step;
  received_ += step->data.size();
  if (received_ > decoded_size_) {
    return fail(Error(ErrorKind::truncated, "an aws-chunked body is longer than it announced")
                    .with_service_code("IncompleteBody"));
  }
  if (checksum_) checksum_->update(step->data);
  if (step->done) {
    RINGPULL_CHECK(check_end());
  }
  return step;
}

Result<void> AwsChunkedDecoder::check_end() {
  if (received_ != decoded_size_) {
    return fail(Error(ErrorKind::truncated, "an aws-chunked body is shorter than it announced")
                    .with_service_code("IncompleteBody"));
  }
  if (!checksum_) return {};
  ChecksumAlgorithm algorithm = checksum_->algorithm();
  auto announced = decoder_.trailers().get(checksum_header(algorithm));
  if (!announced) {
    return fail(Error(ErrorKind::invalid_argument, "the trailer " +
                                                       std::string(checksum_header(algorithm)) +
                                                       " was announced and did not come")
                    .with_service_code("MalformedTrailerError"));
  }
  std::string actual = checksum_->finish_base64();
  if (*announced != actual) {
    return fail(Error(ErrorKind::checksum_mismatch, "the body's " +
                                                        std::string(to_string(algorithm)) + " is " +
                                                        actual + ", not what its trailer says")
                    .with_service_code("BadDigest"));
  }
  result_.emplace(algorithm, std::move(actual));
  return {};
}

}  // namespace ringpull::inline v0::s3
