#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include <ringpull/http/url.hpp>
#include <ringpull/s3/sigv4.hpp>

#include "s3/src/signing/signing_key.hpp"
#include "s3/src/signing/sigv4_canonical.hpp"

namespace ringpull::inline v0::s3 {
namespace {

constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
constexpr std::string_view kUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

Result<void> check_request(const http::RequestHead& head) {
  if (head.method.empty()) return fail(ErrorKind::invalid_argument, "sign: no method");
  if (head.target.empty() || head.target.front() != '/') {
    return fail(ErrorKind::invalid_argument,
                "sign: the request target must be in origin form, \"/path?query\"");
  }
  constexpr std::string_view kForbidden("\r\n\0", 3);
  for (http::HeaderField field : head.headers) {
    // A name that is no token could pass for two in the list of signed headers.
    if (!http::is_token(field.name)) {
      return fail(ErrorKind::invalid_argument, "sign: a header's name is no token");
    }
    if (field.value.find_first_of(kForbidden) != std::string_view::npos) {
      return fail(ErrorKind::invalid_argument,
                  "sign: the value of header " + std::string(field.name) + " holds CR, LF or NUL");
    }
  }
  std::size_t hosts = head.headers.get_all("host").size();
  if (hosts != 1) {
    return fail(
        ErrorKind::invalid_argument,
        "sign: a request has exactly one Host field, this one has " + std::to_string(hosts));
  }
  return {};
}

Result<void> refuse_headers_set_by_signing(const http::Headers& headers) {
  for (http::HeaderField header : headers) {
    for (std::string_view name : {"authorization", "x-amz-date", "x-amz-content-sha256",
                                  "x-amz-security-token", "x-amz-signature"}) {
      if (http::equal_ignoring_case(header.name, name)) {
        return fail(
            ErrorKind::invalid_argument,
            "sign: the request already carries " + std::string(name) + "; leave it to the signer");
      }
    }
  }
  return {};
}

Result<void> refuse_parameters_set_by_signing(std::string_view query) {
  for (const QueryParameter& parameter : parse_query(query)) {
    for (std::string_view name :
         {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
          "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"}) {
      if (http::equal_ignoring_case(parameter.name, name)) {
        return fail(
            ErrorKind::invalid_argument,
            "sign: the query already carries " + std::string(name) + "; leave it to the signer");
      }
    }
  }
  return {};
}

Result<void> check_signing_arguments(const Credentials& credentials, const SigningScope& scope,
                                     const http::RequestHead& head) {
  if (credentials.anonymous()) {
    return fail(ErrorKind::unauthenticated,
                "sign: anonymous credentials cannot sign; give an access key");
  }
  if (scope.region.empty()) {
    return fail(ErrorKind::invalid_argument, "sign: no region; us-east-1 suits most servers");
  }
  RINGPULL_CHECK(check_request(head));
  RINGPULL_CHECK(refuse_headers_set_by_signing(head.headers));
  return refuse_parameters_set_by_signing(split_target(head.target).query);
}

CanonicalRequest build_canonical_request(const http::RequestHead& head, const http::Headers& fields,
                                         const PayloadHash& payload, const SigningRules& rules) {
  auto [path, query] = split_target(head.target);
  CanonicalHeaders headers = canonical_headers(fields, is_signable_header);
  CanonicalRequest out;
  out.text = assemble_canonical_request(head.method, canonical_path(path, rules),
                                        canonical_query(query), headers, payload.text());
  out.signed_headers = std::move(headers.signed_list);
  return out;
}

void append_parameter(std::string& target, std::string_view name, std::string_view value) {
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += name;
  target += '=';
  http::percent_encode(value, http::Slash::encode, target);
}

}  // namespace

PayloadHash::PayloadHash(std::string_view text) noexcept
    : size_(static_cast<std::uint8_t>(std::min(text.size(), text_.size()))) {
  std::copy_n(text.begin(), size_, text_.begin());
}

PayloadHash PayloadHash::empty() noexcept { return PayloadHash(kEmptySha256); }
PayloadHash PayloadHash::unsigned_payload() noexcept { return PayloadHash(kUnsignedPayload); }
PayloadHash PayloadHash::unsigned_trailer() noexcept { return PayloadHash(kUnsignedTrailer); }
PayloadHash PayloadHash::sha256(const Sha256Digest& digest) noexcept {
  return PayloadHash(hex(digest));
}

std::optional<PayloadHash> PayloadHash::parse(std::string_view text) noexcept {
  bool digest = text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
                  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                });
  if (digest || text == kUnsignedPayload || text == kUnsignedTrailer) return PayloadHash(text);
  return std::nullopt;
}

Result<CanonicalRequest> canonical_request(const http::RequestHead& head,
                                           const PayloadHash& payload, const SigningRules& rules) {
  RINGPULL_CHECK(check_request(head));
  return build_canonical_request(head, head.headers, payload, rules);
}

