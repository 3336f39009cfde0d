#pragma once
// The limits of a Client; a server has its own in ServerOptions. By the engine's monotonic clock.

#include <chrono>

#include <ringpull/engine/deadline.hpp>

namespace ringpull::inline v0::http {

/// How long the parts of one request may take. Each ends it with `timed_out` and a text that names
/// the limit; the total is the deadline of the caller's context, which says "the deadline passed".
/// None cuts a transfer that is slow but steady.
struct TimeLimits {
  TimeLimits() = default;

  /// For a new connection: name resolution, TCP, the proxy's tunnel and the TLS handshake together.
  /// 10 s: three TCP retransmissions. A request that waits for a connection of a full pool waits
  /// without a limit of its own.
  engine::Duration connect = std::chrono::seconds(10);
  /// From the last byte of the request to the end of the response's head. 60 s: S3 may take that
  /// long to complete a large multipart upload before it sends its first whitespace. One request
  /// can have another (SendOptions).
  engine::Duration first_byte = std::chrono::seconds(60);
  /// Without a byte of a request body sent, or of a response body received. Looked at once per such
  /// period, so a stall is found after one to two of them. 30 s, as the AWS CRT has it.
  engine::Duration stall = std::chrono::seconds(30);
  /// After this a body that was to wait for "100 Continue" is sent without. 1 s, as curl and Go's
  /// transport have it.
  engine::Duration expect_continue = std::chrono::seconds(1);
};

}  // namespace ringpull::inline v0::http
