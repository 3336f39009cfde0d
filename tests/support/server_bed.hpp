#pragma once
// For tests of the HTTP server, and of clients against it: known answers, asked for by raw bytes or
// by a client of the test's.

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/http/server.hpp>

#include "tests/support/on_each_backend.hpp"

namespace ringpull::testing {

/// Answers by the request's path:
///
///     /hello          "hello", whatever the method
///     /echo           the request's body
///     /size           the number of bytes of the request's body, read in full
///     /ignore         "ignored", without reading the body
///     /close          "closed", and ends the connection
///     /pieces         "0" to "29", in 30 pieces of known length
///     /chunks         "one", "two", in two chunks
///     /cut            begins a chunked body and does not end it
///     /large          kLargeBytes bytes
///     /error, /none   an Error before any response; no response
///     /lying          announces another length than it sends, then answers with the Error's kind
///     /wait           nothing, until stopped
class DemoHandler final : public http::Handler {
 public:
  static constexpr std::size_t kLargeBytes = 16 << 20;

  engine::Task<Result<void>> handle(http::Exchange& exchange) override;
  std::size_t handled = 0;
  std::size_t ended = 0;

 private:
  engine::Task<Result<void>> dispatch(http::Exchange& exchange);
};

/// A server with the DemoHandler, and what talks to it, in one loop. At the end no descriptor may
/// be left.
class ServerBed {
 public:
  explicit ServerBed(engine::BackendKind backend) : backend_(backend) {}

  http::ServerOptions options;
  /// When set, https.
  std::optional<http::TlsServerOptions> tls;
  DemoHandler handler;

  using Body = engine::Task<void> (*)(ServerBed&);
  void run(Body body);

  const engine::SocketAddress& address() const noexcept { return listener_.address(); }
  engine::Task<engine::TcpStream> connect();
  /// Sends `request` and gives everything that comes back until the end of the connection, with the
  /// Date fields left out. The client's direction is ended behind the request.
  engine::Task<std::string> talk(std::string request);
  /// Ends the server; completes when it has.
  void stop() noexcept { stop_.request_stop(); }

 private:
  engine::Task<void> both(Body body);
  engine::Task<void> serve(http::Server& server);

  engine::BackendKind backend_;
  engine::TcpListener listener_;
  engine::StopSource stop_;
};

/// Everything until the end of the connection, or until it breaks.
engine::Task<std::string> read_to_end_of(engine::TcpStream& stream);
/// Exactly `size` bytes.
engine::Task<std::string> read_bytes_of(engine::TcpStream& stream, std::size_t size);
std::string without_dates(std::string text);

class ServerTest : public OnEachBackend {
 protected:
  ServerBed bed{GetParam()};
};

}  // namespace ringpull::testing
