#include "s3/src/client/outgoing_body.hpp"

#include <algorithm>

#include <ringpull/engine/timer.hpp>

namespace ringpull::inline v0::s3 {

using engine::Task;
using http::ConstBytes;

namespace {

// Hashing gives way to the loop after this much, so that other transfers go on.
constexpr std::size_t kHashStep = 256 * 1024;

Result<void> check_rewindable(const PreparedRequest& request, const http::BodySource& body,
                              bool sign) {
  if (body.rewindable()) return {};
  return fail(ErrorKind::invalid_argument,
              request.resource + ": a " + (sign ? "signed payload" : "checksum in the head") +
                  " is read before it is sent, and this body cannot be rewound; use TLS without "
                  "PayloadSigning::always" +
                  (sign ? ", or PayloadSigning::never" : ""));
}

}  // namespace

void BodyDigests::update(ConstBytes bytes) {
  if (sha256) sha256->update(bytes);
  if (md5) md5->update(bytes);
  if (checksum) checksum->update(bytes);
}

Task<Result<void>> digest_body(http::BodySource& body, BodyDigests& digests) {
  while (true) {
    RINGPULL_CO_TRY(ConstBytes piece, co_await body.next());
    if (piece.empty()) break;
    while (!piece.empty()) {
      std::size_t size = std::min(piece.size(), kHashStep);
      digests.update(piece.first(size));
      piece = piece.subspan(size);
      co_await engine::yield_now();
    }
  }
  auto rewound = co_await body.rewind();
  co_return rewound;
}

Task<Result<void>> AwsChunkedSource::rewind() {
  RINGPULL_CO_CHECK(co_await inner_.rewind());
  encoder_ = AwsChunkedEncoder(decoded_size_, algorithm_);
  rest_ = {};
  finished_ = false;
  co_return Result<void>();
}

Task<Result<ConstBytes>> AwsChunkedSource::next() {
  if (finished_) co_return ConstBytes();
  if (encoder_.chunk_left_bytes() > 0) {
    auto piece = co_await next_piece();
    co_return piece;
  }
  if (encoder_.left_bytes() > 0) co_return bytes_of(encoder_.begin_chunk());
  auto trailer = co_await end();
  co_return trailer;
}

/// As much of the chunk as lies in one piece, and no more than is hashed in one go.
Task<Result<ConstBytes>> AwsChunkedSource::next_piece() {
  if (rest_.empty()) {
    RINGPULL_CO_TRY(rest_, co_await inner_.next());
  }
  if (rest_.empty()) {
    co_return fail(ErrorKind::invalid_argument, "the request body gave less than the " +
                                                    std::to_string(decoded_size_) +
                                                    " bytes announced");
  }
  std::size_t size = std::min({rest_.size(), encoder_.chunk_left_bytes(), kHashStep});
  ConstBytes piece = rest_.first(size);
  rest_ = rest_.subspan(size);
  encoder_.add(piece);
  co_return piece;
}

Task<Result<ConstBytes>> AwsChunkedSource::end() {
  if (rest_.empty()) {
    RINGPULL_CO_TRY(rest_, co_await inner_.next());
  }
  if (!rest_.empty()) {
    co_return fail(ErrorKind::invalid_argument, "the request body gave more than the " +
                                                    std::to_string(decoded_size_) +
                                                    " bytes announced");
  }
  finished_ = true;
  co_return bytes_of(encoder_.finish());
}

Task<Result<PayloadHash>> OutgoingBody::prepare(PreparedRequest& request, BodyForm form) {
  bool sign = form == BodyForm::signed_payload;
  std::optional<std::uint64_t> size = body_.size();
  if (algorithm_ && !size) {
    co_return fail(ErrorKind::invalid_argument,
                   request.resource + ": a body with a checksum needs a known size");
  }
  if (algorithm_ && form == BodyForm::unsigned_trailer) {
    chunked_.emplace(body_, *size, *algorithm_);
    chunked_->encoder().set_headers(request.head.headers);
    co_return PayloadHash::unsigned_trailer();
  }
  if (!algorithm_ && size == std::uint64_t{0}) co_return PayloadHash::empty();
  if (!algorithm_ && !sign) co_return PayloadHash::unsigned_payload();
  RINGPULL_CO_CHECK(check_rewindable(request, body_, sign));
  BodyDigests digests;
  if (sign) digests.sha256.emplace();
  if (algorithm_) digests.checksum.emplace(*algorithm_);
  RINGPULL_CO_CHECK(co_await digest_body(body_, digests));
  if (algorithm_) {
    in_head_.emplace(*algorithm_, digests.checksum->finish_base64());
    request.head.headers.set(checksum_header(*algorithm_), in_head_->base64);
  }
  if (!sign) co_return PayloadHash::unsigned_payload();
  Sha256Digest hash = digests.sha256->finish();
  co_return PayloadHash::sha256(hash);
}

std::optional<ObjectChecksum> OutgoingBody::checksum() const {
  if (!chunked_) return in_head_;
  const std::string& text = chunked_->encoder().checksum_base64();
  if (text.empty()) return std::nullopt;
  return ObjectChecksum(*algorithm_, text);
}

}  // namespace ringpull::inline v0::s3
