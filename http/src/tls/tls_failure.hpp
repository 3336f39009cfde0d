#pragma once
// OpenSSL's failures in our words: a TlsFailure and a sentence. Call at once: the error queue
// belongs to the thread, and the next OpenSSL call changes it.

#include <openssl/x509_vfy.h>
#include <string>
#include <string_view>

#include <ringpull/engine/error.hpp>

namespace ringpull::inline v0::http::detail {

class TlsCodec;

/// Turns what OpenSSL just said (its error queue, the peer's alert) into an Error of kind `tls` and
/// empties the queue.
Error describe_tls_failure(const TlsCodec& codec, bool after_handshake);

/// Why a verification that has just failed has failed.
Error describe_certificate(X509_STORE_CTX* verification, const std::string& who);

/// The TCP stream ended or broke in the middle of the handshake.
Error describe_hang_up(const TlsCodec& codec, const char* how);

/// The peer agreed to a protocol other than HTTP/1.1.
Error describe_wrong_protocol(const TlsCodec& codec, std::string_view protocol);

}  // namespace ringpull::inline v0::http::detail
