#pragma once

// What the TLS connections of one loop share: whom to trust, who we are, which sessions to resume.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::http {

namespace detail {
struct TlsClientState;
struct TlsServerState;
struct TlsTrustState;
}  // namespace detail

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

/// A set of certificate authorities, loaded once and shared by every context and thread that asks
/// for the same one. Cheap to copy.
class TlsTrust {
 public:
  /// Reads a PEM bundle, which stands in place of the system's store, not beside it; "" means the
  /// system's store (OpenSSL's default paths, or SSL_CERT_FILE and SSL_CERT_DIR). Blocks for the
  /// read. A bundle already loaded and unchanged on disk is shared. `tls` when the file cannot be
  /// read, holds no certificate, or holds a broken one: never a silent fallback.
  static Result<TlsTrust> load(const std::string& ca_file);

  const detail::TlsTrustState& state() const noexcept { return *state_; }

 private:
  explicit TlsTrust(std::shared_ptr<const detail::TlsTrustState> state)
      : state_(std::move(state)) {}
  std::shared_ptr<const detail::TlsTrustState> state_;
};

class TlsClientOptions {
 public:
  TlsClientOptions() = default;

  /// PEM bundle that replaces the system's store; empty: the system's store.
  std::string ca_file;
  /// PEM certificate chain (leaf first) and its unencrypted key, for servers that ask for a client
  /// certificate. Both or neither.
  std::string certificate_file;
  std::string key_file;
  /// Accepts any certificate for any name. Whoever sits on the way can then read and change all.
  bool skip_verify = false;
  TlsVersion version_min = TlsVersion::tls_1_2;
  /// Ciphertext received at a time; 64 to 256 KiB are sensible. 256 KiB: a download costs about 5 %
  /// less CPU time than with 64 KiB, and there is one such buffer for all connections of a context.
  std::size_t receive_buffer_bytes = 256 * 1024;
  /// TLS 1.3 tickets are used once: keep as many as connections are likely to be opened at once.
  /// 16: about 4 KiB each.
  std::size_t sessions_per_origin_max = 16;
  /// Origins remembered; the one not used for longest goes first. 64: more than a registry talks
  /// to.
  std::size_t session_origins_max = 64;
};

/// The client side of one loop: settings, trust and the sessions to resume, by host and port. Two
/// contexts share no session, so none crosses from one verification setting to another. Movable;
/// streams keep what they need of it alive.
class TlsClientContext {
 public:
  /// Reads the files named in the options; blocks for it. `tls` when one of them cannot be used.
  static Result<TlsClientContext> create(const TlsClientOptions& options);
  TlsClientContext(TlsClientContext&&) noexcept;
  TlsClientContext& operator=(TlsClientContext&&) noexcept;
  ~TlsClientContext();

  /// Sessions that wait to be resumed, over all origins.
  std::size_t sessions() const noexcept;
  const std::shared_ptr<detail::TlsClientState>& state() const noexcept { return state_; }

 private:
  explicit TlsClientContext(std::shared_ptr<detail::TlsClientState> state);
  std::shared_ptr<detail::TlsClientState> state_;
};

class TlsServerOptions {
 public:
  TlsServerOptions() = default;

  /// PEM: the chain (leaf first) and its unencrypted key.
  std::string certificate_pem;
  std::string key_pem;
  TlsVersion version_min = TlsVersion::tls_1_2;
  /// As TlsClientOptions::receive_buffer_bytes.
  std::size_t receive_buffer_bytes = 256 * 1024;

  /// Reads both from files. `tls` when one cannot be read.
  static Result<TlsServerOptions> from_files(const std::string& certificate_file,
                                             const std::string& key_file);
};

/// The server side of one loop.
class TlsServerContext {
 public:
  /// `tls` when the PEM cannot be read or the key does not belong to the certificate.
  static Result<TlsServerContext> create(const TlsServerOptions& options);
  TlsServerContext(TlsServerContext&&) noexcept;
  TlsServerContext& operator=(TlsServerContext&&) noexcept;
  ~TlsServerContext();

  const std::shared_ptr<detail::TlsServerState>& state() const noexcept { return state_; }

 private:
  explicit TlsServerContext(std::shared_ptr<detail::TlsServerState> state);
  std::shared_ptr<detail::TlsServerState> state_;
};

}  // namespace ringpull::inline v0::http
