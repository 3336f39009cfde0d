#include <algorithm>
#include <array>
#include <map>
#include <openssl/evp.h>

#include <ringpull/engine/assert.hpp>
#include <ringpull/http/date.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/checksum.hpp>
#include <ringpull/s3/sigv2.hpp>

#include "s3/src/signing/sigv4_canonical.hpp"
#include "s3/src/text/letter_case.hpp"

namespace ringpull::inline v0::s3 {
namespace {

// The parameters that name a part of a resource, or change the response: the list of the protocol's
// page, and what later features of S3 added to it.
constexpr std::array<std::string_view, 35> kSubResources = {"accelerate",
                                                            "acl",
                                                            "analytics",
                                                            "cors",
                                                            "defaultObjectAcl",
                                                            "delete",
                                                            "inventory",
                                                            "lifecycle",
                                                            "location",
                                                            "logging",
                                                            "metrics",
                                                            "notification",
                                                            "object-lock",
                                                            "partNumber",
                                                            "policy",
                                                            "replication",
                                                            "requestPayment",
                                                            "response-cache-control",
                                                            "response-content-disposition",
                                                            "response-content-encoding",
                                                            "response-content-language",
                                                            "response-content-type",
                                                            "response-expires",
                                                            "restore",
                                                            "select",
                                                            "select-type",
                                                            "storageClass",
                                                            "tagging",
                                                            "torrent",
                                                            "uploadId",
                                                            "uploads",
                                                            "versionId",
                                                            "versioning",
                                                            "versions",
                                                            "website"};

bool is_sub_resource(std::string_view name) {
  return std::find(kSubResources.begin(), kSubResources.end(), name) != kSubResources.end();
}

std::string trimmed(std::string_view value) {
  std::size_t begin = value.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return std::string(value.substr(begin, value.find_last_not_of(" \t") - begin + 1));
}

/// "x-amz-name:value\n" each, sorted, repetitions joined by a comma.
std::string canonical_amz_headers(const http::Headers& headers) {
  std::map<std::string, std::string> fields;
  for (http::HeaderField field : headers) {
    std::string name = to_lower(field.name);
    if (!name.starts_with("x-amz-")) continue;
    auto [at, is_new] = fields.try_emplace(std::move(name));
    if (!is_new) at->second += ',';
    at->second += trimmed(field.value);
  }
  std::string out;
  for (const auto& [name, value] : fields) {
    out += name;
    out += ':';
    out += value;
    out += '\n';
  }
  return out;
}

/// The sub-resources of a query, sorted by name, repetitions in their order; values decoded.
std::string canonical_sub_resources(std::string_view query) {
  std::multimap<std::string_view, std::string> found;
  while (!query.empty()) {
    std::size_t end = std::min(query.find('&'), query.size());
    std::string_view parameter = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    std::size_t equals = std::min(parameter.find('='), parameter.size());
    std::string_view name = parameter.substr(0, equals);
    if (!is_sub_resource(name)) continue;
    std::string value(parameter.substr(equals));
    found.emplace(name, http::percent_decode(value).value_or(value));
  }
  std::string out;
  for (const auto& [name, value] : found) {
    out += out.empty() ? '?' : '&';
    out += name;
    out += value;
  }
  return out;
}

std::string canonical_resource(std::string_view target, std::string_view virtual_bucket) {
  auto [path, query] = split_target(target);
  std::string out;
  if (!virtual_bucket.empty()) (out += '/') += virtual_bucket;
  out += path;
  out += canonical_sub_resources(query);
  return out;
}

Result<void> check_arguments(const Credentials& credentials, const http::RequestHead& head) {
  if (credentials.anonymous()) {
    return fail(ErrorKind::unauthenticated,
                "sign: anonymous credentials cannot sign; give an access key");
  }
  if (head.target.empty() || head.target.front() != '/') {
    return fail(ErrorKind::invalid_argument,
                "sign: the request target must be in origin form, \"/path?query\"");
  }
  for (std::string_view name : {"authorization", "date", "x-amz-date", "x-amz-security-token"}) {
    if (head.headers.contains(name)) {
      return fail(ErrorKind::invalid_argument, "sign: the request already carries " +
                                                   std::string(name) + "; leave it to the signer");
    }
  }
  std::string_view query = split_target(head.target).query;
  for (const QueryParameter& parameter : parse_query(query)) {
    for (std::string_view name : {"AWSAccessKeyId", "Expires", "Signature"}) {
      if (parameter.name != name) continue;
      return fail(ErrorKind::invalid_argument, "sign: the query already carries " +
                                                   std::string(name) + "; leave it to the signer");
    }
  }
  return head.headers.check();
}

void append_parameter(std::string& target, std::string_view name, std::string_view value) {
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += name;
  target += '=';
  http::percent_encode(value, http::Slash::encode, target);
}

}  // namespace

std::string string_to_sign_v2(const http::RequestHead& head, std::string_view virtual_bucket,
                              std::string_view date) {
  std::string out = head.method;
  out += '\n';
  out += trimmed(head.headers.get("content-md5").value_or(""));
  out += '\n';
  out += trimmed(head.headers.get("content-type").value_or(""));
  out += '\n';
  out += date;
  out += '\n';
  out += canonical_amz_headers(head.headers);
  out += canonical_resource(head.target, virtual_bucket);
  return out;
}

std::string signature_v2(const Secret& secret_access_key, std::string_view string_to_sign) {
  std::array<std::byte, 20> mac;
  std::size_t size = 0;
  std::string_view key = secret_access_key.reveal();
  auto octets = [](auto* data) { return reinterpret_cast<const unsigned char*>(data); };
  const void* made = EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA1", nullptr, key.data(), key.size(),
                               octets(string_to_sign.data()), string_to_sign.size(),
                               reinterpret_cast<unsigned char*>(mac.data()), mac.size(), &size);
  RINGPULL_ASSERT(made != nullptr && size == mac.size(), "OpenSSL failed to compute an HMAC-SHA1");
  return base64(mac);
}

