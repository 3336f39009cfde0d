#include <openssl/err.h>

#include <ringpull/http/tls.hpp>

#include "http/src/tls/tls_connection.hpp"
#include "http/src/tls/tls_failure.hpp"
#include "http/src/tls/tls_state.hpp"

namespace ringpull::inline v0::http {

using detail::TlsConnection;
using engine::ConstBytes;
using engine::MutableBytes;
using engine::Task;

namespace {

Result<void> check_name(SSL* ssl, const std::string& host) {
  if (detail::is_ip_literal(host)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1) return {};
    return fail(detail::configuration_error("check certificates for " + host));
  }
  // RFC 9110 4.3.4, RFC 6125 6.4.4: the subject's common name does not count.
  SSL_set_hostflags(ssl,
                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (SSL_set1_host(ssl, host.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) {
    return fail(detail::configuration_error("check certificates for " + host));
  }
  return {};
}

Result<detail::SslPtr> make_client(detail::TlsClientState& state, std::string host,
                                   const std::string& who) {
  if (host.ends_with('.')) host.pop_back();  // RFC 6066 3: SNI goes without the final dot
  if (host.empty() || host.find('\0') != std::string::npos) {
    return fail(ErrorKind::invalid_argument, "TLS needs the name or address of the host");
  }
  ERR_clear_error();
  detail::SslPtr ssl(SSL_new(state.context.get()));
  if (!ssl) return fail(detail::configuration_error("make a TLS connection"));
  RINGPULL_CHECK(check_name(ssl.get(), host));
  if (auto session = state.sessions.take(who)) SSL_set_session(ssl.get(), session.get());
  SSL_set_connect_state(ssl.get());
  return ssl;
}

std::string_view chosen_protocol(SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace

Task<Result<TlsStream>> TlsStream::connect(engine::TcpStream stream, TlsClientContext& context,
                                           std::string host, std::uint16_t port) {
  auto state = context.state();
  const bool v6 = host.find(':') != std::string::npos;
  std::string who = (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  RINGPULL_CO_TRY(detail::SslPtr ssl, make_client(*state, host, who));
  auto connection = std::make_unique<TlsConnection>(std::move(stream), std::move(ssl),
                                                    std::move(who), state, state->blocks);
  detail::TlsCodec& codec = connection->codec();
  codec.keep_sessions_in(state->sessions);
  RINGPULL_CO_CHECK(co_await connection->handshake());
  const std::string_view protocol = chosen_protocol(codec.ssl());
  if (!protocol.empty() && protocol != "http/1.1") {
    co_return fail(detail::describe_wrong_protocol(codec, protocol));
  }
  co_return TlsStream(std::move(connection));
}

Task<Result<TlsStream>> TlsStream::accept(engine::TcpStream stream, TlsServerContext& context) {
  auto state = context.state();
  auto remote = stream.remote_address();
  std::string who =
      "client " + (remote ? remote->to_string() : std::string("of an unknown address"));
  ERR_clear_error();
  detail::SslPtr ssl(SSL_new(state->context.get()));
  if (!ssl) co_return fail(detail::configuration_error("make a TLS connection"));
  SSL_set_accept_state(ssl.get());
  auto connection = std::make_unique<TlsConnection>(std::move(stream), std::move(ssl),
                                                    std::move(who), state, state->blocks);
  RINGPULL_CO_CHECK(co_await connection->handshake());
  co_return TlsStream(std::move(connection));
}

TlsStream::TlsStream(std::unique_ptr<TlsConnection> connection) noexcept
    : connection_(std::move(connection)) {}
TlsStream::TlsStream(TlsStream&&) noexcept = default;
TlsStream& TlsStream::operator=(TlsStream&&) noexcept = default;
TlsStream::~TlsStream() = default;

Task<Result<std::size_t>> TlsStream::read_some(MutableBytes out) {
  return connection_->read_some(out);
}
Task<Result<void>> TlsStream::read_exact(MutableBytes out) { return connection_->read_exact(out); }
Task<Result<void>> TlsStream::write_all(ConstBytes bytes) { return connection_->write(bytes, {}); }
Task<Result<void>> TlsStream::write_vectors(std::span<const ConstBytes> pieces) {
  return pieces.empty() ? connection_->write({}, {})
                        : connection_->write(pieces.front(), pieces.subspan(1));
}
Task<Result<void>> TlsStream::shutdown_write() { return connection_->shutdown_write(); }
Task<void> TlsStream::close() { return connection_->close(); }
void TlsStream::say_close() noexcept {
  if (connection_) connection_->say_close();
}

TlsInfo TlsStream::info() const {
  SSL* ssl = connection_->codec().ssl();
  TlsInfo info;
  info.version = SSL_get_version(ssl);
  info.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  info.alpn = chosen_protocol(ssl);
  info.resumed = SSL_session_reused(ssl) == 1;
  return info;
}

engine::TcpStream& TlsStream::tcp() noexcept { return connection_->tcp(); }
engine::Liveness TlsStream::probe() { return connection_->probe(); }
bool TlsStream::has_buffered() const noexcept {
  const TlsConnection& connection = *connection_;
  return connection.codec().has_input();
}

}  // namespace ringpull::inline v0::http
