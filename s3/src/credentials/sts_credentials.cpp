#include <algorithm>
#include <array>
#include <cstring>
#include <openssl/crypto.h>
#include <utility>

#include <ringpull/s3/checksum.hpp>
#include <ringpull/s3/sigv4.hpp>
#include <ringpull/s3/sts_credentials.hpp>

#include "s3/src/credentials/document.hpp"
#include "s3/src/credentials/fetch.hpp"
#include "s3/src/credentials/text_file.hpp"
#include "s3/src/protocol/aws_domain.hpp"
#include "s3/src/protocol/xml.hpp"

namespace ringpull::inline v0::s3 {

using engine::Task;

namespace {

constexpr std::string_view kVersion = "2011-06-15";

void append_parameter(std::string& form, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  form += '&';
  form += name;
  form += '=';
  http::percent_encode(value, http::Slash::encode, form);
}

/// IAM takes letters, digits and "=,.@-_"; a pod's or a profile's name may hold others.
std::string session_name(const RoleRequest& role, std::chrono::sys_seconds now) {
  if (!role.session_name.empty()) return role.session_name;
  return "ringpull-" + std::to_string(now.time_since_epoch().count());
}

/// <ErrorResponse><Error><Code>, or S3's bare <Error>, as some compatible servers have it.
ErrorDocument read_refusal(std::string_view text) {
  auto document = XmlDocument::parse(text);
  if (!document) return {};
  pugi::xml_node inner = document->root().child("Error");
  return read_error(inner ? inner : document->root());
}

/// A service that repeats what it was sent must not bring it into a message.
std::string without(std::string text, std::string_view secret) {
  for (std::size_t at = 0; !secret.empty() && (at = text.find(secret, at)) != std::string::npos;) {
    text.replace(at, secret.size(), "[redacted]");
  }
  return text;
}

Error refusal(const RoleRequest& role, const FetchedAnswer& answer, std::string_view secret) {
  ErrorDocument document = read_refusal(answer.text);
  std::string text = "assume " + role.role_arn + ": ";
  std::string told = first_line(without(document.message, secret));
  std::string code = first_line(without(document.code, secret));
  text += code.empty() ? "HTTP " + std::to_string(answer.status) : code;
  if (!told.empty()) text += ": " + told;
  ErrorKind kind = ErrorKind::unauthenticated;
  if (code == "AccessDenied") {
    kind = ErrorKind::permission_denied;
    text += "; check the role's trust policy and the caller's right to sts:AssumeRole";
  } else if (code == "ExpiredTokenException" || code == "InvalidIdentityToken") {
    text += "; check that the token file is the one of this pod and is renewed";
  } else if (code == "RequestExpired" || code == "SignatureDoesNotMatch") {
    text += "; check the secret access key and this machine's clock";
  } else if (answer.status >= 500 || answer.status == 429) {
    kind = ErrorKind::unavailable;
  }
  return Error(kind, text).with_http_status(answer.status).with_service_code(std::move(code));
}

bool is_passing(std::string_view code) {
  return code == "IDPCommunicationError" || code == "InvalidIdentityToken";
}

/// The document's own copies of the keys below a node.
class EraseValuesAtEnd {
 public:
  explicit EraseValuesAtEnd(pugi::xml_node parent) noexcept : parent_(parent) {}
  ~EraseValuesAtEnd() {
    for (const char* name : {"SecretAccessKey", "SessionToken"}) {
      // Memory that pugixml has allocated, and gives out as const.
      auto* value = const_cast<char*>(parent_.child(name).text().get());
      std::size_t size = std::strlen(value);
      if (size > 0) OPENSSL_cleanse(value, size);
    }
  }
  EraseValuesAtEnd(const EraseValuesAtEnd&) = delete;
  EraseValuesAtEnd& operator=(const EraseValuesAtEnd&) = delete;

