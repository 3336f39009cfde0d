#include <algorithm>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string_view>

#include <ringpull/http/tls_identity.hpp>

#include "http/src/tls/tls_openssl.hpp"

namespace ringpull::inline v0::http {

namespace {

using detail::PkeyPtr;
using detail::X509Ptr;

constexpr long kSecondsPerHour = 3600;
constexpr long kSecondsPerDay = 24 * kSecondsPerHour;

Result<void> check(int outcome, std::string_view what) {
  if (outcome > 0) return {};
  return fail(detail::configuration_error(what));
}

Result<void> add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  detail::ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  if (!extension) return fail(detail::configuration_error("make a certificate extension"));
  return check(X509_add_ext(certificate, extension.get(), -1), "add a certificate extension");
}

/// A certificate without its signature and extensions.
Result<X509Ptr> make_certificate(const std::string& common_name, EVP_PKEY* key, int valid_days) {
  X509Ptr certificate(X509_new());
  if (!certificate) return fail(detail::configuration_error("make a certificate"));
  std::uint64_t serial = 0;
  RINGPULL_CHECK(check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial),
                       "draw a serial number"));
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kSecondsPerHour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kSecondsPerDay * valid_days);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  RINGPULL_CHECK(
      check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(common_name.data()),
                                       static_cast<int>(common_name.size()), -1, 0),
            "name a certificate"));
  RINGPULL_CHECK(check(X509_set_pubkey(certificate.get(), key), "set the key of a certificate"));
  return certificate;
}

/// "DNS:localhost,IP:127.0.0.1"; refuses what would end the list entry.
Result<std::string> alternative_names(std::span<const std::string> names) {
  std::string list;
  for (const std::string& name : names) {
    if (name.empty() || name.find_first_of(", \t\r\n") != std::string::npos) {
      return fail(ErrorKind::invalid_argument, "'" + name + "' cannot stand in a certificate");
    }
    if (!list.empty()) list += ',';
    list += detail::is_ip_literal(name) ? "IP:" : "DNS:";
    list += name;
  }
  if (list.empty()) return fail(ErrorKind::invalid_argument, "a certificate needs a name");
  return list;
}

Result<X509Ptr> make_authority(EVP_PKEY* key, int valid_days) {
  RINGPULL_TRY(X509Ptr authority, make_certificate("Ringpull authority", key, valid_days));
  X509* raw = authority.get();
  RINGPULL_CHECK(add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  RINGPULL_CHECK(add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign"));
  RINGPULL_CHECK(add_extension(raw, raw, NID_subject_key_identifier, "hash"));
  RINGPULL_CHECK(check(X509_set_issuer_name(raw, X509_get_subject_name(raw)), "name an issuer"));
  RINGPULL_CHECK(check(X509_sign(raw, key, EVP_sha256()), "sign a certificate"));
  return authority;
}

Result<X509Ptr> make_server(const std::string& names, EVP_PKEY* key, X509* authority,
                            EVP_PKEY* authority_key, int valid_days) {
  RINGPULL_TRY(X509Ptr server, make_certificate("Ringpull server", key, valid_days));
  X509* raw = server.get();
  RINGPULL_CHECK(add_extension(raw, authority, NID_basic_constraints, "critical,CA:FALSE"));
  RINGPULL_CHECK(add_extension(raw, authority, NID_key_usage, "critical,digitalSignature"));
  RINGPULL_CHECK(add_extension(raw, authority, NID_ext_key_usage, "serverAuth"));
  RINGPULL_CHECK(add_extension(raw, authority, NID_subject_key_identifier, "hash"));
  RINGPULL_CHECK(add_extension(raw, authority, NID_authority_key_identifier, "keyid"));
  RINGPULL_CHECK(add_extension(raw, authority, NID_subject_alt_name, names));
  RINGPULL_CHECK(
      check(X509_set_issuer_name(raw, X509_get_subject_name(authority)), "name an issuer"));
  RINGPULL_CHECK(check(X509_sign(raw, authority_key, EVP_sha256()), "sign a certificate"));
  return server;
}

std::string text_of(BIO* bio) {
  const char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<std::string> pem_of(X509* certificate) {
  detail::BioPtr out(BIO_new(BIO_s_mem()));
  RINGPULL_CHECK(check(PEM_write_bio_X509(out.get(), certificate), "write a certificate"));
  return text_of(out.get());
}

Result<std::string> pem_of(EVP_PKEY* key) {
  detail::BioPtr out(BIO_new(BIO_s_secmem()));
  RINGPULL_CHECK(
      check(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr),
            "write a key"));
  return text_of(out.get());
}

}  // namespace

Result<TlsIdentity> make_tls_identity(std::span<const std::string> names,
                                      const TlsIdentityOptions& options) {
  RINGPULL_TRY(const std::string list, alternative_names(names));
  ERR_clear_error();
  PkeyPtr authority_key(EVP_EC_gen("P-256"));
  PkeyPtr server_key(EVP_EC_gen("P-256"));
  if (!authority_key || !server_key) return fail(detail::configuration_error("make a key"));
  RINGPULL_TRY(X509Ptr authority, make_authority(authority_key.get(), options.valid_days));
  RINGPULL_TRY(X509Ptr server, make_server(list, server_key.get(), authority.get(),
                                           authority_key.get(), options.valid_days));
  TlsIdentity identity;
  RINGPULL_TRY(identity.certificate_pem, pem_of(server.get()));
  RINGPULL_TRY(identity.key_pem, pem_of(server_key.get()));
  RINGPULL_TRY(identity.ca_pem, pem_of(authority.get()));
  return identity;
}

}  // namespace ringpull::inline v0::http
