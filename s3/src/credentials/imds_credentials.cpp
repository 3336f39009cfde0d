#include <algorithm>
#include <charconv>
#include <utility>

#include <ringpull/engine/loop.hpp>
#include <ringpull/s3/imds_credentials.hpp>

#include "s3/src/credentials/document.hpp"
#include "s3/src/credentials/fetch.hpp"

namespace ringpull::inline v0::s3 {

using engine::Task;

namespace {

constexpr std::string_view kRolesPath = "/latest/meta-data/iam/security-credentials/";
constexpr std::string_view kTokenPath = "/latest/api/token";
constexpr std::string_view kTokenHeader = "X-aws-ec2-metadata-token";
constexpr std::string_view kTokenLifeHeader = "X-aws-ec2-metadata-token-ttl-seconds";

constexpr std::string_view kHopLimit =
    "in a container the answer to a request for a token dies on its way when the instance's hop "
    "limit is 1: set it to 2 (aws ec2 modify-instance-metadata-options "
    "--http-put-response-hop-limit 2)";

bool is_true(const EnvironmentLookup& environment, std::string_view name) {
  return http::equal_ignoring_case(environment(name).value_or(""), "true");
}

Result<http::Url> service_url(const EnvironmentLookup& environment) {
  constexpr std::string_view kEndpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
  constexpr std::string_view kMode = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
  std::string text = environment(kEndpoint).value_or("");
  if (!text.empty()) {
    auto url = http::Url::parse(text);
    if (url) return url;
    return fail(std::move(url).error().with_kind(ErrorKind::unauthenticated).context(kEndpoint));
  }
  std::string mode = environment(kMode).value_or("");
  if (mode.empty() || http::equal_ignoring_case(mode, "IPv4")) {
    return http::Url::parse("http://169.254.169.254");
  }
  if (http::equal_ignoring_case(mode, "IPv6")) return http::Url::parse("http://[fd00:ec2::254]");
  return fail(ErrorKind::unauthenticated, std::string(kMode) + " is neither IPv4 nor IPv6");
}

bool is_silence(const Error& error) {
  return error.is(ErrorKind::timed_out) || error.is(ErrorKind::unavailable) ||
         error.is(ErrorKind::connection_closed);
}

}  // namespace

/// One conversation with the service.
class ImdsSource::Load {
 public:
  Load(ImdsSource& source, http::Url url)
      : source_(source),
        url_(std::move(url)),
        version_1_allowed_(!is_true(source.services_.environment, "AWS_EC2_METADATA_V1_DISABLED")) {
  }

  Task<Result<Credentials>> run();

 private:
  const ImdsOptions& options() const { return source_.options_; }
  Task<Result<FetchedAnswer>> get(std::string path);
  Task<Result<void>> have_token();
  Result<void> take_token(FetchedAnswer answer);
  Task<Result<FetchedAnswer>> send(http::RequestHead& head);
  Error unexpected(const FetchedAnswer& answer, std::string_view path) const;
  Error nobody_there(Error error) const;

  ImdsSource& source_;
  http::Url url_;
  bool version_1_allowed_;
  bool token_request_lost_ = false;  // nobody answered it; asked without for this load
};

Task<Result<FetchedAnswer>> ImdsSource::Load::send(http::RequestHead& head) {
  head.headers.set("User-Agent", source_.services_.user_agent);
  // After one silence further patience is of no use.
  FetchOptions how(options().try_time, token_request_lost_ ? 1 : options().tries);
  std::string_view nothing;
  auto answer = co_await fetch(*source_.services_.direct_http, url_, head, nothing, how);
  co_return answer;
}

/// A token where the service has them: kept, or fetched now.
Task<Result<void>> ImdsSource::Load::have_token() {
  if (source_.version_1_ || token_request_lost_) co_return Result<void>();
  bool valid = !source_.token_.empty() &&
               engine::Loop::current().now() + options().token_margin < source_.token_end_;
  if (valid) co_return Result<void>();
  http::RequestHead head("PUT", std::string(kTokenPath));
  head.headers.add(kTokenLifeHeader, std::to_string(options().token_life.count()));
  auto answer = co_await send(head);
  if (answer) co_return take_token(std::move(*answer));
  if (!is_silence(answer.error())) co_return fail(std::move(answer).error());
  if (!version_1_allowed_) {
    Error error = nobody_there(std::move(answer).error());
    co_return fail(ErrorKind::not_found, error.message() + "; " + std::string(kHopLimit));
  }
  token_request_lost_ = true;
  co_return Result<void>();
}

Result<void> ImdsSource::Load::take_token(FetchedAnswer answer) {
  if (answer.status == 403 || answer.status == 404 || answer.status == 405) {
    if (!version_1_allowed_) {
      return fail(ErrorKind::unauthenticated,
                  url_.origin() + " gives no tokens (HTTP " + std::to_string(answer.status) +
                      "), and AWS_EC2_METADATA_V1_DISABLED forbids to ask without");
    }
    source_.version_1_ = true;
    return {};
  }
  if (answer.status != 200) return fail(unexpected(answer, kTokenPath));
  auto life = options().token_life.count();
  if (auto text = answer.headers.get(kTokenLifeHeader)) {
    decltype(life) given = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), given);
    if (error == std::errc() && end == text->data() + text->size() && given > 0) {
      life = std::min(life, given);
    }
  }
  if (answer.text.empty() || !http::is_field_value(answer.text)) {
    return fail(ErrorKind::protocol, url_.origin() + " gave a token that fits no header");
  }
  source_.token_ = Secret(answer.text);
  source_.token_end_ = engine::Loop::current().now() + std::chrono::seconds(life);
  return {};
}

