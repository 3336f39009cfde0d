#pragma once
// The server's side of HTTP/1.1, on which the sandbox and the tests stand. One loop: a Server, its
// Handler and all its connections share a thread.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/http/body.hpp>
#include <ringpull/http/parser_limits.hpp>
#include <ringpull/http/request.hpp>
#include <ringpull/http/response.hpp>
#include <ringpull/http/tls.hpp>

namespace ringpull::inline v0::http {

class ServerConnection;

class ServerOptions {
 public:
  ServerOptions() = default;

  ParserLimits parser;
  /// Null: plain HTTP. Outlives the server.
  TlsServerContext* tls = nullptr;
  /// Connections served side by side; further ones wait in the kernel's backlog. 4096 stays below
  /// usual descriptor limits once raised by the program.
  std::size_t connections_max = 4096;
  /// A kept connection without a request is closed after this. 65 s, as radosgw has it.
  engine::Duration idle = std::chrono::seconds(65);
  /// A message in which nothing moves for this long ends the connection.
  engine::Duration stall = std::chrono::seconds(30);
  /// An unread request body up to this size is read to keep the connection; a larger one closes it.
  std::size_t drain_bytes_max = 256 * 1024;
  /// How long a connection that ends before its request was read to the end goes on reading, so
  /// that the client gets to see the response and not a reset. 2 s: a client that is alive stops
  /// sending within a round trip.
  engine::Duration linger = std::chrono::seconds(2);
};

/// One request and the way to answer it. Valid while its handler runs.
class Exchange {
 public:
  explicit Exchange(ServerConnection& connection) noexcept : connection_(connection) {}

  const RequestHead& request() const noexcept;
  /// Bytes of the request's body; unknown for a chunked one.
  std::optional<std::uint64_t> body_size() const noexcept;

  /// At least one byte of the request's body; 0 at its end. The first call sends "100 Continue"
  /// when the client waits for it. `truncated` when the client goes away in the middle, `timed_out`
  /// when nothing comes for ServerOptions::stall. Not after a response.
  engine::Task<Result<std::size_t>> read_some(MutableBytes out);
  /// Fills the span; bytes of a body of known length go from the socket straight into it.
  engine::Task<Result<void>> read_exact(MutableBytes out);
  bool body_done() const noexcept;

  /// Answers with a body of known length, in any number of pieces sent as they lie; once. Adds
  /// Content-Length (unless there), Date and, where due, Connection. For HEAD, 204 and 304 the
  /// pieces are only counted, not sent. `invalid_argument`, with nothing sent, for a head that
  /// cannot be written or announces another length.
  engine::Task<Result<void>> respond(ResponseHead& head, std::span<const ConstBytes> pieces);
  engine::Task<Result<void>> respond(ResponseHead& head, ConstBytes body);
  engine::Task<Result<void>> respond(ResponseHead& head, std::string_view body);

  /// Answers with a body of unknown length: the head, any number of pieces, the end. Chunked; to an
  /// HTTP/1.0 client until the connection ends. Without end_chunked() the connection is cut, so
  /// that the client notices.
  engine::Task<Result<void>> begin_chunked(ResponseHead& head);
  engine::Task<Result<void>> write_chunk(ConstBytes piece);
  engine::Task<Result<void>> end_chunked();

  bool responded() const noexcept;
  /// Ends the connection after this exchange, or (before a response) instead of one.
  void close() noexcept;

 private:
  ServerConnection& connection_;
};

/// What answers requests; called by many connections of one loop side by side.
class Handler {
 public:
  virtual ~Handler() = default;
  /// An Error closes the connection. An end without a response, with or without an Error, is
  /// answered with a 500.
  virtual engine::Task<Result<void>> handle(Exchange& exchange) = 0;
};

/// A small HTTP/1.1 server for our own tools and tests: keep-alive, chunked both ways, Expect:
/// 100-continue, TLS. Ranges are the handler's (range.hpp). Pipelined requests are answered in
/// order. A request that cannot be read is answered with 400, 414, 431 or 501.
class Server {
 public:
  /// All outlive the server.
  Server(engine::TcpListener& listener, Handler& handler, const ServerOptions& options) noexcept
      : listener_(listener), handler_(handler), options_(options) {}

  /// Serves until its context stops; completes when every connection has ended. Errors of single
  /// connections stay with them; an Error is one of the listener.
  engine::Task<Result<void>> run();

 private:
  engine::Task<void> serve(engine::TcpStream stream, engine::Semaphore::Permit slot);

  engine::TcpListener& listener_;
  Handler& handler_;
  ServerOptions options_;
};

}  // namespace ringpull::inline v0::http
