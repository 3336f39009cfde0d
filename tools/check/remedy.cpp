#include "tools/check/remedy.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "tools/check/policy.hpp"
#include "tools/console/exit_code.hpp"

namespace ringpull::tools {

namespace {

using Parameters = s3::S3DriverParameters;

bool has_own_key(const Parameters& parameters) {
  return !parameters.access_key.empty() && !parameters.secret_key.empty();
}

std::string of_key(const Parameters& parameters, std::string_view parameter,
                   std::string_view elsewhere) {
  if (has_own_key(parameters)) return fmt::format("correct {}", parameter);
  return fmt::format("correct the {} where the credentials come from (see the step credentials)",
                     elsewhere);
}

/// S3's own codes. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
std::string of_code(std::string_view code, const Parameters& parameters) {
  if (code == "SignatureDoesNotMatch") return of_key(parameters, "secretkey", "secret");
  if (code == "InvalidAccessKeyId" || code == "InvalidClientTokenId") {
    return of_key(parameters, "accesskey and secretkey", "key");
  }
  if (code == "ExpiredToken" || code == "InvalidToken" || code == "TokenRefreshRequired") {
    return "get fresh temporary credentials, or let them come from a source that renews them "
           "(docs/credentials.md)";
  }
  if (code == "NoSuchBucket" || code == "InvalidBucketName") {
    return parameters.region_endpoint.empty()
               ? "correct bucket, or create it"
               : "correct bucket or regionendpoint, or create the bucket";
  }
  if (code == "AccessControlListNotSupported") return "set objectacl: none";
  if (code == "InvalidStorageClass") return "set another storageclass, or NONE to send none";
  if (code.starts_with("KMS.") || code == "InvalidEncryptionAlgorithmError") {
    return "correct keyid: an enabled symmetric key in the bucket's region";
  }
  if (code == "ServerSideEncryptionConfigurationNotFoundError") return "set encrypt: false";
  if (code == "RequestTimeTooSkewed") return "set this machine's clock, for instance by NTP";
  if (code == "XAmzContentSHA256Mismatch") return "set payloadsigning: always";
  if (code == "AllAccessDisabled" || code == "AccountProblem" || code == "NotSignedUp") {
    return "the account is closed or suspended: ask its owner";
  }
  return {};
}

std::string of_denial(const Parameters& parameters, std::string_view permission) {
  std::string text =
      fmt::format("allow {} on {}", permission, policy_resource(parameters, permission));
  bool acl = permission == "s3:PutObject" && !parameters.object_acl.empty() &&
             parameters.object_acl != "private";
  if (acl) text += ", and s3:PutObjectAcl (or set objectacl: none)";
  bool key = parameters.encrypt && !parameters.key_id.empty();
  if (key && (permission == "s3:PutObject" || permission == "s3:GetObject")) {
    text += ", and kms:GenerateDataKey and kms:Decrypt on the key keyid";
  }
  return text + " (--print-policy prints all that is needed)";
}

std::string of_connection(const Error& error, const Parameters& parameters) {
  bool custom = !parameters.region_endpoint.empty();
  if (is_unknown_host(error)) {
    return custom ? "correct regionendpoint; where only the name with the bucket in front is "
                    "unknown, set forcepathstyle: true"
                  : "correct region, or the name servers of this machine";
  }
  switch (error.kind()) {
    case ErrorKind::tls:
      return "name the file of the authority to trust in AWS_CA_BUNDLE, or correct regionendpoint; "
             "skipverify: true would accept any certificate";
    case ErrorKind::protocol:
    case ErrorKind::truncated:
      return custom ? "correct the scheme or port of regionendpoint, or secure"
                    : "look for a proxy in between (HTTPS_PROXY)";
    case ErrorKind::unavailable:
    case ErrorKind::connection_closed:
      return custom ? "correct regionendpoint, or start the service there"
                    : "let this machine reach the endpoint, or set HTTPS_PROXY";
    case ErrorKind::timed_out:
      return "let this machine reach the endpoint (firewall, proxy), or allow more by --timeout";
    case ErrorKind::throttled: return "try again when the service has less to do";
    default: return {};
  }
}

}  // namespace

std::string denied_permission(const Error& error, std::string_view asked) {
  // HEAD has no body, so no code.
  bool denied = error.is(ErrorKind::permission_denied) &&
                (error.service_code() == "AccessDenied" || error.service_code().empty());
  if (!denied) return {};
  constexpr std::string_view kPhrase = "not authorized to perform: ";
  std::size_t begin = error.message().find(kPhrase);
  if (begin == std::string::npos) return std::string(asked);
  begin += kPhrase.size();
  std::size_t end = std::min(error.message().find(' ', begin), error.message().size());
  return error.message().substr(begin, end - begin);
}

std::string remedy(const Error& error, const Parameters& parameters, std::string_view permission) {
  if (!permission.empty()) return of_denial(parameters, permission);
  if (!error.hint().empty()) return fmt::format("set region: {}", error.hint());
  std::string by_code = of_code(error.service_code(), parameters);
  if (!by_code.empty()) return by_code;
  if (error.service_code().empty() && error.is(ErrorKind::unauthenticated)) {
    return has_own_key(parameters) ? "correct accesskey and secretkey"
                                   : "set accesskey and secretkey, or give this machine a role "
                                     "(docs/credentials.md)";
  }
  return of_connection(error, parameters);
}

}  // namespace ringpull::tools
