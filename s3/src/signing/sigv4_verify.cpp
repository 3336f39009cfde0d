#include <algorithm>
#include <charconv>
#include <openssl/crypto.h>
#include <optional>
#include <utility>
#include <vector>

#include <ringpull/s3/sigv4_verify.hpp>

#include "s3/src/signing/signing_key.hpp"
#include "s3/src/signing/sigv4_canonical.hpp"
#include "s3/src/text/letter_case.hpp"

namespace ringpull::inline v0::s3 {
namespace {

template <class T>
using Checked = tl::expected<T, SignatureRefusal>;

tl::unexpected<SignatureRefusal> refuse(int status, std::string code, std::string message) {
  return tl::unexpected(SignatureRefusal(status, std::move(code), std::move(message)));
}

/// What a signed request claims about itself, read from the header or from the query.
struct Claim {
  bool presigned = false;
  std::string access_key_id;
  std::string day;
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;
  std::string signature;
  std::string date;
  std::string security_token;
  std::chrono::seconds expires{0};

  const char* malformed_code() const {
    return presigned ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed";
  }
};

std::string header_or_empty(const http::Headers& headers, std::string_view name) {
  return std::string(headers.get(name).value_or(""));
}

std::optional<std::string> find_parameter(const std::vector<QueryParameter>& query,
                                          std::string_view name) {
  for (const QueryParameter& parameter : query) {
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// KEY/20130524/us-east-1/s3/aws4_request; the key itself may hold slashes on some servers.
Checked<void> read_credential(Claim& claim, std::string_view credential) {
  std::vector<std::string> parts = split(credential, '/');
  if (parts.size() < 5 || parts.back() != "aws4_request") {
    return refuse(400, claim.malformed_code(),
                  "The Credential is mal-formed; expecting "
                  "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
  }
  std::size_t n = parts.size();
  claim.service = parts[n - 2];
  claim.region = parts[n - 3];
  claim.day = parts[n - 4];
  claim.access_key_id =
      credential.substr(0, credential.size() - claim.service.size() - claim.region.size() -
                               claim.day.size() - std::string_view("////aws4_request").size());
  return {};
}

Checked<Claim> read_header_claim(const http::RequestHead& head, std::string_view authorization) {
  Claim claim;
  if (!authorization.starts_with(kAlgorithm)) {
    return refuse(400, "InvalidRequest",
                  "The authorization mechanism you have provided is not supported. Please use "
                  "AWS4-HMAC-SHA256.");
  }
  std::string credential, signed_headers;
  for (const std::string& field : split(authorization.substr(kAlgorithm.size()), ',')) {
    std::string_view text = trim(field);
    std::size_t equals = std::min(text.find('='), text.size());
    std::string_view name = text.substr(0, equals);
    std::string_view value = text.substr(std::min(equals + 1, text.size()));
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") signed_headers = value;
    if (name == "Signature") claim.signature = value;
  }
  if (credential.empty() || signed_headers.empty() || claim.signature.empty()) {
    return refuse(400, "AuthorizationHeaderMalformed",
                  "The authorization header is malformed; the authorization header requires three "
                  "components: Credential, SignedHeaders, and Signature.");
  }
  if (auto ok = read_credential(claim, credential); !ok) return tl::unexpected(ok.error());
  claim.signed_headers = split(signed_headers, ';');
  claim.date = header_or_empty(head.headers, "x-amz-date");
  claim.security_token = header_or_empty(head.headers, "x-amz-security-token");
  return claim;
}

Checked<Claim> read_query_claim(const std::vector<QueryParameter>& query) {
  Claim claim;
  claim.presigned = true;
  auto credential = find_parameter(query, "X-Amz-Credential");
  auto signature = find_parameter(query, "X-Amz-Signature");
  auto date = find_parameter(query, "X-Amz-Date");
  auto signed_headers = find_parameter(query, "X-Amz-SignedHeaders");
  auto expires = find_parameter(query, "X-Amz-Expires");
  if (!credential || !signature || !date || !signed_headers || !expires) {
    return refuse(400, "AuthorizationQueryParametersError",
                  "Query-string authentication version 4 requires the X-Amz-Algorithm, "
                  "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
                  "X-Amz-Expires parameters.");
  }
  if (find_parameter(query, "X-Amz-Algorithm") != kAlgorithm) {
    return refuse(400, "AuthorizationQueryParametersError",
                  "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  }
  if (auto ok = read_credential(claim, *credential); !ok) return tl::unexpected(ok.error());
  long seconds = 0;
  auto [end, error] = std::from_chars(expires->data(), expires->data() + expires->size(), seconds);
  if (error != std::errc() || end != expires->data() + expires->size()) {
    return refuse(400, "AuthorizationQueryParametersError", "X-Amz-Expires should be a number");
  }
  if (seconds < 0) {
    return refuse(400, "AuthorizationQueryParametersError", "X-Amz-Expires must be non-negative");
  }
  if (seconds > kPresignExpiryMax.count()) {
    return refuse(400, "AuthorizationQueryParametersError",
                  "X-Amz-Expires must be less than a week (in seconds); that is, the given "
                  "X-Amz-Expires must be less than 604800 seconds");
  }
  claim.expires = std::chrono::seconds(seconds);
  claim.signed_headers = split(*signed_headers, ';');
  claim.signature = *signature;
  claim.date = *date;
  claim.security_token = find_parameter(query, "X-Amz-Security-Token").value_or("");
  return claim;
}

Checked<Claim> read_claim(const http::RequestHead& head) {
  std::vector<QueryParameter> query = parse_query(split_target(head.target).query);
  bool in_query = find_parameter(query, "X-Amz-Algorithm") ||
                  find_parameter(query, "X-Amz-Credential") ||
                  find_parameter(query, "X-Amz-Signature");
  auto authorization = head.headers.get("authorization");
  if (authorization && in_query) {
    return refuse(400, "InvalidArgument",
                  "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                  "Signature query string parameter or the Authorization header should be "
                  "specified");
  }
  if (authorization) return read_header_claim(head, *authorization);
  if (in_query) return read_query_claim(query);
  return refuse(403, "AccessDenied", "Access Denied");
}

Checked<void> check_scope(const Claim& claim, const VerifierOptions& options) {
  std::string prefix = claim.presigned ? "Error parsing the X-Amz-Credential parameter; "
                                       : "The authorization header is malformed; ";
  if (claim.region != options.region) {
    SignatureRefusal refusal(
        400, claim.malformed_code(),
        prefix + "the region '" + claim.region + "' is wrong; expecting '" + options.region + "'");
    refusal.region = options.region;
    return tl::unexpected(std::move(refusal));
  }
  if (claim.service != options.service) {
    return refuse(400, claim.malformed_code(),
                  prefix + "incorrect service \"" + claim.service +
                      "\". This endpoint belongs to \"" + options.service + "\".");
  }
  return {};
}

Checked<std::chrono::sys_seconds> check_time(const Claim& claim, const VerifierOptions& options,
                                             std::chrono::sys_seconds now) {
  auto date = parse_amz_date(claim.date);
  if (!date && claim.presigned) {
    return refuse(400, "AuthorizationQueryParametersError",
                  "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  if (!date) {
    return refuse(403, "AccessDenied",
                  "AWS authentication requires a valid Date or x-amz-date header");
  }
  if (claim.day != claim.date.substr(0, 8)) {
    return refuse(400, claim.malformed_code(),
                  "Invalid credential date \"" + claim.day +
                      "\". This date is not the same as X-Amz-Date: \"" + claim.date.substr(0, 8) +
                      "\".");
  }
  if (claim.presigned) {
    if (*date > now + options.clock_skew_max) {
      return refuse(403, "AccessDenied", "Request is not yet valid");
    }
    if (now > *date + claim.expires) return refuse(403, "AccessDenied", "Request has expired");
    return *date;
  }
  auto skew = *date > now ? *date - now : now - *date;
  if (skew > options.clock_skew_max) {
    return refuse(403, "RequestTimeTooSkewed",
                  "The difference between the request time and the current time is too large.");
  }
  return *date;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Checked<void> check_signed_headers(const Claim& claim, const http::RequestHead& head) {
  bool covered = contains(claim.signed_headers, "host");
  for (http::HeaderField header : head.headers) {
    std::string name = to_lower(header.name);
    if (name.starts_with("x-amz-") && !contains(claim.signed_headers, name)) covered = false;
  }
  if (covered) return {};
  return refuse(403, "AccessDenied",
                "There were headers present in the request which were not signed");
}

Checked<PayloadHash> read_payload_hash(const Claim& claim, const http::RequestHead& head) {
  auto text = head.headers.get("x-amz-content-sha256");
  if (!text && claim.presigned) return PayloadHash::unsigned_payload();
  if (!text) {
    return refuse(400, "InvalidRequest",
                  "Missing required header for this request: x-amz-content-sha256");
  }
  auto payload = PayloadHash::parse(*text);
  if (payload) return *payload;
  return refuse(400, "InvalidArgument",
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER, or a valid sha256 value.");
}

Checked<void> check_credentials(const Claim& claim, const Credentials* credentials) {
  if (credentials == nullptr) {
    return refuse(403, "InvalidAccessKeyId",
                  "The AWS Access Key Id you provided does not exist in our records.");
  }
  if (!(Secret(claim.security_token) == credentials->session_token)) {
    return refuse(400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
  }
  return {};
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace

SignatureRefusal::SignatureRefusal(int status, std::string code_in, std::string message_in)
    : http_status(status), code(std::move(code_in)), message(std::move(message_in)) {}

struct Verifier::Impl {
  Impl(VerifierOptions options_in, CredentialsLookup lookup_in)
      : options(std::move(options_in)), lookup(std::move(lookup_in)) {}

  Checked<void> check_signature(const Claim& claim, const http::RequestHead& head,
                                const Credentials& credentials, const PayloadHash& payload,
                                std::chrono::sys_seconds date);

  VerifierOptions options;
  CredentialsLookup lookup;
  SigningKeyCache keys;
};

Checked<void> Verifier::Impl::check_signature(const Claim& claim, const http::RequestHead& head,
                                              const Credentials& credentials,
                                              const PayloadHash& payload,
                                              std::chrono::sys_seconds date) {
  CanonicalHeaders headers = canonical_headers(head.headers, [&claim](std::string_view name) {
    return contains(claim.signed_headers, name);
  });
  auto [path, query] = split_target(head.target);
  std::string canonical = assemble_canonical_request(
      head.method, canonical_path(path, SigningRules()),
      canonical_query(query, claim.presigned ? "X-Amz-Signature" : ""), headers, payload.text());
  SigningScope scope(claim.region, date);
  scope.service = claim.service;
  std::string to_sign = string_to_sign(scope, canonical);
  std::string expected = hex(keys.get(credentials, scope).sign(to_sign));
  if (equal_in_constant_time(expected, claim.signature)) return {};
  SignatureRefusal refusal(
      403, "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your "
      "key and signing method.");
  refusal.canonical_request = std::move(canonical);
  refusal.string_to_sign = std::move(to_sign);
  return tl::unexpected(std::move(refusal));
}

Verifier::Verifier(VerifierOptions options, CredentialsLookup lookup)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(lookup))) {}
Verifier::Verifier(Verifier&&) noexcept = default;
Verifier& Verifier::operator=(Verifier&&) noexcept = default;
Verifier::~Verifier() = default;

Checked<VerifiedRequest> Verifier::verify(const http::RequestHead& head,
                                          std::chrono::sys_seconds now) {
  auto claim = read_claim(head);
  if (!claim) return tl::unexpected(std::move(claim).error());
  if (auto ok = check_scope(*claim, impl_->options); !ok) return tl::unexpected(ok.error());
  auto date = check_time(*claim, impl_->options, now);
  if (!date) return tl::unexpected(std::move(date).error());
  const Credentials* credentials = impl_->lookup(claim->access_key_id);
  if (auto ok = check_credentials(*claim, credentials); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_signed_headers(*claim, head); !ok) return tl::unexpected(ok.error());
  auto payload = read_payload_hash(*claim, head);
  if (!payload) return tl::unexpected(std::move(payload).error());
  auto ok = impl_->check_signature(*claim, head, *credentials, *payload, *date);
  if (!ok) return tl::unexpected(std::move(ok).error());

  VerifiedRequest verified;
  verified.access_key_id = std::move(claim->access_key_id);
  verified.payload = *payload;
  verified.presigned = claim->presigned;
  return verified;
}

Checked<void> check_payload(const PayloadHash& declared, const Sha256Digest& actual) {
  if (!declared.is_digest() || declared == PayloadHash::sha256(actual)) return {};
  return refuse(400, "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.");
}

}  // namespace ringpull::inline v0::s3
