#include <fstream>
#include <iterator>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string_view>

#include <ringpull/http/tls_context.hpp>
#include <ringpull/http/tls_error.hpp>

#include "http/src/tls/tls_codec.hpp"
#include "http/src/tls/tls_failure.hpp"
#include "http/src/tls/tls_state.hpp"

namespace ringpull::inline v0::http {

namespace {

// AES-128-GCM first: a tenth cheaper than AES-256 with AES-NI. TLS 1.2 with forward secrecy and
// authenticated encryption only (RFC 9325 4.2).
constexpr const char* kSuites13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// RFC 7301 3.1: length-prefixed names.
constexpr std::string_view kProtocols = "\x08http/1.1";

const unsigned char* as_unsigned(const char* text) {
  return reinterpret_cast<const unsigned char*>(text);
}

Error our_fault(std::string message) {
  return Error(ErrorKind::tls, std::move(message)).with_code(TlsFailure::configuration);
}

Result<std::string> read_text(const std::string& path, std::string_view what) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return fail(our_fault("read the " + std::string(what) + " " + path));
  return text;
}

Result<detail::SslContextPtr> make_context(const SSL_METHOD* method, TlsVersion version_min) {
  ERR_clear_error();
  detail::SslContextPtr context(SSL_CTX_new(method));
  if (!context) return fail(detail::configuration_error("make a TLS context"));
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(
      raw, version_min == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION);
  if (SSL_CTX_set_ciphersuites(raw, kSuites13) != 1 ||
      SSL_CTX_set_cipher_list(raw, kCiphers12) != 1) {
    return fail(detail::configuration_error("choose TLS ciphers"));
  }
  SSL_CTX_set_options(
      raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 0);
  return context;
}

/// Refuses an encrypted key instead of asking for its password on the terminal.
int no_password(char*, int, int, void*) { return -1; }

Result<void> use_chain(SSL_CTX* context, const std::string& pem, const std::string& what) {
  ERR_clear_error();
  detail::BioPtr bio = detail::bio_of(pem);
  detail::X509Ptr leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, &no_password, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return fail(detail::configuration_error("read " + what));
  }
  for (;;) {
    detail::X509Ptr issuer(PEM_read_bio_X509(bio.get(), nullptr, &no_password, nullptr));
    if (!issuer) break;
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) {
      return fail(detail::configuration_error("read the chain in " + what));
    }
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return fail(detail::configuration_error("read the chain in " + what));
  }
  ERR_clear_error();
  return {};
}

Result<void> use_key(SSL_CTX* context, const std::string& pem, const std::string& what) {
  ERR_clear_error();
  detail::BioPtr bio = detail::bio_of(pem);
  detail::PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr));
  if (!key) {
    return fail(
        detail::configuration_error("read " + what + " (an encrypted key is not supported)"));
  }
  // Compares it with the certificate, too.
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return fail(detail::configuration_error("use " + what));
  }
  return {};
}

Result<void> use_client_certificate(SSL_CTX* context, const TlsClientOptions& options) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return fail(our_fault("a client certificate needs both its certificate file and its key file"));
  }
  if (options.certificate_file.empty()) return {};
  RINGPULL_TRY(std::string certificate, read_text(options.certificate_file, "client certificate"));
  RINGPULL_TRY(std::string key, read_text(options.key_file, "client key"));
  RINGPULL_CHECK(
      use_chain(context, certificate, "the client certificate " + options.certificate_file));
  auto used = use_key(context, key, "the client key " + options.key_file);
  OPENSSL_cleanse(key.data(), key.size());
  return used;
}

/// OpenSSL's own verification; on failure the reasons are kept, which the connection forgets.
int on_verify(X509_STORE_CTX* verification, void*) {
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE) return 1;
  if (X509_verify_cert(verification) == 1) return 1;
  detail::TlsCodec& codec = detail::TlsCodec::of(ssl);
  codec.note_failure(detail::describe_certificate(verification, codec.who()));
  return 0;
}

/// Called only when the server asks for a certificate and we have none.
int on_certificate_wanted(SSL* ssl, X509**, EVP_PKEY**) {
  detail::TlsCodec::of(ssl).note_missed_certificate();
  return 0;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  detail::TlsCodec::of(ssl).keep_session(detail::SslSessionPtr(session));
  return 1;  // the reference is ours
}

// RFC 7301 3.2: a client that offers protocols, but not ours, gets no_application_protocol.
int on_protocols_offered(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                         const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* match = nullptr;
  const int outcome =
      SSL_select_next_proto(&match, chosen_size, as_unsigned(kProtocols.data()),
                            static_cast<unsigned>(kProtocols.size()), offered, offered_size);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = match;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<TlsClientContext> TlsClientContext::create(const TlsClientOptions& options) {
  auto state = std::make_shared<detail::TlsClientState>(options);
  RINGPULL_TRY(state->context, make_context(TLS_client_method(), options.version_min));
  SSL_CTX* context = state->context.get();
  if (!options.skip_verify || !options.ca_file.empty()) {
    RINGPULL_TRY(TlsTrust trust, TlsTrust::load(options.ca_file));
    SSL_CTX_set1_cert_store(context, trust.state().store.get());
  }
  SSL_CTX_set_verify(context, options.skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, &on_verify, nullptr);
  RINGPULL_CHECK(use_client_certificate(context, options));
  SSL_CTX_set_client_cert_cb(context, &on_certificate_wanted);
  SSL_CTX_set_alpn_protos(context, as_unsigned(kProtocols.data()),
                          static_cast<unsigned>(kProtocols.size()));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &on_new_session);
  return TlsClientContext(std::move(state));
}

TlsClientContext::TlsClientContext(std::shared_ptr<detail::TlsClientState> state)
    : state_(std::move(state)) {}
TlsClientContext::TlsClientContext(TlsClientContext&&) noexcept = default;
TlsClientContext& TlsClientContext::operator=(TlsClientContext&&) noexcept = default;
TlsClientContext::~TlsClientContext() = default;

std::size_t TlsClientContext::sessions() const noexcept { return state_->sessions.size(); }

Result<TlsServerOptions> TlsServerOptions::from_files(const std::string& certificate_file,
                                                      const std::string& key_file) {
  TlsServerOptions options;
  RINGPULL_TRY(options.certificate_pem, read_text(certificate_file, "server certificate"));
  RINGPULL_TRY(options.key_pem, read_text(key_file, "server key"));
  return options;
}

Result<TlsServerContext> TlsServerContext::create(const TlsServerOptions& options) {
  auto state = std::make_shared<detail::TlsServerState>(options);
  RINGPULL_TRY(state->context, make_context(TLS_server_method(), options.version_min));
  SSL_CTX* context = state->context.get();
  RINGPULL_CHECK(use_chain(context, options.certificate_pem, "the server certificate"));
  RINGPULL_CHECK(use_key(context, options.key_pem, "the server key"));
  // Resumption is by tickets, which need no memory here.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, &on_protocols_offered, nullptr);
  return TlsServerContext(std::move(state));
}

TlsServerContext::TlsServerContext(std::shared_ptr<detail::TlsServerState> state)
    : state_(std::move(state)) {}
TlsServerContext::TlsServerContext(TlsServerContext&&) noexcept = default;
TlsServerContext& TlsServerContext::operator=(TlsServerContext&&) noexcept = default;
TlsServerContext::~TlsServerContext() = default;

}  // namespace ringpull::inline v0::http
