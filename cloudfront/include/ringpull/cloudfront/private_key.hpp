#pragma once
// Key files for signing. Pure computation but for reading the file; any thread.

#include <memory>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::cloudfront {

/// The private half of a key pair that a CloudFront trusted key group knows: RSA of 2048 bits, or
/// ECDSA on P-256. Longer RSA keys are taken as well, though CloudFront names no other size
/// (https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_PublicKey.html): bits() tells,
/// and CloudFrontMiddleware gives notice. Immutable; copies share one key. The key's memory is
/// wiped when the last copy goes.
class PrivateKey {
 public:
  /// Reads the first private key of a PEM text: PKCS#1 ("RSA PRIVATE KEY"), PKCS#8 ("PRIVATE KEY")
  /// or SEC 1 ("EC PRIVATE KEY"). Fails with `invalid_argument` when there is none, when it is
  /// encrypted, or when its type, size or curve is none that CloudFront takes. No message holds any
  /// part of the text.
  static Result<PrivateKey> from_pem(std::string_view pem);
  /// As from_pem; a file that cannot be read gives its errno's kind, one of more than 64 KiB
  /// `too_large`: a PEM key has less than 8.
  static Result<PrivateKey> from_pem_file(const std::string& path);

  enum class Type { rsa, ecdsa_p256 };
  Type type() const noexcept { return type_; }
  /// 2048 or more for RSA, 256 for ECDSA on P-256.
  int bits() const noexcept;
  /// The size that CloudFront documents, and the least that is taken.
  static constexpr int kRsaBits = 2048;

 private:
  friend class UrlSigner;
  struct Key;
  PrivateKey(std::shared_ptr<const Key> key, Type type) noexcept;

  std::shared_ptr<const Key> key_;
  Type type_;
};

}  // namespace ringpull::inline v0::cloudfront
