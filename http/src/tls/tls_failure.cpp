#include "http/src/tls/tls_failure.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string>
#include <string_view>

#include <ringpull/http/tls_error.hpp>

#include "http/src/message/text.hpp"
#include "http/src/tls/tls_codec.hpp"

namespace ringpull::inline v0::http {

namespace {

class TlsCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override {
    switch (static_cast<TlsFailure>(value)) {
      case TlsFailure::certificate_expired: return "certificate expired";
      case TlsFailure::certificate_not_yet_valid: return "certificate not yet valid";
      case TlsFailure::wrong_host: return "certificate for another host";
      case TlsFailure::self_signed: return "self-signed certificate";
      case TlsFailure::unknown_authority: return "unknown certificate authority";
      case TlsFailure::issuer_missing: return "issuer of the certificate not found";
      case TlsFailure::certificate_rejected: return "certificate rejected";
      case TlsFailure::client_certificate_required: return "client certificate required";
      case TlsFailure::client_certificate_refused: return "client certificate refused";
      case TlsFailure::protocol_version: return "no TLS version in common";
      case TlsFailure::no_shared_cipher: return "no cipher in common";
      case TlsFailure::not_tls: return "peer does not speak TLS";
      case TlsFailure::hang_up: return "peer hung up during the handshake";
      case TlsFailure::alpn: return "no application protocol in common";
      case TlsFailure::handshake: return "handshake failed";
      case TlsFailure::record: return "broken record";
      case TlsFailure::configuration: return "unusable TLS configuration";
    }
    return "unknown";
  }
};

}  // namespace

const std::error_category& tls_category() noexcept {
  static const TlsCategory category;
  return category;
}

namespace detail {

namespace {

constexpr std::string_view kTrustIt =
    "; pass its authority with --ca FILE, or --no-verify to accept any certificate";

std::string one_line(const X509_NAME* name) {
  BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return printable(std::string_view(text, static_cast<std::size_t>(size)));
}

std::string date_text(const ASN1_TIME* time) {
  BioPtr out(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(out.get(), time);
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string name_text(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    const ASN1_STRING* text = name.d.dNSName;
    return printable({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<std::size_t>(ASN1_STRING_length(text))});
  }
  if (name.type != GEN_IPADD) return {};
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(name.d.iPAddress) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(name.d.iPAddress) != 16) return {};
  inet_ntop(family, ASN1_STRING_get0_data(name.d.iPAddress), text, sizeof text);
  return text;
}

/// "a.example, b.example and 7 more"; "no name" where the certificate has none.
std::string names_of(const X509* certificate) {
  constexpr int kNamesShown = 4;
  GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  std::string list;
  for (int i = 0; i < count && i < kNamesShown; ++i) {
    if (!list.empty()) list += ", ";
    list += name_text(*sk_GENERAL_NAME_value(names.get(), i));
  }
  if (count > kNamesShown) list += " and " + std::to_string(count - kNamesShown) + " more";
  return list.empty() ? "no name (a common name alone does not count)" : list;
}

struct Finding {
  TlsFailure failure;
  std::string text;
};

Finding judge_certificate(X509_STORE_CTX* verification, const std::string& who) {
  const X509* leaf = X509_STORE_CTX_get0_cert(verification);
  const int verdict = X509_STORE_CTX_get_error(verification);
  const auto at = [&](const std::string& text) { return "the certificate of " + who + text; };
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED: {
      const X509* expired = X509_STORE_CTX_get_current_cert(verification);
      const std::string whose = expired == leaf ? "" : " depends on one that";
      return {TlsFailure::certificate_expired,
              at(whose + " expired on " + date_text(X509_get0_notAfter(expired))) +
                  "; renew it, or pass --no-verify to accept any certificate"};
    }
    case X509_V_ERR_CERT_NOT_YET_VALID: {
      const X509* early = X509_STORE_CTX_get_current_cert(verification);
      const std::string whose = early == leaf ? "" : " depends on one that";
      return {TlsFailure::certificate_not_yet_valid,
              at(whose + " is not valid before " + date_text(X509_get0_notBefore(early))) +
                  "; check the clock of this machine"};
    }
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {TlsFailure::wrong_host,
              at(" is for " + names_of(leaf)) +
                  "; use one of its names, or pass --no-verify to accept any certificate"};
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {TlsFailure::self_signed, at(" is self-signed and not trusted here; pass it with --ca "
                                          "FILE, or --no-verify to accept any certificate")};
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return {TlsFailure::unknown_authority,
              at(" comes from an authority that is not trusted here") + std::string(kTrustIt)};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
      if (X509_STORE_CTX_get_error_depth(verification) > 0) {
        return {TlsFailure::unknown_authority,
                at(" leads to an authority that is not trusted here") + std::string(kTrustIt)};
      }
      return {TlsFailure::issuer_missing,
              at(" was signed by " + one_line(X509_get_issuer_name(leaf)) +
                 ", which is not trusted here and did not come along") +
                  std::string(kTrustIt) + ", or let the server send its intermediate certificate"};
    }
    default:
      return {TlsFailure::certificate_rejected,
              at(std::string(" was rejected: ") + X509_verify_cert_error_string(verdict))};
  }
}

