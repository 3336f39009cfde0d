#include "tests/support/tls_pair.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <openssl/pem.h>
#include <random>
#include <sys/socket.h>
#include <system_error>

namespace ringpull::test {

using http::detail::bio_of;

std::unique_ptr<engine::Loop> make_loop() {
  return engine::Loop::create(engine::LoopOptions()).value();
}

std::pair<engine::TcpStream, engine::TcpStream> socket_pair() {
  std::array<int, 2> ends{};
  const int flags = engine::Loop::current().backend().socket_flags() | SOCK_CLOEXEC;
  if (::socketpair(AF_UNIX, SOCK_STREAM | flags, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::system_category(), "socketpair");
  }
  return {engine::TcpStream(engine::Fd(ends[0])), engine::TcpStream(engine::Fd(ends[1]))};
}

engine::Task<Result<void>> relay(engine::TcpStream& from, engine::TcpStream& to,
                                 std::size_t piece) {
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    auto count = co_await from.read_some(writable(buffer));
    if (!count) co_return Result<void>();
    if (*count == 0) break;
    engine::ConstBytes rest = readable(buffer).first(*count);
    while (!rest.empty()) {
      engine::ConstBytes next = rest.first(std::min(piece, rest.size()));
      auto sent = co_await to.write_all(next);
      if (!sent) co_return Result<void>();
      rest = rest.subspan(next.size());
    }
  }
  to.shutdown_write();
  co_return Result<void>();
}

TlsPair::TlsPair() : authority_(Certificate::self_signed(test::authority("authority"))) {
  ca_file_ = std::make_shared<TemporaryFile>(authority_.pem());
  client_options.ca_file = ca_file_->path();
  serve(authority_.issue(test::server("DNS:localhost,IP:127.0.0.1")));
}

void TlsPair::serve(const Certificate& leaf, const std::string& chain) {
  server_options.certificate_pem = leaf.pem() + chain;
  server_options.key_pem = leaf.key_pem();
}

http::TlsServerContext TlsPair::server() const {
  return http::TlsServerContext::create(server_options).value();
}

http::TlsClientContext TlsPair::client() const {
  return http::TlsClientContext::create(client_options).value();
}

RawPeer::RawPeer(engine::TcpStream tcp, Side side, const TlsPair& pair,
                 const std::function<void(SSL_CTX*)>& adjust)
    : context_(SSL_CTX_new(side == Side::server ? TLS_server_method() : TLS_client_method()),
               &SSL_CTX_free) {
  if (side == Side::server) {
    http::detail::BioPtr certificate = bio_of(pair.server_options.certificate_pem);
    http::detail::X509Ptr leaf(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
    http::detail::BioPtr key_text = bio_of(pair.server_options.key_pem);
    http::detail::PkeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
    SSL_CTX_use_certificate(context_.get(), leaf.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
  }
  SSL_CTX_set_mode(context_.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  adjust(context_.get());
  connect(std::move(tcp), side);
}

RawPeer::RawPeer(engine::TcpStream tcp, const RawPeer& other) : context_(other.context_) {
  connect(std::move(tcp), Side::server);
}

void RawPeer::connect(engine::TcpStream tcp, Side side) {
  http::detail::SslPtr ssl(SSL_new(context_.get()));
  side == Side::server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
  connection_ = std::make_unique<http::detail::TlsConnection>(std::move(tcp), std::move(ssl),
                                                              "the peer", nullptr, blocks_);
}

engine::Task<Ends> shake(engine::TcpStream near, engine::TcpStream far,
                         http::TlsClientContext& client, http::TlsServerContext& server,
                         std::string host) {
  auto ends = co_await engine::when_all(
      http::TlsStream::connect(std::move(near), client, std::move(host), 443),
      http::TlsStream::accept(std::move(far), server));
  co_return Ends(std::move(ends.first), std::move(ends.second));
}

engine::Task<Ends> shake(const TlsPair& pair, std::string host) {
  auto [near, far] = socket_pair();
  auto client = pair.client();
  auto server = pair.server();
  auto ends = co_await shake(std::move(near), std::move(far), client, server, std::move(host));
  co_return ends;
}

engine::Task<MixedEnds> shake(engine::TcpStream near, http::TlsClientContext& client,
                              RawPeer& peer) {
  std::string host = "localhost";
  auto ends = co_await engine::when_all(
      http::TlsStream::connect(std::move(near), client, std::move(host), 443), peer.handshake());
  co_return MixedEnds(std::move(ends.first), std::move(ends.second));
}

namespace {

engine::Task<Result<http::TlsStream>> connect_over_tcp(engine::SocketAddress address,
                                                       http::TlsClientContext& context) {
  RINGPULL_CO_TRY(engine::TcpStream tcp, co_await engine::TcpStream::connect(address));
  std::string host = "127.0.0.1";
  auto stream =
      co_await http::TlsStream::connect(std::move(tcp), context, std::move(host), address.port());
  co_return stream;
}

engine::Task<Result<http::TlsStream>> accept_over_tcp(engine::TcpListener& listener,
                                                      http::TlsServerContext& context) {
  RINGPULL_CO_TRY(engine::TcpStream tcp, co_await listener.accept());
  auto stream = co_await http::TlsStream::accept(std::move(tcp), context);
  co_return stream;
}

}  // namespace

engine::Task<Ends> shake_over_tcp(const TlsPair& pair) {
  auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
  auto listener = engine::TcpListener::bind(any).value();
  auto client = pair.client();
  auto server = pair.server();
  auto ends = co_await engine::when_all(connect_over_tcp(listener.address(), client),
                                        accept_over_tcp(listener, server));
  co_return Ends(std::move(ends.first), std::move(ends.second));
}

engine::Task<Result<std::string>> read_text(http::TlsStream& stream, std::size_t size) {
  std::string text(size, '\0');
  RINGPULL_CO_CHECK(co_await stream.read_exact(writable(text)));
  co_return text;
}

engine::Task<Result<std::string>> read_text(RawPeer& peer, std::size_t size) {
  std::string text(size, '\0');
  RINGPULL_CO_CHECK(co_await peer->read_exact(writable(text)));
  co_return text;
}

engine::Task<Result<void>> write_text(http::TlsStream& stream, const std::string& text) {
  auto written = co_await stream.write_all(readable(text));
  co_return written;
}

std::string random_text(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(generator());
  return text;
}

}  // namespace ringpull::test
