#include "tools/sandbox/payload.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <ringpull/engine/timer.hpp>
#include <ringpull/http/chunked.hpp>

namespace ringpull::sandbox {

using engine::Task;

namespace {

// Hashing gives way to other connections after this much.
constexpr std::size_t kHashStep = 256 * 1024;
constexpr std::size_t kDocumentBytesMax = 2 * 1024 * 1024;

constexpr std::array kAlgorithms = {s3::ChecksumAlgorithm::crc32c, s3::ChecksumAlgorithm::crc64nvme,
                                    s3::ChecksumAlgorithm::sha256};

S3Error incomplete() {
  return S3Error(
      400, "IncompleteBody",
      "You did not provide the number of bytes specified by the Content-Length HTTP header");
}

struct Declared {
  Declared() = default;
  std::optional<s3::ChecksumAlgorithm> algorithm;
  std::string value;  // empty: in the trailer
  bool aws_chunked = false;
};

Outcome<Declared> declared_checksum(const Call& call) {
  Declared declared;
  declared.aws_chunked = call.identity.payload == s3::PayloadHash::unsigned_trailer();
  for (s3::ChecksumAlgorithm algorithm : kAlgorithms) {
    std::string_view value = call.header(s3::checksum_header(algorithm));
    if (value.empty()) continue;
    if (declared.algorithm) {
      return refuse(
          400, "InvalidRequest",
          "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
    }
    auto raw = s3::unbase64(value);
    std::size_t size = algorithm == s3::ChecksumAlgorithm::crc32c      ? 4
                       : algorithm == s3::ChecksumAlgorithm::crc64nvme ? 8
                                                                       : 32;
    if (!raw || raw->size() != size) {
      return refuse(
          400, "InvalidRequest",
          "Value for " + std::string(s3::checksum_header(algorithm)) + " header is invalid.");
    }
    declared.algorithm = algorithm;
    declared.value = value;
  }
  std::string_view trailer = call.header("x-amz-trailer");
  if (declared.aws_chunked && !trailer.empty()) {
    for (s3::ChecksumAlgorithm algorithm : kAlgorithms) {
      if (http::equal_ignoring_case(trailer, s3::checksum_header(algorithm)))
        declared.algorithm = algorithm;
    }
  }
  return declared;
}

/// The body's own length: what aws-chunked announces beside its coding, or Content-Length.
Outcome<std::uint64_t> body_length(const Call& call, bool aws_chunked) {
  std::uint64_t length = 0;
  if (aws_chunked) {
    std::string_view text = call.header("x-amz-decoded-content-length");
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), length);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
      return refuse(411, "MissingContentLength",
                    "You must provide the Content-Length HTTP header.");
    }
  } else {
    auto size = call.exchange.body_size();
    if (!size || !call.head().headers.contains("Content-Length"))
      return refuse(411, "MissingContentLength",
                    "You must provide the Content-Length HTTP header.");
    length = *size;
  }
  if (length > kPutBytesMax) {
    return refuse(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  }
  return length;
}

Task<Outcome<std::string>> receive_aws_chunked(Call& call, http::MutableBytes out,
                                               std::string_view trailer_name) {
  http::ChunkedDecoder decoder;
  std::array<std::byte, 16 * 1024> buffer;
  std::size_t done = 0;
  while (!decoder.done()) {
    auto received = co_await call.exchange.read_some(buffer);
    if (!received || *received == 0) co_return tl::unexpected(incomplete());
    http::ConstBytes input(buffer.data(), *received);
    while (!input.empty() && !decoder.done()) {
      auto step = decoder.decode(input);
      if (!step || step->data.size() > out.size() - done) co_return tl::unexpected(incomplete());
      if (!step->data.empty()) std::memcpy(out.data() + done, step->data.data(), step->data.size());
      done += step->data.size();
      input = input.subspan(step->consumed);
    }
  }
  if (done != out.size()) co_return tl::unexpected(incomplete());
  co_return std::string(decoder.trailers().get(trailer_name).value_or(std::string_view()));
}

}  // namespace

