#include <openssl/evp.h>

#include <ringpull/engine/assert.hpp>
#include <ringpull/s3/checksum.hpp>

namespace ringpull::inline v0::s3 {
namespace {

struct EvpContextFree {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

/// Algorithms are fetched once per process: implicit fetching costs a lookup per message.
const EVP_MD* sha256_algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  RINGPULL_ASSERT(algorithm != nullptr, "OpenSSL offers no SHA-256; is a provider missing?");
  return algorithm;
}

const EVP_MD* md5_algorithm() {
  // MD5 only names content here; "-fips" finds it where the default properties demand FIPS.
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "MD5", "-fips");
  RINGPULL_ASSERT(algorithm != nullptr, "OpenSSL offers no MD5; is a provider missing?");
  return algorithm;
}

/// An EVP digest that starts over by itself after each finish.
class Digest {
 public:
  explicit Digest(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new()), algorithm_(algorithm) {
    restart();
  }

  void update(std::span<const std::byte> data) {
    int ok = EVP_DigestUpdate(context_.get(), data.data(), data.size());
    RINGPULL_ASSERT(ok == 1, "OpenSSL failed to update a digest");
  }

  void finish(std::span<std::byte> out) {
    unsigned size = 0;
    int ok =
        EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size);
    RINGPULL_ASSERT(ok == 1 && size == out.size(), "OpenSSL failed to finish a digest");
    restart();
  }

 private:
  void restart() {
    int ok = EVP_DigestInit_ex2(context_.get(), algorithm_, nullptr);
    RINGPULL_ASSERT(ok == 1, "OpenSSL failed to start a digest");
  }

  std::unique_ptr<EVP_MD_CTX, EvpContextFree> context_;
  const EVP_MD* algorithm_;
};

}  // namespace

struct Sha256::Impl {
  Digest digest{sha256_algorithm()};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> data) { impl_->digest.update(data); }

Sha256Digest Sha256::finish() {
  Sha256Digest out;
  impl_->digest.finish(out);
  return out;
}

Sha256Digest Sha256::of(std::span<const std::byte> data) {
  Sha256 sha;
  sha.update(data);
  return sha.finish();
}

struct Md5::Impl {
  Digest digest{md5_algorithm()};
};

Md5::Md5() : impl_(std::make_unique<Impl>()) {}
Md5::Md5(Md5&&) noexcept = default;
Md5& Md5::operator=(Md5&&) noexcept = default;
Md5::~Md5() = default;

void Md5::update(std::span<const std::byte> data) { impl_->digest.update(data); }

Md5Digest Md5::finish() {
  Md5Digest out;
  impl_->digest.finish(out);
  return out;
}

Md5Digest Md5::of(std::span<const std::byte> data) {
  Md5 md5;
  md5.update(data);
  return md5.finish();
}

}  // namespace ringpull::inline v0::s3
