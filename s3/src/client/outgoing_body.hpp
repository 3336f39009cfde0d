#pragma once
// How a verb's body goes on the wire: what SigV4 says about it, and where its checksum stands.

#include <cstdint>
#include <optional>

#include <ringpull/engine/task.hpp>
#include <ringpull/http/body.hpp>
#include <ringpull/s3/aws_chunked.hpp>
#include <ringpull/s3/checksum.hpp>
#include <ringpull/s3/sigv4.hpp>
#include <ringpull/s3/types.hpp>

#include "s3/src/protocol/request_builder.hpp"

namespace ringpull::inline v0::s3 {

/// What the head of a request says about its body.
enum class BodyForm : std::uint8_t {
  signed_payload,    ///< its SHA-256; a checksum stands in the head too
  unsigned_payload,  ///< nothing but a checksum
  unsigned_trailer,  ///< that a checksum follows; as unsigned_payload where none was asked for
};

/// Digests to make in one reading of a body.
struct BodyDigests {
  BodyDigests() = default;
  void update(http::ConstBytes bytes);

  std::optional<Sha256> sha256;
  std::optional<Md5> md5;
  std::optional<Checksum> checksum;
};

/// Reads `body` from where it stands to its end, gives way to the loop between steps, and rewinds.
engine::Task<Result<void>> digest_body(http::BodySource& body, BodyDigests& digests);

/// Another body in aws-chunked coding, nothing copied.
class AwsChunkedSource final : public http::BodySource {
 public:
  AwsChunkedSource(http::BodySource& inner, std::uint64_t size_bytes, ChecksumAlgorithm algorithm)
      : inner_(inner),
        decoded_size_(size_bytes),
        algorithm_(algorithm),
        encoder_(size_bytes, algorithm) {}

  const AwsChunkedEncoder& encoder() const noexcept { return encoder_; }

  std::optional<std::uint64_t> size() const noexcept override {
    return encoder_.encoded_size_bytes();
  }
  bool rewindable() const noexcept override { return inner_.rewindable(); }
  engine::Task<Result<void>> rewind() override;
  /// `invalid_argument` when the other body is not as long as it said.
  engine::Task<Result<http::ConstBytes>> next() override;

 private:
  engine::Task<Result<http::ConstBytes>> next_piece();
  engine::Task<Result<http::ConstBytes>> end();

  http::BodySource& inner_;
  std::uint64_t decoded_size_;
  ChecksumAlgorithm algorithm_;
  AwsChunkedEncoder encoder_;
  http::ConstBytes rest_;  // of the other body's last piece
  bool finished_ = false;
};

/// The body of one attempt.
class OutgoingBody {
 public:
  /// With `algorithm` a checksum goes along.
  OutgoingBody(http::BodySource& body, std::optional<ChecksumAlgorithm> algorithm)
      : body_(body), algorithm_(algorithm) {}

  /// Adds the headers that tell how the body is sent. A body whose digest has to
  /// stand in the head is read and rewound; `invalid_argument` when it cannot be.
  engine::Task<Result<PayloadHash>> prepare(PreparedRequest& request, BodyForm form);
  /// What to send, after prepare().
  http::BodySource& source() noexcept { return chunked_ ? *chunked_ : body_; }
  /// Nothing before the whole body has been sent, or where none was asked for.
  std::optional<ObjectChecksum> checksum() const;

 private:
  http::BodySource& body_;
  std::optional<ChecksumAlgorithm> algorithm_;
  std::optional<AwsChunkedSource> chunked_;
  std::optional<ObjectChecksum> in_head_;
};

}  // namespace ringpull::inline v0::s3
