#pragma once
// Why TLS failed, for programs, which compare Error::code() with a TlsFailure. People read the
// message: it names the peer and, where known, what to do.

#include <cstdint>
#include <system_error>

namespace ringpull::inline v0::http {

/// What an Error of kind `tls` is about; found in its code().
enum class TlsFailure : std::uint8_t {
  certificate_expired = 1,
  certificate_not_yet_valid,
  wrong_host,
  self_signed,           ///< the peer vouches for itself, and is not in the trust
  unknown_authority,     ///< the chain ends at an authority that is not in the trust
  issuer_missing,        ///< only the leaf came, and its issuer is not in the trust: an unknown
                         ///< authority, or a server that leaves an intermediate out
  certificate_rejected,  ///< anything else that is wrong with a certificate (purpose, key, form)
  client_certificate_required,
  client_certificate_refused,
  protocol_version,  ///< no TLS version in common, or too old a one
  no_shared_cipher,
  not_tls,  ///< the peer speaks another protocol on this port
  hang_up,  ///< the peer closed in the middle of the handshake
  alpn,     ///< no application protocol in common, or one nobody offered
  handshake,
  record,         ///< a record was broken, or arrived out of place
  configuration,  ///< files or settings on our side
};

const std::error_category& tls_category() noexcept;
inline std::error_code make_error_code(TlsFailure failure) noexcept {
  return std::error_code(static_cast<int>(failure), tls_category());
}

}  // namespace ringpull::inline v0::http

template <>
struct std::is_error_code_enum<ringpull::http::TlsFailure> : std::true_type {};