Task<Result<FetchedAnswer>> ImdsSource::Load::get(std::string path) {
  for (bool repeated = false;; repeated = true) {
    RINGPULL_CO_CHECK(co_await have_token());
    http::RequestHead head("GET", path);
    bool with_token = !source_.version_1_ && !token_request_lost_;
    if (with_token) head.headers.add(kTokenHeader, source_.token_.reveal());
    auto answer = co_await send(head);
    if (!answer) {
      if (is_silence(answer.error())) co_return fail(nobody_there(std::move(answer).error()));
      co_return answer;
    }
    // The token has ended early, or a service that had none has them now.
    if (answer->status != 401 || repeated || token_request_lost_) co_return answer;
    source_.token_ = Secret();
    source_.version_1_ = false;
  }
}

Task<Result<Credentials>> ImdsSource::Load::run() {
  RINGPULL_CO_TRY(FetchedAnswer roles, co_await get(std::string(kRolesPath)));
  std::string role = roles.text.substr(0, roles.text.find_first_of("\r\n"));
  if (roles.status == 404 || (roles.status == 200 && role.empty())) {
    co_return fail(ErrorKind::not_found,
                   "no IAM role is attached to this instance; attach an instance profile");
  }
  if (roles.status != 200) co_return fail(unexpected(roles, kRolesPath));
  std::string path = std::string(kRolesPath) + http::percent_encode(role, http::Slash::encode);
  RINGPULL_CO_TRY(FetchedAnswer answer, co_await get(path));
  if (answer.status != 200) co_return fail(unexpected(answer, path));
  auto credentials = read_credentials_document(answer.text, DocumentKind::machine);
  if (!credentials) {
    co_return fail(std::move(credentials).error().context("role " + first_line(role)));
  }
  credentials->source = "EC2 metadata service, role " + first_line(role);
  credentials->usable_after_expiry = true;
  co_return credentials;
}

Error ImdsSource::Load::unexpected(const FetchedAnswer& answer, std::string_view path) const {
  std::string text = url_.origin() + std::string(path) + ": HTTP " + std::to_string(answer.status);
  if (answer.status == 401 && token_request_lost_) {
    return Error(ErrorKind::unauthenticated,
                 text + " and no answer to the request for a token; " + std::string(kHopLimit));
  }
  if (answer.status == 403) {
    return Error(ErrorKind::unauthenticated,
                 text +
                     "; the metadata service is switched off for this instance "
                     "(--http-endpoint), or a firewall on it forbids this user");
  }
  ErrorKind kind = answer.status >= 500 || answer.status == 429 ? ErrorKind::unavailable
                                                                : ErrorKind::unauthenticated;
  return Error(kind, text).with_http_status(answer.status);
}

Error ImdsSource::Load::nobody_there(Error error) const {
  return Error(ErrorKind::not_found,
               error.message() +
                   "; this machine is no EC2 instance, or its metadata service is off or blocked "
                   "(AWS_EC2_METADATA_DISABLED=true leaves it out)");
}

ImdsSource::ImdsSource(CredentialsServices services, ImdsOptions options)
    : services_(std::move(services)), options_(options) {}
ImdsSource::~ImdsSource() = default;

Task<Result<Credentials>> ImdsSource::load() {
  if (is_true(services_.environment, "AWS_EC2_METADATA_DISABLED")) {
    co_return fail(ErrorKind::not_found, "AWS_EC2_METADATA_DISABLED is set");
  }
  RINGPULL_CO_TRY(http::Url url, service_url(services_.environment));
  Load conversation(*this, std::move(url));
  auto credentials = co_await conversation.run();
  co_return credentials;
}

}  // namespace ringpull::inline v0::s3
