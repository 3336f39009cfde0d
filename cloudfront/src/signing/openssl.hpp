#pragma once

// Owners for the OpenSSL handles of this component, and its errors as text.

#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <string>

namespace ringpull::inline v0::cloudfront::detail {

template <auto free_function>
struct Free {
  template <class T>
  void operator()(T* handle) const noexcept {
    free_function(handle);
  }
};

using BioPtr = std::unique_ptr<BIO, Free<&BIO_free_all>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Free<&EVP_PKEY_free>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, Free<&EVP_MD_CTX_free>>;

/// The reason of this thread's latest OpenSSL error, e.g. "unsupported"; the queue is left empty.
std::string take_openssl_reason();

}  // namespace ringpull::inline v0::cloudfront::detail