void HeaderSignatureV2::apply(http::Headers& headers) const {
  headers.set("Date", date);
  if (!x_amz_security_token.empty()) {
    headers.set("x-amz-security-token", x_amz_security_token.reveal());
  }
  headers.set("Authorization", authorization);
}

Result<HeaderSignatureV2> sign_v2(const Credentials& credentials, const SigV2Request& request) {
  RINGPULL_CHECK(check_arguments(credentials, request.head));
  HeaderSignatureV2 out;
  out.date = http::format_http_date(request.time);
  out.x_amz_security_token = credentials.session_token.clone();
  http::RequestHead head(request.head.method, request.head.target);
  head.headers = request.head.headers;
  if (!out.x_amz_security_token.empty()) {
    head.headers.set("x-amz-security-token", out.x_amz_security_token.reveal());
  }
  out.string_to_sign = string_to_sign_v2(head, request.virtual_bucket, out.date);
  out.authorization = "AWS " + credentials.access_key_id + ":" +
                      signature_v2(credentials.secret_access_key, out.string_to_sign);
  return out;
}

Result<QuerySignatureV2> presign_v2(const Credentials& credentials, const SigV2Request& request) {
  RINGPULL_CHECK(check_arguments(credentials, request.head));
  http::RequestHead head(request.head.method, request.head.target);
  head.headers = request.head.headers;
  if (!credentials.session_token.empty()) {
    head.headers.set("x-amz-security-token", credentials.session_token.reveal());
  }
  std::string expires = std::to_string(request.time.time_since_epoch().count());
  QuerySignatureV2 out;
  out.string_to_sign = string_to_sign_v2(head, request.virtual_bucket, expires);
  out.target = request.head.target;
  append_parameter(out.target, "AWSAccessKeyId", credentials.access_key_id);
  append_parameter(out.target, "Expires", expires);
  if (!credentials.session_token.empty()) {
    append_parameter(out.target, "x-amz-security-token", credentials.session_token.reveal());
  }
  append_parameter(out.target, "Signature",
                   signature_v2(credentials.secret_access_key, out.string_to_sign));
  return out;
}

}  // namespace ringpull::inline v0::s3
