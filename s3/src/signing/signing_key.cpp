#include "s3/src/signing/signing_key.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <ringpull/engine/assert.hpp>

namespace ringpull::inline v0::s3 {
namespace {

/// Fetched once per process: a fetch per signature would cost more than the HMAC.
EVP_MAC* hmac_algorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  RINGPULL_ASSERT(algorithm != nullptr, "OpenSSL offers no HMAC; is a provider missing?");
  return algorithm;
}

const unsigned char* octets(const void* data) { return static_cast<const unsigned char*>(data); }

}  // namespace

HmacKey::HmacKey(std::span<const std::byte> key) : context_(EVP_MAC_CTX_new(hmac_algorithm())) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  int ok = EVP_MAC_init(context_.get(), octets(key.data()), key.size(), parameters);
  RINGPULL_ASSERT(ok == 1, "OpenSSL refused an HMAC-SHA256 key");
}

Sha256Digest HmacKey::sign(std::string_view message) const {
  Sha256Digest out;
  std::size_t size = 0;
  // A null key starts the next message under the key already set.
  int ok = EVP_MAC_init(context_.get(), nullptr, 0, nullptr) &&
           EVP_MAC_update(context_.get(), octets(message.data()), message.size()) &&
           EVP_MAC_final(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                         out.size());
  RINGPULL_ASSERT(ok == 1 && size == out.size(), "OpenSSL failed to compute an HMAC-SHA256");
  return out;
}

HmacKey derive_signing_key(const Secret& secret_access_key, std::string_view day,
                           std::string_view region, std::string_view service) {
  std::string seed = "AWS4";
  seed.reserve(seed.size() + secret_access_key.reveal().size());  // no second copy by growing
  seed += secret_access_key.reveal();
  Sha256Digest key = HmacKey(bytes_of(seed)).sign(day);
  OPENSSL_cleanse(seed.data(), seed.size());
  for (std::string_view part : {region, service, std::string_view("aws4_request")}) {
    key = HmacKey(key).sign(part);
  }
  HmacKey out(key);
  OPENSSL_cleanse(key.data(), key.size());
  return out;
}

const HmacKey& SigningKeyCache::get(const Credentials& credentials, const SigningScope& scope) {
  std::string day = amz_date(scope.time).substr(0, 8);
  for (const Entry& entry : entries_) {
    if (entry.day == day && entry.region == scope.region && entry.service == scope.service &&
        entry.secret_access_key == credentials.secret_access_key) {
      return entry.key;
    }
  }
  HmacKey key = derive_signing_key(credentials.secret_access_key, day, scope.region, scope.service);
  Entry entry{std::move(day), scope.region, scope.service, credentials.secret_access_key.clone(),
              std::move(key)};
  if (entries_.size() < kEntriesMax) return entries_.emplace_back(std::move(entry)).key;
  Entry& victim = entries_[next_victim_];
  next_victim_ = (next_victim_ + 1) % kEntriesMax;
  victim = std::move(entry);
  return victim.key;
}

}  // namespace ringpull::inline v0::s3