 private:
  pugi::xml_node parent_;
};

Result<Credentials> read_answer(std::string_view text, const char* result_name) {
  RINGPULL_TRY(XmlDocument document, XmlDocument::parse(text));
  pugi::xml_node node = document.root().child(result_name).child("Credentials");
  if (!node) return fail(ErrorKind::protocol, "the answer has no <Credentials>");
  EraseValuesAtEnd erase(node);
  RINGPULL_TRY(Credentials credentials,
               static_credentials(node.child_value("AccessKeyId"),
                                  Secret(node.child_value("SecretAccessKey")),
                                  Secret(node.child_value("SessionToken"))));
  credentials.expiry = parse_expiration(node.child_value("Expiration"));
  if (!credentials.expiry) {
    return fail(ErrorKind::protocol, "the answer has no <Expiration> that is a date");
  }
  return credentials;
}

}  // namespace

Sts::Sts(CredentialsServices services, StsOptions options)
    : services_(std::move(services)), options_(std::move(options)) {}

std::string Sts::region() const {
  if (!options_.region.empty()) return options_.region;
  std::string region = services_.environment("AWS_REGION").value_or("");
  if (region.empty()) region = services_.environment("AWS_DEFAULT_REGION").value_or("");
  return region.empty() ? options_.fallback_region : region;
}

Result<http::Url> Sts::endpoint() const {
  for (std::string_view name : {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"}) {
    std::string text = services_.environment(name).value_or("");
    if (text.empty()) continue;
    auto url = http::Url::parse(text);
    if (url) return url;
    return fail(std::move(url).error().with_kind(ErrorKind::unauthenticated).context(name));
  }
  std::string mode = services_.environment("AWS_STS_REGIONAL_ENDPOINTS").value_or("");
  std::string where = region();
  if (where.empty() || mode == "legacy") return http::Url::parse("https://sts.amazonaws.com");
  auto url = http::Url::parse("https://sts." + where + "." + std::string(aws_domain(where)));
  if (url) return url;
  return fail(
      std::move(url).error().with_kind(ErrorKind::unauthenticated).context("the region of STS"));
}

std::string Sts::form(std::string_view action, const RoleRequest& role) const {
  std::string out = "Action=" + std::string(action);
  append_parameter(out, "Version", kVersion);
  append_parameter(out, "RoleArn", role.role_arn);
  append_parameter(out, "RoleSessionName", session_name(role, services_.clock()));
  append_parameter(out, "ExternalId", role.external_id);
  if (role.duration) {
    append_parameter(out, "DurationSeconds", std::to_string(role.duration->count()));
  }
  return out;
}

Task<Result<Credentials>> Sts::ask(const RoleRequest& role, std::string body,
                                   const Credentials* caller, const Secret& secret) {
  EraseAtEnd erase(body);  // it may hold a token
  RINGPULL_CO_TRY(http::Url url, endpoint());
  SigningRules rules;
  rules.content_sha256_header = false;
  Signer signer(rules);
  FetchOptions once(options_.try_time, 1);
  for (int tried = 1;; ++tried) {
    http::RequestHead head("POST", url.target());
    head.headers.add("Host", url.authority());
    head.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    if (caller != nullptr) {
      std::string where = region();
      if (where.empty()) where = "us-east-1";
      SigningScope scope(where, services_.clock());
      scope.service = "sts";
      PayloadHash payload = PayloadHash::sha256(Sha256::of(bytes_of(body)));
      RINGPULL_CO_TRY(HeaderSignature signature, signer.sign(*caller, scope, head, payload));
      signature.apply(head.headers);
    }
    head.headers.add("User-Agent", services_.user_agent);
    auto answer = co_await fetch(*services_.http, url, head, body, once);
    if (answer && answer->status == 200) {
      const char* result_name =
          caller != nullptr ? "AssumeRoleResult" : "AssumeRoleWithWebIdentityResult";
      auto credentials = read_answer(answer->text, result_name);
      if (!credentials) {
        co_return fail(std::move(credentials).error().context("assume " + role.role_arn));
      }
      credentials->source = "role " + role.role_arn;
      co_return credentials;
    }
    Error error = answer ? refusal(role, *answer, secret.reveal())
                         : std::move(answer).error().context("assume " + role.role_arn);
    bool again = error.is_retryable() || is_passing(error.service_code());
    if (!again || tried >= options_.tries) co_return fail(std::move(error));
    RINGPULL_CO_CHECK(co_await pause_before_retry(tried, std::chrono::milliseconds(200)));
  }
}

Task<Result<Credentials>> Sts::assume_role(const RoleRequest& role, const Credentials& caller) {
  auto credentials = co_await ask(role, form("AssumeRole", role), &caller, caller.session_token);
  co_return credentials;
}

Task<Result<Credentials>> Sts::assume_role_with_web_identity(const RoleRequest& role,
                                                             const Secret& token) {
  std::string body = form("AssumeRoleWithWebIdentity", role);
  // Reserved at once: growing would leave copies of the token behind.
  body.reserve(body.size() + 3 * token.reveal().size() + 32);
  append_parameter(body, "WebIdentityToken", token.reveal());
  auto credentials = co_await ask(role, std::move(body), nullptr, token);
  co_return credentials;
}

WebIdentitySource::WebIdentitySource(CredentialsServices services, StsOptions options)
    : services_(services), sts_(std::move(services), std::move(options)) {}

Task<Result<Credentials>> WebIdentitySource::load() {
  std::string path = services_.environment("AWS_WEB_IDENTITY_TOKEN_FILE").value_or("");
  if (path.empty()) {
    co_return fail(ErrorKind::not_found, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
  }
  RoleRequest role(services_.environment("AWS_ROLE_ARN").value_or(""));
  if (role.role_arn.empty()) {
    co_return fail(ErrorKind::unauthenticated,
                   "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not; set both");
  }
  role.session_name = services_.environment("AWS_ROLE_SESSION_NAME").value_or("");
  auto token = co_await read_token_file(expand_home(std::move(path), services_.environment));
  if (!token) {
    co_return fail(std::move(token)
                       .error()
                       .with_kind(ErrorKind::unauthenticated)
                       .context("AWS_WEB_IDENTITY_TOKEN_FILE"));
  }
  auto credentials = co_await sts_.assume_role_with_web_identity(role, *token);
  if (credentials) credentials->source = "web identity, " + credentials->source;
  co_return credentials;
}

}  // namespace ringpull::inline v0::s3
