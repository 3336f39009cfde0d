#include "tests/support/certificates.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace ringpull::test {

namespace {

constexpr long kSecondsPerDay = 24 * 3600;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  require(extension != nullptr, "certificate extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

template <class Write>
std::string pem_by(Write write) {
  BIO* out = BIO_new(BIO_s_mem());
  require(write(out) == 1, "write PEM");
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(out);
  return pem;
}

}  // namespace

CertificateRecipe authority(const std::string& name) {
  CertificateRecipe recipe;
  recipe.common_name = name;
  recipe.is_authority = true;
  recipe.extended_usage.clear();
  return recipe;
}

CertificateRecipe server(const std::string& alternative_names) {
  CertificateRecipe recipe;
  recipe.alternative_names = alternative_names;
  return recipe;
}

Certificate::Certificate(X509* certificate, EVP_PKEY* key)
    : certificate_(certificate, &X509_free), key_(key, &EVP_PKEY_free) {}

Certificate Certificate::self_signed(const CertificateRecipe& recipe) {
  return make(recipe, nullptr);
}

Certificate Certificate::issue(const CertificateRecipe& recipe) const { return make(recipe, this); }

Certificate Certificate::make(const CertificateRecipe& recipe, const Certificate* issuer) {
  Certificate made(X509_new(), EVP_EC_gen("P-256"));
  X509* raw = made.certificate_.get();
  X509* issuer_raw = issuer != nullptr ? issuer->certificate_.get() : raw;
  EVP_PKEY* issuer_key = issuer != nullptr ? issuer->key_.get() : made.key_.get();

  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(raw, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(raw), kSecondsPerDay * recipe.begins);
  X509_gmtime_adj(X509_getm_notAfter(raw), kSecondsPerDay * recipe.ends);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(recipe.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(raw, X509_get_subject_name(issuer_raw));
  X509_set_pubkey(raw, made.key_.get());
  add_extension(raw, issuer_raw, NID_basic_constraints,
                recipe.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(raw, issuer_raw, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) add_extension(raw, issuer_raw, NID_authority_key_identifier, "keyid");
  if (!recipe.alternative_names.empty()) {
    add_extension(raw, issuer_raw, NID_subject_alt_name, recipe.alternative_names);
  }
  if (!recipe.extended_usage.empty()) {
    add_extension(raw, issuer_raw, NID_ext_key_usage, recipe.extended_usage);
  }
  require(X509_sign(raw, issuer_key, EVP_sha256()) > 0, "sign a certificate");
  return made;
}

std::string Certificate::pem() const {
  return pem_by([&](BIO* out) { return PEM_write_bio_X509(out, certificate_.get()); });
}

std::string Certificate::key_pem() const {
  return pem_by([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string Certificate::encrypted_key_pem() const {
  return pem_by([&](BIO* out) {
    unsigned char password[] = "password";
    return PEM_write_bio_PrivateKey(out, key_.get(), EVP_aes_128_cbc(), password,
                                    sizeof password - 1, nullptr, nullptr);
  });
}

TemporaryFile::TemporaryFile(const std::string& text) {
  std::string pattern = (std::filesystem::temp_directory_path() / "ringpull-test-XXXXXX").string();
  require(::mkdtemp(pattern.data()) != nullptr, "make a temporary folder");
  folder_ = pattern;
  path_ = folder_ + "/file";
  replace(text);
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void TemporaryFile::replace(const std::string& text) const {
  std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
}

}  // namespace ringpull::test
