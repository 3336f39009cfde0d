#pragma once
// The aws-chunked body of STREAMING-UNSIGNED-PAYLOAD-TRAILER, both ways, sans-IO: the checksum of
// the body follows the body, so that neither side reads it twice. For TLS only: nothing else
// protects it. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/chunked.hpp>
#include <ringpull/http/headers.hpp>
#include <ringpull/s3/checksum.hpp>
#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3 {

/// Frames a body of known size. On the wire: begin_chunk(), the chunk's bytes, begin_chunk(), ...,
/// finish(). All chunks but the last have `chunk_bytes` bytes, which fixes the size of the whole;
/// the bytes of a chunk may come in pieces.
class AwsChunkedEncoder {
 public:
  /// S3 takes chunks from 8 KiB; at 1 MiB the framing is lost in the noise.
  static constexpr std::size_t kChunkBytesDefault = std::size_t(1) << 20;
  static constexpr std::size_t kChunkBytesMin = 8192;

  /// `chunk_bytes` below kChunkBytesMin is raised to it.
  AwsChunkedEncoder(std::uint64_t decoded_size_bytes, ChecksumAlgorithm algorithm,
                    std::size_t chunk_bytes = kChunkBytesDefault);

  /// Content-Length of the encoded body.
  std::uint64_t encoded_size_bytes() const noexcept;
  /// Of the body, not yet given to add(). At 0 finish() is due.
  std::uint64_t left_bytes() const noexcept { return left_; }
  /// Of the chunk that was begun, not yet given to add(). At 0 begin_chunk() or finish() is due.
  std::size_t chunk_left_bytes() const noexcept { return chunk_left_; }
  /// Content-Encoding, x-amz-decoded-content-length and x-amz-trailer. Part of the signature.
  void set_headers(http::Headers& headers) const;

  /// What goes on the wire ahead of the next chunk. Valid until the next call.
  std::string_view begin_chunk();
  /// `piece` follows on the wire: at most chunk_left_bytes(). Read for the checksum only.
  void add(std::span<const std::byte> piece);
  /// What ends the body. Valid until the encoder dies. The checksum is in checksum().
  std::string_view finish();
  /// Known after finish().
  const std::string& checksum_base64() const noexcept { return checksum_base64_; }

 private:
  Checksum checksum_;
  std::uint64_t decoded_size_;
  std::uint64_t left_;
  std::size_t chunk_bytes_;
  std::size_t chunk_left_ = 0;
  std::string framing_;
  std::string checksum_base64_;
};

/// The server's side: takes the framing off and checks size and checksum against what the request
/// announced.
class AwsChunkedDecoder {
 public:
  /// `invalid_argument` without x-amz-decoded-content-length.
  static Result<AwsChunkedDecoder> create(const http::Headers& headers);

  /// As http::ChunkedDecoder::decode. At the end also `truncated` (service code IncompleteBody) for
  /// another size than announced, `invalid_argument` for a trailer that was announced and did not
  /// come, `checksum_mismatch` (BadDigest).
  Result<http::BodyStep> decode(std::span<const std::byte> in);

  bool done() const noexcept { return decoder_.done(); }
  /// The verified checksum; nothing when none was announced, or one that we do not compute.
  const std::optional<ObjectChecksum>& checksum() const noexcept { return result_; }

 private:
  AwsChunkedDecoder() = default;
  Result<void> check_end();

  http::ChunkedDecoder decoder_;
  std::optional<Checksum> checksum_;
  std::optional<ObjectChecksum> result_;
  std::uint64_t decoded_size_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace ringpull::inline v0::s3
