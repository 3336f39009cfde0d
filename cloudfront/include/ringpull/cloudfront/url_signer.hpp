#pragma once

// Signed URLs for content behind CloudFront, so that a pull can be sent to the nearest edge instead
// of through the registry. Pure computation: no I/O but reading the key file, any thread.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::cloudfront {

/// The private half of a key pair that a CloudFront trusted key group knows: RSA of at least 2048
/// bits, or ECDSA on P-256. Immutable; copies share one key. The key's memory is wiped when the
/// last copy goes.
class PrivateKey {
 public:
  /// Reads the first private key of a PEM text: PKCS#1 ("RSA PRIVATE KEY"), PKCS#8 ("PRIVATE KEY")
  /// or SEC 1 ("EC PRIVATE KEY"). Fails with `invalid_argument` when there is none, when it is
  /// encrypted, or when its type, size or curve is none that CloudFront takes. No message holds any
  /// part of the text.
  static Result<PrivateKey> from_pem(std::string_view pem);
  /// As from_pem; a file that cannot be read gives its errno's kind. At most 64 KiB are read: a PEM
  /// key has less than 8.
  static Result<PrivateKey> from_pem_file(const std::string& path);

  enum class Type { rsa, ecdsa_p256 };
  Type type() const noexcept { return type_; }

 private:
  friend class UrlSigner;
  struct Key;
  PrivateKey(std::shared_ptr<const Key> key, Type type) noexcept;

  std::shared_ptr<const Key> key_;
  Type type_;
};

/// What the signature is made over. CloudFront takes SHA-1 from every distribution; SHA-256 needs
/// the additional query parameter `Hash-Algorithm=SHA256`, which the signer appends last.
enum class HashAlgorithm { sha1, sha256 };

struct UrlSignerOptions {
  UrlSignerOptions() = default;

  /// The public key's id as CloudFront shows it, e.g. "K2JCJMDEHXQW5F".
  std::string key_pair_id;
  HashAlgorithm hash = HashAlgorithm::sha1;
};

/// Signs URLs by the canned policy: one resource, one time of expiry.
/// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
///
/// const member functions may run at the same time on several threads. An RSA-2048 signature costs
/// a quarter of a millisecond to a whole one, an ECDSA one a tenth of that or less.
class UrlSigner {
 public:
  /// `invalid_argument` when the key pair id is empty or holds anything but letters and digits.
  static Result<UrlSigner> create(PrivateKey key, UrlSignerOptions options);

  /// `url` with the parameters Expires, Signature and Key-Pair-Id (and Hash-Algorithm) appended.
  /// The signature covers the URL exactly as given, so it must be the one that the client will
  /// send: percent-encoded, with its query. `expires` counts in whole seconds (rounded down) and
  /// may lie in the past.
  ///
  /// `invalid_argument` when the URL is not http or https, has no host, has a fragment, holds a
  /// character outside printable ASCII, a blank, or one that would leave the JSON string of the
  /// policy (double quote, backslash), or already has one of the parameters that CloudFront
  /// reserves for signing.
  Result<std::string> sign(std::string_view url,
                           std::chrono::system_clock::time_point expires) const;

  const std::string& key_pair_id() const noexcept { return options_.key_pair_id; }

 private:
  UrlSigner(PrivateKey key, UrlSignerOptions options);

  PrivateKey key_;
  UrlSignerOptions options_;
};

/// The canned policy's text: what is hashed and signed, without blanks or line breaks.
std::string canned_policy(std::string_view url, std::chrono::system_clock::time_point expires);

/// Base64 with CloudFront's alphabet for query strings: '+' becomes '-', '=' '_' and '/' '~'.
std::string url_safe_base64(std::string_view bytes);

}  // namespace ringpull::inline v0::cloudfront
