#pragma once

// Certificate authorities and certificates of every quality, minted in memory.

#include <memory>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string>

namespace ringpull::test {

struct CertificateRecipe {
  CertificateRecipe() = default;
  std::string common_name = "test";
  /// As in openssl.cnf: "DNS:localhost,IP:127.0.0.1"; empty: no such extension.
  std::string alternative_names;
  std::string extended_usage = "serverAuth,clientAuth";
  bool is_authority = false;
  /// Validity, in days from now.
  int begins = -1;
  int ends = 1;
};

/// A certificate with its key, able to sign others.
class Certificate {
 public:
  /// Signed by itself.
  static Certificate self_signed(const CertificateRecipe& recipe);
  Certificate issue(const CertificateRecipe& recipe) const;

  std::string pem() const;
  std::string key_pem() const;
  /// Protected by a password.
  std::string encrypted_key_pem() const;

 private:
  Certificate(X509* certificate, EVP_PKEY* key);
  static Certificate make(const CertificateRecipe& recipe, const Certificate* issuer);

  std::shared_ptr<X509> certificate_;
  std::shared_ptr<EVP_PKEY> key_;
};

/// A recipe for an authority.
CertificateRecipe authority(const std::string& name);
/// A recipe for a server that is all right but for what the caller changes.
CertificateRecipe server(const std::string& alternative_names);

/// A file in a folder of its own; both go with it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  const std::string& path() const { return path_; }
  void replace(const std::string& text) const;

 private:
  std::string folder_;
  std::string path_;
};

}  // namespace ringpull::test
