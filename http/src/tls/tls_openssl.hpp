#pragma once

// Owners for the OpenSSL handles of this component, and its errors as text.

#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string>
#include <string_view>

#include <ringpull/engine/error.hpp>

namespace ringpull::inline v0::http::detail {

template <auto free_function>
struct Free {
  template <class T>
  void operator()(T* handle) const noexcept {
    free_function(handle);
  }
};

using BioPtr = std::unique_ptr<BIO, Free<&BIO_free_all>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Free<&EVP_PKEY_free>>;
using SslPtr = std::unique_ptr<SSL, Free<&SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, Free<&SSL_CTX_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, Free<&SSL_SESSION_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Free<&X509_STORE_free>>;
using X509Ptr = std::unique_ptr<X509, Free<&X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Free<&X509_EXTENSION_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Free<&GENERAL_NAMES_free>>;

/// A read-only memory BIO; `text` outlives it.
BioPtr bio_of(std::string_view text);

/// True for "127.0.0.1" and "::1"; no brackets, no zone.
bool is_ip_literal(const std::string& host) noexcept;

/// The reason of this thread's latest OpenSSL error, e.g. "no start line"; the queue is left empty.
std::string take_openssl_reason();

/// `tls`, TlsFailure::configuration: "<what>: <OpenSSL's reason>".
Error configuration_error(std::string_view what);

}  // namespace ringpull::inline v0::http::detail
