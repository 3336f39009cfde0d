#pragma once

// A request's head and its way onto the wire.

#include <cstdint>
#include <string>
#include <utility>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/framing.hpp>
#include <ringpull/http/headers.hpp>

namespace ringpull::inline v0::http {

/// The part of a request before its body.
struct RequestHead {
  RequestHead() = default;
  RequestHead(std::string method_name, std::string request_target)
      : method(std::move(method_name)), target(std::move(request_target)) {}

  /// Case matters: "GET".
  std::string method;
  /// As it stands in the request line: "/path?query", for CONNECT "host:port", for a plain HTTP
  /// proxy the whole URL.
  std::string target;
  Headers headers;

  // Written by RequestParser for a server to read; write_head() does not look at them.
  int version_minor = 1;
  bool keep_alive = true;
  /// The client waits for "100 Continue" before it sends the body (RFC 9110 10.1.1).
  bool expect_continue = false;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;

  /// Back to the default state; memory is kept.
  void clear() noexcept;
};

/// Appends "METHOD target HTTP/1.1", the header fields and the empty line to `out`.
/// `invalid_argument`, with `out` unchanged, when the method is no token, the target is empty or
/// holds anything but visible ASCII, or Headers::check() fails: nothing that could split a request
/// is ever written (request smuggling). Framing and Host are the caller's to set.
Result<void> write_head(const RequestHead& head, std::string& out);

}  // namespace ringpull::inline v0::http
