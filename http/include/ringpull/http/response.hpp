#pragma once

// A response's head and its way onto the wire.

#include <cstdint>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/framing.hpp>
#include <ringpull/http/headers.hpp>

namespace ringpull::inline v0::http {

/// The part of a response before its body.
struct ResponseHead {
  ResponseHead() = default;
  explicit ResponseHead(int status_code) : status(status_code) {}

  /// 100 to 999; treat an unknown one as the x00 of its class (RFC 9110 15), above 599 as 500.
  int status = 0;
  /// As sent; often empty, never to be interpreted.
  std::string reason;
  Headers headers;

  // Written by ResponseParser; write_head() does not look at them.
  int version_minor = 1;
  /// The connection can carry another request after this message.
  bool keep_alive = true;
  Framing framing = Framing::none;
  /// What Content-Length says; also set where there is no body (HEAD, 304). 0 when absent: ask
  /// headers to tell the two apart.
  std::uint64_t content_length = 0;

  /// Back to the default state; memory is kept.
  void clear() noexcept;
};

/// The usual phrase, e.g. "Not Found"; empty for a status we do not know. Static storage.
std::string_view reason_phrase(int status) noexcept;

/// Appends "HTTP/1.1 status reason" (reason_phrase() where `reason` is empty), the header fields
/// and the empty line to `out`. `invalid_argument`, with `out` unchanged, for a status outside 100
/// to 999, a reason with control characters, or when Headers::check() fails.
Result<void> write_head(const ResponseHead& head, std::string& out);

}  // namespace ringpull::inline v0::http