std::string credential_scope(const SigningScope& scope) {
  std::string out = amz_date(scope.time).substr(0, 8);
  for (std::string_view part : {std::string_view(scope.region), std::string_view(scope.service),
                                std::string_view("aws4_request")}) {
    out += '/';
    out += part;
  }
  return out;
}

std::string string_to_sign(const SigningScope& scope, std::string_view canonical_request) {
  std::string out(kAlgorithm);
  out += '\n';
  out += amz_date(scope.time);
  out += '\n';
  out += credential_scope(scope);
  out += '\n';
  out += hex(Sha256::of(bytes_of(canonical_request)));
  return out;
}

std::string amz_date(std::chrono::sys_seconds time) {
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(time - day);
  char text[32];
  int size = std::snprintf(
      text, sizeof text, "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return {text, static_cast<std::size_t>(size)};
}

std::optional<std::chrono::sys_seconds> parse_amz_date(std::string_view text) noexcept {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    for (char c : text.substr(at, size)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  int year = number(0, 4), month = number(4, 2), day = number(6, 2);
  int hour = number(9, 2), minute = number(11, 2), second = number(13, 2);
  std::chrono::year_month_day date(std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day)));
  bool clock_ok =
      hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
  if (year < 0 || month < 0 || day < 0 || !date.ok() || !clock_ok) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

struct Signer::Impl {
  explicit Impl(SigningRules rules_in) : rules(rules_in) {}

  SigningRules rules;
  SigningKeyCache keys;
};

Signer::Signer(SigningRules rules) : impl_(std::make_unique<Impl>(rules)) {}
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;
Signer::~Signer() = default;

void HeaderSignature::apply(http::Headers& headers) const {
  headers.set("x-amz-date", x_amz_date);
  if (!x_amz_content_sha256.empty()) headers.set("x-amz-content-sha256", x_amz_content_sha256);
  if (!x_amz_security_token.empty()) {
    headers.set("x-amz-security-token", x_amz_security_token.reveal());
  }
  if (!authorization.empty()) headers.set("Authorization", authorization);
}

Result<HeaderSignature> Signer::sign(const Credentials& credentials, const SigningScope& scope,
                                     const http::RequestHead& head, const PayloadHash& payload) {
  RINGPULL_CHECK(check_signing_arguments(credentials, scope, head));
  HeaderSignature out;
  out.x_amz_date = amz_date(scope.time);
  if (impl_->rules.content_sha256_header) out.x_amz_content_sha256 = payload.text();
  out.x_amz_security_token = credentials.session_token.clone();

  http::Headers fields = head.headers;
  out.apply(fields);
  CanonicalRequest canonical = build_canonical_request(head, fields, payload, impl_->rules);
  out.string_to_sign = string_to_sign(scope, canonical.text);
  out.signature = hex(impl_->keys.get(credentials, scope).sign(out.string_to_sign));
  out.authorization = std::string(kAlgorithm) + " Credential=" + credentials.access_key_id + "/" +
                      credential_scope(scope) + ", SignedHeaders=" + canonical.signed_headers +
                      ", Signature=" + out.signature;
  out.canonical_request = std::move(canonical.text);
  return out;
}

Result<QuerySignature> Signer::presign(const Credentials& credentials, const SigningScope& scope,
                                       const http::RequestHead& head,
                                       const PresignOptions& options) {
  RINGPULL_CHECK(check_signing_arguments(credentials, scope, head));
  if (options.expires < std::chrono::seconds(1) || options.expires > kPresignExpiryMax) {
    return fail(ErrorKind::invalid_argument, "presign: the expiry is " +
                                                 std::to_string(options.expires.count()) +
                                                 " s; S3 takes 1 s to 604800 s (seven days)");
  }
  CanonicalHeaders headers = canonical_headers(head.headers, is_signable_header);
  QuerySignature out;
  out.target = head.target;
  append_parameter(out.target, "X-Amz-Algorithm", kAlgorithm);
  append_parameter(out.target, "X-Amz-Credential",
                   credentials.access_key_id + "/" + credential_scope(scope));
  append_parameter(out.target, "X-Amz-Date", amz_date(scope.time));
  append_parameter(out.target, "X-Amz-Expires", std::to_string(options.expires.count()));
  append_parameter(out.target, "X-Amz-SignedHeaders", headers.signed_list);
  if (!credentials.session_token.empty()) {
    append_parameter(out.target, "X-Amz-Security-Token", credentials.session_token.reveal());
  }
  auto [path, query] = split_target(out.target);
  out.canonical_request =
      assemble_canonical_request(head.method, canonical_path(path, impl_->rules),
                                 canonical_query(query), headers, options.payload.text());
  out.string_to_sign = string_to_sign(scope, out.canonical_request);
  out.signature = hex(impl_->keys.get(credentials, scope).sign(out.string_to_sign));
  append_parameter(out.target, "X-Amz-Signature", out.signature);
  return out;
}

}  // namespace ringpull::inline v0::s3
