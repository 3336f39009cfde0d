#pragma once
// What is behind the handles of tls_context.hpp, which shows no OpenSSL. Trust is const and may be
// shared by threads; the others belong to one loop and live as long as a stream that uses them.

#include <ringpull/http/tls_context.hpp>

#include "http/src/tls/tls_buffers.hpp"
#include "http/src/tls/tls_openssl.hpp"
#include "http/src/tls/tls_sessions.hpp"

namespace ringpull::inline v0::http::detail {

struct TlsTrustState {
  StorePtr store;
};

/// What a client context and its streams share.
struct TlsClientState {
  explicit TlsClientState(const TlsClientOptions& client_options)
      : options(client_options),
        blocks(client_options.receive_buffer_bytes),
        sessions(client_options.sessions_per_origin_max, client_options.session_origins_max) {}

  TlsClientOptions options;
  SslContextPtr context;
  TlsBlocks blocks;
  TlsSessions sessions;
};

struct TlsServerState {
  explicit TlsServerState(const TlsServerOptions& options) : blocks(options.receive_buffer_bytes) {}
  SslContextPtr context;
  TlsBlocks blocks;
};

}  // namespace ringpull::inline v0::http::detail
