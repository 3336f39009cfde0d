#pragma once
// HMAC-SHA256 keys and the cache of derived SigV4 signing keys.

#include <array>
#include <cstddef>
#include <memory>
#include <openssl/evp.h>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/s3/sigv4.hpp>

namespace ringpull::inline v0::s3 {

struct EvpMacContextFree {
  void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};

/// An HMAC-SHA256 key that is set up once and used for many messages.
class HmacKey {
 public:
  explicit HmacKey(std::span<const std::byte> key);

  Sha256Digest sign(std::string_view message) const;

 private:
  std::unique_ptr<EVP_MAC_CTX, EvpMacContextFree> context_;
};

/// kSigning of
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html: four
/// HMACs over day, region, service and "aws4_request".
HmacKey derive_signing_key(const Secret& secret_access_key, std::string_view day,
                           std::string_view region, std::string_view service);

/// Derived keys of recent use. A client needs one entry, two around midnight or while it learns a
/// region; a test server one per key.
class SigningKeyCache {
 public:
  /// The reference is valid until the next call.
  const HmacKey& get(const Credentials& credentials, const SigningScope& scope);

 private:
  static constexpr std::size_t kEntriesMax = 8;

  struct Entry {
    std::string day;
    std::string region;
    std::string service;
    Secret secret_access_key;
    HmacKey key;
  };

  std::vector<Entry> entries_;
  std::size_t next_victim_ = 0;
};

}  // namespace ringpull::inline v0::s3
