#pragma once

// Incremental HTTP/1.1 parsers, sans-IO: bytes in, heads and views of body bytes out. One message
// at a time, one thread. llhttp splits the heads into their parts; line discipline, limits,
// versions and everything about framing is judged here (RFC 9112, and stricter where it leaves a
// choice).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/chunked.hpp>
#include <ringpull/http/parser_limits.hpp>
#include <ringpull/http/request.hpp>
#include <ringpull/http/response.hpp>

namespace ringpull::inline v0::http {

/// What about a request decides how its response is framed (RFC 9112 6.3, rules 1 and 2).
enum class RequestKind : std::uint8_t {
  ordinary,
  head,     ///< the response has no body, whatever it announces
  connect,  ///< a 2xx turns the connection into a tunnel: no body, Content-Length ignored
};
RequestKind request_kind(std::string_view method) noexcept;

/// Parses responses, one per start(). Errors are `protocol` and `too_large`, and final for the
/// connection: nothing behind the failing byte can be trusted.
class ResponseParser {
 public:
  explicit ResponseParser(const ParserLimits& limits = ParserLimits());
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;
  ~ResponseParser();

  /// Forgets the previous response and makes ready for the one to a request of that kind. Memory is
  /// kept, so a parser in steady use allocates nothing.
  void start(RequestKind kind = RequestKind::ordinary);

  /// Takes bytes of the head, interim (1xx) heads before it included, and returns how many it used:
  /// all of them, or those up to the end of the final head, where it stops. Before the head is
  /// complete only. An unsolicited 101 is refused.
  Result<std::size_t> feed(std::span<const std::byte> in);

  bool head_complete() const noexcept;
  /// Complete once head_complete(); valid until start(). May be swapped with a head whose memory is
  /// to be reused.
  ResponseHead& head() noexcept;
  const ResponseHead& head() const noexcept;

  /// Interim responses so far, and whether "100 Continue" was one of them.
  std::size_t informational_count() const noexcept;
  bool continue_received() const noexcept;
  /// No byte of a response (interim or final) has come since start().
  bool nothing_received() const noexcept;

  /// For framing chunked and until_close only; a body of known length is the caller's to count.
  /// Call until done (chunked) or until the connection ends and then finish_eof() (until_close).
  /// Takes all of the input unless it returns data or done.
  Result<BodyStep> decode_body(std::span<const std::byte> in);
  /// After a chunked body is done.
  const Headers& trailers() const noexcept;

  /// Says what the end of the connection means while the message is not complete: fine for a body
  /// until close, `connection_closed` before the first byte, `truncated` otherwise.
  Result<void> finish_eof();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Parses requests for a server, one per start(). Errors as ResponseParser's: `protocol` is worth a
/// 400, `too_large` a 431 (414 while the request line is read), `unsupported` a 501; then close.
class RequestParser {
 public:
  explicit RequestParser(const ParserLimits& limits = ParserLimits());
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;
  ~RequestParser();

  /// Forgets the previous request, keeps the memory.
  void start();

  /// As ResponseParser::feed. One empty line before the request is skipped (RFC 9112 2.2). A
  /// request of version 1.1 without exactly one Host is refused (RFC 9112 3.2).
  Result<std::size_t> feed(std::span<const std::byte> in);

  bool head_complete() const noexcept;
  /// Still inside the request line: too_large then means 414.
  bool in_request_line() const noexcept;
  /// No byte of a request has come since start(): the connection is idle.
  bool nothing_received() const noexcept;
  RequestHead& head() noexcept;
  const RequestHead& head() const noexcept;

  /// For framing chunked only.
  Result<BodyStep> decode_body(std::span<const std::byte> in);
  const Headers& trailers() const noexcept;

  /// `connection_closed` before the first byte, `truncated` otherwise.
  Result<void> finish_eof();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpull::inline v0::http
