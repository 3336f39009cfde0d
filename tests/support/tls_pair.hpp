#pragma once

// Two ends of TLS in one loop, over a socket pair or through a relay that cuts the bytes.

#include <cstddef>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/http/tls.hpp>
#include <ringpull/http/tls_error.hpp>

#include "http/src/tls/tls_connection.hpp"
#include "tests/support/certificates.hpp"

namespace ringpull::test {

std::unique_ptr<engine::Loop> make_loop();

/// Two connected stream sockets.
std::pair<engine::TcpStream, engine::TcpStream> socket_pair();

/// Copies from one socket to the other in pieces of at most `piece` bytes until the end, and hands
/// the end on; a stop or a reset only ends the relay.
engine::Task<Result<void>> relay(engine::TcpStream& from, engine::TcpStream& to, std::size_t piece);

inline engine::MutableBytes writable(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}
inline engine::ConstBytes readable(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// A server with a good certificate for localhost and 127.0.0.1, and a client that trusts it.
class TlsPair {
 public:
  TlsPair();
  http::TlsServerOptions server_options;
  http::TlsClientOptions client_options;
  http::TlsServerContext server() const;
  http::TlsClientContext client() const;
  const Certificate& authority() const { return authority_; }
  /// Replaces what the server shows: the leaf, then `chain`.
  void serve(const Certificate& leaf, const std::string& chain = "");

 private:
  Certificate authority_;
  std::shared_ptr<TemporaryFile> ca_file_;
};

/// An end built straight on OpenSSL, for what our own contexts never do. `adjust` sees the context
/// before the connection is made.
class RawPeer {
 public:
  enum class Side { client, server };
  RawPeer(engine::TcpStream tcp, Side side, const TlsPair& pair,
          const std::function<void(SSL_CTX*)>& adjust);
  /// A further connection of the same server.
  RawPeer(engine::TcpStream tcp, const RawPeer& other);
  engine::Task<Result<void>> handshake() { return connection_->handshake(); }
  http::detail::TlsConnection& operator*() { return *connection_; }
  http::detail::TlsConnection* operator->() { return connection_.get(); }
  SSL* ssl() { return connection_->codec().ssl(); }

 private:
  http::detail::TlsBlocks blocks_{64 * 1024};
  void connect(engine::TcpStream tcp, Side side);
  std::shared_ptr<SSL_CTX> context_;
  std::unique_ptr<http::detail::TlsConnection> connection_;
};

struct Ends {
  Ends(Result<http::TlsStream> client_end, Result<http::TlsStream> server_end)
      : client(std::move(client_end)), server(std::move(server_end)) {}
  Result<http::TlsStream> client;
  Result<http::TlsStream> server;
};

/// Our client with a raw server.
struct MixedEnds {
  MixedEnds(Result<http::TlsStream> client_end, Result<void> server_end)
      : client(std::move(client_end)), server(std::move(server_end)) {}
  Result<http::TlsStream> client;
  Result<void> server;
};

/// Shake hands on both ends at once; the client asks for `host`.
engine::Task<Ends> shake(engine::TcpStream near, engine::TcpStream far,
                         http::TlsClientContext& client, http::TlsServerContext& server,
                         std::string host = "localhost");
engine::Task<Ends> shake(const TlsPair& pair, std::string host = "localhost");
engine::Task<MixedEnds> shake(engine::TcpStream near, http::TlsClientContext& client,
                              RawPeer& peer);
engine::Task<Ends> shake_over_tcp(const TlsPair& pair);

engine::Task<Result<std::string>> read_text(http::TlsStream& stream, std::size_t size);
engine::Task<Result<std::string>> read_text(RawPeer& peer, std::size_t size);
/// `text` outlives the await.
engine::Task<Result<void>> write_text(http::TlsStream& stream, const std::string& text);

std::string random_text(std::size_t size, unsigned seed);

/// What the Error of a failed result is about; 0 when it is not a TLS failure.
template <class T>
http::TlsFailure failure_of(const Result<T>& result) {
  if (result || result.error().code().category() != http::tls_category()) return {};
  return static_cast<http::TlsFailure>(result.error().code().value());
}

/// Short in what they print: the texts are long and random.
template <class T>
testing::AssertionResult gives(const Result<T>& result, const T& value) {
  if (!result) return testing::AssertionFailure() << result.error().message();
  if (*result == value) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "another value";
}
template <class T>
testing::AssertionResult succeeds(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().message();
}

}  // namespace ringpull::test

/// Runs the coroutine that `factory` makes on a loop of its own.
#define RINGPULL_RUN(...)                    \
  do {                                       \
    auto loop = ringpull::test::make_loop(); \
    loop->run(__VA_ARGS__);                  \
  } while (false)