Finding judge_client_certificate(const TlsCodec& codec, std::string_view reason) {
  if (codec.client_certificate_missed()) {
    return {TlsFailure::client_certificate_required,
            codec.who() + " asks for a client certificate; name one with its key"};
  }
  return {TlsFailure::client_certificate_refused,
          codec.who() + " refused our certificate: " + std::string(reason)};
}

Finding judge_reason(const TlsCodec& codec, int code, const std::string& reason,
                     bool after_handshake) {
  const std::string& who = codec.who();
  switch (code) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED: return judge_client_certificate(codec, reason);
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
      return {TlsFailure::protocol_version,
              who + " has no TLS version in common with us; 1.2 is the oldest one accepted"};
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      if (after_handshake) break;
      return {TlsFailure::not_tls, who + " does not speak TLS; is it an http:// endpoint?"};
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_WRONG_CIPHER_RETURNED:
    case SSL_R_UNKNOWN_CIPHER_RETURNED:
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
      return {TlsFailure::no_shared_cipher, who + " offers no cipher that we accept"};
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      if (codec.client_certificate_missed()) return judge_client_certificate(codec, reason);
      return {TlsFailure::no_shared_cipher,
              who + " found no cipher or parameters in common with us"};
    // The alert as a reason; OpenSSL before 3.0.14 (Ubuntu 24.04) has no name for it.
    case SSL_AD_REASON_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL:
    case SSL_R_NO_APPLICATION_PROTOCOL: return {TlsFailure::alpn, who + " does not speak HTTP/1.1"};
    default: break;
  }
  if (after_handshake) return {TlsFailure::record, "TLS with " + who + " failed: " + reason};
  return {TlsFailure::handshake, "the TLS handshake with " + who + " failed: " + reason};
}

Error make_error(Finding finding) {
  return Error(ErrorKind::tls, std::move(finding.text)).with_code(finding.failure);
}

}  // namespace

Error describe_tls_failure(const TlsCodec& codec, bool after_handshake) {
  const int code = ERR_GET_REASON(ERR_peek_error());
  return make_error(judge_reason(codec, code, take_openssl_reason(), after_handshake));
}

Error describe_certificate(X509_STORE_CTX* verification, const std::string& who) {
  return make_error(judge_certificate(verification, who));
}

Error describe_hang_up(const TlsCodec& codec, const char* how) {
  std::string text = codec.who() + " " + how + " in the middle of the TLS handshake";
  if (codec.client_certificate_missed()) text += ", after it had asked for a client certificate";
  return make_error({TlsFailure::hang_up, std::move(text)});
}

Error describe_wrong_protocol(const TlsCodec& codec, std::string_view protocol) {
  return make_error({TlsFailure::alpn, codec.who() + " chose the protocol " + printable(protocol) +
                                           ", which nobody offered; only HTTP/1.1 is spoken here"});
}

}  // namespace detail

}  // namespace ringpull::inline v0::http
