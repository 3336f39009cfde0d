#include "cloudfront/src/signing/private_key.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string>

#include "cloudfront/src/signing/open_file.hpp"
#include "cloudfront/src/signing/secret_text.hpp"

namespace ringpull::inline v0::cloudfront {

namespace detail {

std::string take_openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason != nullptr ? reason : "unknown reason";
  ERR_clear_error();
  return text;
}

}  // namespace detail

namespace {

// An encrypted key is refused instead of asking on the terminal, which is OpenSSL's default.
int no_passphrase(char*, int, int, void*) { return -1; }

bool is_p256(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t length = 0;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                     &length) != 1) {
    return false;
  }
  return std::string_view(group.data(), length) == "prime256v1";
}

}  // namespace

PrivateKey::PrivateKey(std::shared_ptr<const Key> key, Type type) noexcept
    : key_(std::move(key)), type_(type) {}

int PrivateKey::bits() const noexcept { return EVP_PKEY_get_bits(key_->pkey.get()); }

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  if (pem.size() > detail::SecretText::kBytesMax) {
    return fail(ErrorKind::too_large, "read a CloudFront key: the PEM text exceeds 64 KiB");
  }
  if (pem.find("PRIVATE KEY-----") == std::string_view::npos) {
    return fail(
        ErrorKind::invalid_argument,
        "read a CloudFront key: there is no PEM private key in the text; a file that begins "
        "with BEGIN RSA PRIVATE KEY, BEGIN PRIVATE KEY or BEGIN EC PRIVATE KEY is wanted");
  }
  detail::BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  detail::PkeyPtr pkey(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr)
                           : nullptr);
  if (!pkey) {
    return fail(ErrorKind::invalid_argument, "read a CloudFront key: OpenSSL refuses it (" +
                                                 detail::take_openssl_reason() +
                                                 "); it must be unencrypted PEM");
  }

  Type type = Type::rsa;
  if (EVP_PKEY_is_a(pkey.get(), "RSA") == 1) {
    if (EVP_PKEY_get_bits(pkey.get()) < PrivateKey::kRsaBits) {
      return fail(ErrorKind::invalid_argument, "read a CloudFront key: RSA of " +
                                                   std::to_string(EVP_PKEY_get_bits(pkey.get())) +
                                                   " bits; CloudFront takes 2048");
    }
  } else if (EVP_PKEY_is_a(pkey.get(), "EC") == 1 && is_p256(pkey.get())) {
    type = Type::ecdsa_p256;
  } else {
    return fail(
        ErrorKind::invalid_argument,
        "read a CloudFront key: neither RSA nor ECDSA on P-256, which are the key types that "
        "CloudFront takes");
  }
  return PrivateKey(std::make_shared<const Key>(Key{std::move(pkey)}), type);
}

Result<PrivateKey> PrivateKey::from_pem_file(const std::string& path) {
  const std::string what = "read the CloudFront key file " + path;
  RINGPULL_TRY(detail::FilePtr file, detail::open_file(path, what));
  // Unbuffered, so that no copy of the key stays behind in stdio's buffer.
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  detail::SecretText text;
  text.fill(std::fread(text.room().data(), 1, text.room().size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return fail(Error::from_errno(errno, what));
  }
  Result<PrivateKey> key = from_pem(text.view());
  if (!key) return fail(std::move(key).error().context(path));
  return key;
}

}  // namespace ringpull::inline v0::cloudfront
