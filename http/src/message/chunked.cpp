#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include <ringpull/engine/assert.hpp>
#include <ringpull/http/chunked.hpp>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http {
namespace {

constexpr std::uint8_t kSizeDigitsMax = 16;

// RFC 9110 6.5.1: fields a sender must not put into trailers and a recipient must not act upon:
// framing, routing, request modifiers, authentication, and how the content is to be processed.
constexpr std::array<std::string_view, 29> kForbiddenTrailers = {"Age",
                                                                 "Authorization",
                                                                 "Cache-Control",
                                                                 "Connection",
                                                                 "Content-Encoding",
                                                                 "Content-Length",
                                                                 "Content-Range",
                                                                 "Content-Type",
                                                                 "Date",
                                                                 "Expect",
                                                                 "Expires",
                                                                 "Host",
                                                                 "If-Match",
                                                                 "If-Modified-Since",
                                                                 "If-None-Match",
                                                                 "If-Range",
                                                                 "If-Unmodified-Since",
                                                                 "Location",
                                                                 "Max-Forwards",
                                                                 "Pragma",
                                                                 "Proxy-Authenticate",
                                                                 "Proxy-Authorization",
                                                                 "Range",
                                                                 "Retry-After",
                                                                 "Set-Cookie",
                                                                 "TE",
                                                                 "Trailer",
                                                                 "Transfer-Encoding",
                                                                 "WWW-Authenticate"};

bool is_forbidden_trailer(std::string_view name) {
  return std::any_of(kForbiddenTrailers.begin(), kForbiddenTrailers.end(),
                     [&](std::string_view known) { return equal_ignoring_case(known, name); });
}

}  // namespace

void ChunkedDecoder::reset() noexcept {
  state_ = State::size;
  size_digits_ = 0;
  left_ = 0;
  extension_bytes_ = 0;
  trailer_bytes_ = 0;
  trailer_count_ = 0;
  line_.clear();
  trailers_.clear();
}

Result<BodyStep> ChunkedDecoder::decode(std::span<const std::byte> in) {
  RINGPULL_ASSERT(state_ != State::done && state_ != State::failed,
                  "ChunkedDecoder::decode after the body's end or an error");
  BodyStep step;
  while (step.consumed < in.size()) {
    if (state_ == State::data) {
      const std::uint64_t available = in.size() - step.consumed;
      const auto size = static_cast<std::size_t>(std::min(left_, available));
      step.data = in.subspan(step.consumed, size);
      step.consumed += size;
      left_ -= size;
      if (left_ == 0) state_ = State::data_cr;
      return step;
    }
    RINGPULL_CHECK(framing_byte(static_cast<char>(in[step.consumed])));
    ++step.consumed;
    if (state_ == State::done) {
      step.done = true;
      return step;
    }
  }
  return step;
}

Result<void> ChunkedDecoder::framing_byte(char byte) {
  switch (state_) {
    case State::size: return size_byte(byte);
    case State::extension: return extension_byte(byte);
    case State::size_lf:
      if (byte != '\n')
        return refuse(ErrorKind::protocol, "a CR without its LF behind a chunk size");
      state_ = left_ > 0 ? State::data : State::trailer_start;
      size_digits_ = 0;
      return {};
    case State::data_cr:
      if (byte != '\r') return refuse(ErrorKind::protocol, "a chunk longer than its size");
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (byte != '\n') return refuse(ErrorKind::protocol, "a CR without its LF behind a chunk");
      state_ = State::size;
      return {};
    case State::trailer_start:
      if (byte == '\r') {
        state_ = State::end_lf;
        return {};
      }
      state_ = State::trailer_line;
      return trailer_byte(byte);
    case State::trailer_line: return trailer_byte(byte);
    case State::trailer_lf:
      if (byte != '\n') return refuse(ErrorKind::protocol, "a CR without its LF in the trailers");
      state_ = State::trailer_start;
      return end_of_trailer();
    case State::end_lf:
      if (byte != '\n') return refuse(ErrorKind::protocol, "a CR without its LF at the end");
      state_ = State::done;
      return {};
    case State::data:
    case State::done:
    case State::failed: break;
  }
  return refuse(ErrorKind::internal, "an unreachable state");
}

Result<void> ChunkedDecoder::size_byte(char byte) {
  if (const int digit = hex_value(byte); digit >= 0) {
    if (size_digits_ == kSizeDigitsMax) {
      return refuse(ErrorKind::protocol, "a chunk size of more than 16 digits");
    }
    ++size_digits_;
    left_ = left_ << 4 | static_cast<unsigned>(digit);
    return {};
  }
  if (size_digits_ == 0 || (byte != '\r' && byte != ';')) {
    return refuse(ErrorKind::protocol, "a chunk size that is not a hexadecimal number");
  }
  if (left_ > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return refuse(ErrorKind::protocol, "a chunk size beyond 2^63");
  }
  if (byte == '\r') {
    state_ = State::size_lf;
    return {};
  }
  state_ = State::extension;
  return extension_byte(byte);
}

Result<void> ChunkedDecoder::extension_byte(char byte) {
  if (byte == '\r') {
    state_ = State::size_lf;
    return {};
  }
  if (is_control(byte)) {
    return refuse(ErrorKind::protocol, "a control character in a chunk extension");
  }
  if (++extension_bytes_ > limits_.chunk_extension_bytes_max) {
    return refuse(ErrorKind::too_large, "more chunk extensions than chunk_extension_bytes_max");
  }
  return {};
}

Result<void> ChunkedDecoder::trailer_byte(char byte) {
  if (byte == '\r') {
    state_ = State::trailer_lf;
    return {};
  }
  if (is_control(byte)) return refuse(ErrorKind::protocol, "a control character in the trailers");
  if (++trailer_bytes_ > limits_.trailer_bytes_max) {
    return refuse(ErrorKind::too_large, "more trailers than trailer_bytes_max");
  }
  line_ += byte;
  return {};
}

Result<void> ChunkedDecoder::end_of_trailer() {
  if (++trailer_count_ > limits_.header_count_max) {
    return refuse(ErrorKind::too_large, "more trailer fields than header_count_max");
  }
  const std::string_view line = line_;
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) {
    return refuse(ErrorKind::protocol, "a trailer line that is no header field");
  }
  if (!is_forbidden_trailer(name)) trailers_.add(name, trim_blanks(line.substr(colon + 1)));
  line_.clear();
  return {};
}

tl::unexpected<Error> ChunkedDecoder::refuse(ErrorKind kind, std::string_view why) {
  state_ = State::failed;
  return fail(kind, "chunked body refused: " + std::string(why));
}

std::string_view write_chunk_head(std::uint64_t size_bytes,
                                  std::span<char, kChunkHeadBytesMax> out) noexcept {
  RINGPULL_ASSERT(size_bytes > 0, "write_chunk_head: an empty chunk would end the body");
  constexpr char kDigits[] = "0123456789abcdef";
  std::size_t begin = out.size();
  out[--begin] = '\n';
  out[--begin] = '\r';
  for (; size_bytes > 0; size_bytes >>= 4) out[--begin] = kDigits[size_bytes & 15];
  return {out.data() + begin, out.size() - begin};
}

}  // namespace ringpull::inline v0::http