Task<Outcome<Payload>> receive_payload(Call& call, Store& store, ETagStyle style) {
  auto declared = declared_checksum(call);
  if (!declared) co_return tl::unexpected(declared.error());
  auto length = body_length(call, declared->aws_chunked);
  if (!length) co_return tl::unexpected(length.error());
  auto segment = store.new_segment(static_cast<std::size_t>(*length));
  if (!segment) co_return refuse(503, "ServiceUnavailable", "Please reduce your request rate.");
  Payload payload;
  payload.segment = std::move(*segment);
  payload.segment->remove_when_released(true);  // until an object takes it
  http::MutableBytes bytes = payload.segment->bytes();

  if (declared->aws_chunked) {
    std::string_view name = declared->algorithm ? s3::checksum_header(*declared->algorithm) : "";
    auto trailer = co_await receive_aws_chunked(call, bytes, name);
    if (!trailer) co_return tl::unexpected(trailer.error());
    if (declared->value.empty()) declared->value = std::move(*trailer);
  } else {
    auto received = co_await call.exchange.read_exact(bytes);
    if (!received) co_return tl::unexpected(incomplete());
  }

  std::string_view content_md5 = call.header("Content-MD5");
  bool with_md5 = style == ETagStyle::md5 || !content_md5.empty();
  bool with_sha256 = call.identity.payload.is_digest();
  s3::Md5 md5;
  s3::Sha256 sha256;
  std::optional<s3::Checksum> checksum;
  if (declared->algorithm) checksum.emplace(*declared->algorithm);
  if (with_md5 || with_sha256 || checksum) {
    for (std::size_t at = 0; at < bytes.size(); at += kHashStep) {
      http::ConstBytes piece = bytes.subspan(at, std::min(kHashStep, bytes.size() - at));
      if (with_md5) md5.update(piece);
      if (with_sha256) sha256.update(piece);
      if (checksum) checksum->update(piece);
      co_await engine::yield_now();
    }
  }
  if (with_sha256) {
    s3::Sha256Digest actual = sha256.finish();
    auto same = s3::check_payload(call.identity.payload, actual);
    if (!same) co_return refuse(same.error().http_status, same.error().code, same.error().message);
  }
  s3::Md5Digest digest{};
  if (with_md5) digest = md5.finish();
  if (!content_md5.empty()) {
    auto expected = s3::unbase64(content_md5);
    if (!expected || expected->size() != digest.size()) {
      co_return refuse(400, "InvalidDigest", "The Content-MD5 you specified is not valid.");
    }
    if (std::memcmp(expected->data(), digest.data(), digest.size()) != 0) {
      co_return refuse(400, "BadDigest",
                       "The Content-MD5 you specified did not match what we received.");
    }
  }
  if (checksum) {
    std::string actual = checksum->finish_base64();
    if (declared->value != actual) {
      co_return refuse(400, "BadDigest",
                       "The " + std::string(s3::to_string(*declared->algorithm)) +
                           " you specified did not match the calculated checksum.");
    }
    StoredChecksum stored;
    stored.algorithm = *declared->algorithm;
    stored.value = std::move(actual);
    payload.checksum = std::move(stored);
  }
  if (!store.keeps_zeros()) payload.segment->release_zeros();
  payload.etag = style == ETagStyle::md5 ? s3::hex(digest) : store.new_id();
  co_return payload;
}

Task<Outcome<std::string>> receive_document(Call& call) {
  std::string text;
  std::array<std::byte, 16 * 1024> buffer;
  while (!call.exchange.body_done()) {
    auto received = co_await call.exchange.read_some(buffer);
    if (!received) co_return tl::unexpected(incomplete());
    text.append(reinterpret_cast<const char*>(buffer.data()), *received);
    if (text.size() > kDocumentBytesMax) {
      co_return refuse(400, "EntityTooLarge",
                       "Your proposed upload exceeds the maximum allowed size");
    }
  }
  if (call.identity.payload.is_digest()) {
    s3::Sha256Digest actual = s3::Sha256::of(s3::bytes_of(text));
    auto same = s3::check_payload(call.identity.payload, actual);
    if (!same) co_return refuse(same.error().http_status, same.error().code, same.error().message);
  }
  std::string_view content_md5 = call.header("Content-MD5");
  if (!content_md5.empty()) {
    s3::Md5Digest digest = s3::Md5::of(s3::bytes_of(text));
    if (s3::base64(digest) != content_md5) {
      co_return refuse(400, "BadDigest",
                       "The Content-MD5 you specified did not match what we received.");
    }
  }
  co_return text;
}

}  // namespace ringpull::sandbox
