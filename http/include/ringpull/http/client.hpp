#pragma once
// The HTTP client, which knows nothing of S3: requests, the limits of its pool, and responses as
// streams. What to do about a 301 or a 503 is for whoever stands above.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/body.hpp>
#include <ringpull/http/parser_limits.hpp>
#include <ringpull/http/proxy.hpp>
#include <ringpull/http/request.hpp>
#include <ringpull/http/response.hpp>
#include <ringpull/http/time_limits.hpp>
#include <ringpull/http/tls.hpp>
#include <ringpull/http/url.hpp>

namespace ringpull::inline v0::http {

class Pool;
class PooledConnection;

class ClientOptions {
 public:
  ClientOptions() = default;

  TimeLimits limits;
  ParserLimits parser;
  TlsClientOptions tls;
  ProxySettings proxies;
  /// Connections open or being opened per origin; requests beyond wait in order. 256 fill 100
  /// Gbit/s at S3's 50 MiB/s per connection.
  std::size_t connections_per_origin_max = 256;
  /// Requests that may wait for a connection of one origin; beyond, `resource_exhausted`.
  std::size_t waiting_per_origin_max = 65'536;
  /// An idle connection is closed after this, or a second before what the server's Keep-Alive
  /// header says. 4 s: S3 drops idle ones after about 5.
  engine::Duration idle = std::chrono::seconds(4);
  /// A connection is retired after this, jittered by a tenth, so that new addresses of the origin
  /// are used. 5 min.
  engine::Duration age = std::chrono::minutes(5);
  /// How much of an unwanted body is read to keep a connection. 128 KiB: about the cost of a new
  /// handshake.
  std::size_t drain_bytes_max = 128 * 1024;
  /// And how long. 1 s: about the time of a handshake with a distant server under load.
  engine::Duration drain_time_max = std::chrono::seconds(1);
  /// Bytes asked of the kernel at once for a body of known length while few bodies are active, and
  /// while many are: larger ones cost fewer wake-ups, smaller ones keep many transfers in the
  /// cache.
  std::size_t receive_chunk_bytes = 8 * 1024 * 1024;
  std::size_t receive_chunk_bytes_crowded = 256 * 1024;
  std::size_t crowded_from = 33;
  /// RFC 8305's Connection Attempt Delay: the next address is tried beside the slow one after this.
  engine::Duration attempt_delay = std::chrono::milliseconds(250);
  /// An address that failed, or did not answer within attempt_delay, is tried last for this long.
  engine::Duration bad_address = std::chrono::seconds(30);
};

/// What one request asks for beside its head and its body.
class SendOptions {
 public:
  SendOptions() = default;

  /// Instead of TimeLimits::first_byte, for a request that the server is known to work on for long
  /// before it answers: under the limit of the others it would be cut off and begun again for ever.
  std::optional<engine::Duration> first_byte;
};

struct ClientStats {
  ClientStats() = default;
  std::uint64_t requests = 0;
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_reused = 0;
  std::uint64_t stale_retries = 0;  ///< repeated at once because a kept connection had died
  std::uint64_t bytes_sent = 0;     ///< of bodies
  std::uint64_t bytes_received = 0;
};

/// A response whose head is there and whose body is read by its owner, at the owner's pace: what is
/// not read is not received. Bodies arrive as they are on the wire: content codings are never
/// undone. body_sinks.hpp reads them into leased memory and files. It holds its connection, one of
/// connections_per_origin_max, as long as it lives; then the connection goes back to the pool, or
/// is closed where the body was not read to its end.
///
/// Outlived by its Client. One read at a time. Every read ends with `timed_out` when nothing moves
/// for TimeLimits::stall; after a failure or a stop no further read is of use.
class Response {
 public:
  Response(Response&&) noexcept;
  Response& operator=(Response&&) noexcept;
  ~Response();

  const ResponseHead& head() const noexcept;
  int status() const noexcept { return head().status; }
  /// True at the end of the body.
  bool body_done() const noexcept;
  /// Bytes of the body not read yet; unknown where only its end tells (chunked, until close).
  std::optional<std::uint64_t> body_left() const noexcept;

  /// At least one byte; 0 at the end. `truncated` when the connection ends before the body.
  engine::Task<Result<std::size_t>> read_some(MutableBytes out);
  /// Fills the span; `truncated` when the body is shorter. Failures carry bytes_done(), and those
  /// bytes are in the span. A body of known length goes from the socket straight into the span.
  engine::Task<Result<void>> read_exact(MutableBytes out);
  /// The rest of the body into the span; how many bytes. `too_large` when it does not fit.
  engine::Task<Result<std::size_t>> read_all(MutableBytes out);
  /// The rest of the body as text; `too_large` beyond `limit_bytes`.
  engine::Task<Result<std::string>> read_text(std::size_t limit_bytes);
  /// Reads a short rest (ClientOptions::drain_bytes_max, drain_time_max) so that the connection can
  /// be kept; closes it before a long one. Never fails; call it when a body is not wanted.
  engine::Task<void> finish();

 private:
  friend class Pool;
  explicit Response(std::unique_ptr<PooledConnection> connection) noexcept;
  void release() noexcept;
  engine::Task<Result<void>> drain();

  std::unique_ptr<PooledConnection> connection_;
};

/// An HTTP/1.1 client of one loop: keep-alive connections per origin (last in, first out), bounded,
/// spread over all addresses of a name; TLS; proxies.
///
/// Requests may run side by side. A request on a kept connection that turns out dead before any
/// byte of a response is repeated once on a new one, if its body can be rewound and its method is
/// idempotent or nothing was sent; a 417 to an "Expect: 100-continue" is repeated without it. Every
/// other repetition is the caller's decision: errors say maybe_applied() when bytes of the request
/// were sent and no response was understood. Redirects are not followed.
///
/// Cancellation and deadlines end a request promptly and close its connection. Lives and dies on
/// its loop; no request may be running and no Response may be left when it dies.
class Client {
 public:
  /// Blocks to read the files named in the TLS options: `tls` when one cannot be used. The system's
  /// store is read at the first https request. The resolver outlives the client.
  static Result<std::unique_ptr<Client>> create(const ClientOptions& options,
                                                engine::Resolver& resolver);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends one request to the origin of `url` (its path does not matter: head.target does) and
  /// completes when the response's head is there, whatever its status. Adds Host, Content-Length
  /// (or Transfer-Encoding) and nothing else where absent; `invalid_argument`, before a byte is
  /// sent, where a Content-Length given is not the body's size. `head` and `body` stay valid until
  /// it completes.
  ///
  /// With "Expect: 100-continue" in the head, the body waits for that answer
  /// (TimeLimits::expect_continue).
  engine::Task<Result<Response>> send(const Url& url, RequestHead& head, BodySource& body);
  engine::Task<Result<Response>> send(const Url& url, RequestHead& head, BodySource& body,
                                      const SendOptions& options);
  /// Without a body.
  engine::Task<Result<Response>> send(const Url& url, RequestHead& head);

  /// Closes the idle connections now.
  void close_idle() noexcept;
  const ClientStats& stats() const noexcept;
  std::size_t idle_connections() const noexcept;

 private:
  explicit Client(std::unique_ptr<Pool> pool) noexcept;
  std::unique_ptr<Pool> pool_;
};

}  // namespace ringpull::inline v0::http
