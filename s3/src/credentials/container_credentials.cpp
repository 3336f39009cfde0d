#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <utility>

#include <ringpull/s3/container_credentials.hpp>

#include "s3/src/credentials/document.hpp"
#include "s3/src/credentials/fetch.hpp"
#include "s3/src/credentials/text_file.hpp"

namespace ringpull::inline v0::s3 {

using engine::Task;

namespace {

constexpr std::string_view kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr std::string_view kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr std::string_view kToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr std::string_view kTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// Loopback, or an agent that only this machine's containers reach.
bool is_own_address(const engine::SocketAddress& address) {
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address.get(), sizeof v4);
    std::uint32_t host = ntohl(v4.sin_addr.s_addr);
    return host >> 24 == 127 || host == 0xA9FEAA02 || host == 0xA9FEAA17;
  }
  if (address.family() != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address.get(), sizeof v6);
  in6_addr eks{};
  ::inet_pton(AF_INET6, "fd00:ec2::23", &eks);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) || std::memcmp(&v6.sin6_addr, &eks, sizeof eks) == 0;
}

}  // namespace

ContainerSource::ContainerSource(CredentialsServices services, ContainerOptions options)
    : services_(std::move(services)), options_(std::move(options)) {}

Result<http::Url> ContainerSource::service_url() const {
  std::string relative = services_.environment(kRelative).value_or("");
  std::string full = services_.environment(kFull).value_or("");
  if (relative.empty() && full.empty()) {
    return fail(ErrorKind::not_found,
                "neither " + std::string(kRelative) + " nor " + std::string(kFull) + " is set");
  }
  std::string_view name = relative.empty() ? kFull : kRelative;
  Result<http::Url> url = fail(ErrorKind::invalid_argument, "it does not begin with '/'");
  if (relative.empty()) {
    url = http::Url::parse(full);
  } else if (relative.front() == '/') {
    url = http::Url::parse(options_.relative_base + relative);
  }
  if (url) return url;
  return fail(std::move(url).error().with_kind(ErrorKind::unauthenticated).context(name));
}

/// By http: one of the addresses that were looked at, so that no second look-up can give another.
Task<Result<http::Url>> ContainerSource::where_to_connect(http::Url url) {
  bool relative = !services_.environment(kRelative).value_or("").empty();
  if (relative || url.scheme() == http::Scheme::https) co_return url;
  std::string host = url.host();
  auto addresses = co_await services_.resolver->resolve(host, url.port());
  if (!addresses) {
    Error error = std::move(addresses).error().context(kFull);
    // `not_found` would let another source give other credentials.
    if (error.is(ErrorKind::not_found)) error = std::move(error).with_kind(ErrorKind::unavailable);
    co_return fail(std::move(error));
  }
  bool own = std::all_of(addresses->begin(), addresses->end(), is_own_address);
  if (!own) {
    co_return fail(ErrorKind::unauthenticated,
                   std::string(kFull) + ": " + host +
                       " is reached over the network, and the keys would cross it in clear text; "
                       "use https");
  }
  co_return http::Url::parse("http://" + addresses->front().to_string() + "/");
}

Task<Result<Secret>> ContainerSource::authorization() {
  std::string path = services_.environment(kTokenFile).value_or("");
  if (path.empty()) {
    Secret token(services_.environment(kToken).value_or(""));
    if (!token.empty() && !http::is_field_value(token.reveal())) {
      co_return fail(ErrorKind::unauthenticated,
                     std::string(kToken) + " holds a line break or a control character");
    }
    co_return token;
  }
  auto token = co_await read_token_file(expand_home(std::move(path), services_.environment));
  if (!token) {
    co_return fail(
        std::move(token).error().with_kind(ErrorKind::unauthenticated).context(kTokenFile));
  }
  co_return token;
}

Task<Result<Credentials>> ContainerSource::load() {
  RINGPULL_CO_TRY(http::Url url, service_url());
  RINGPULL_CO_TRY(http::Url origin, co_await where_to_connect(url));
  RINGPULL_CO_TRY(Secret token, co_await authorization());
  http::RequestHead head("GET", url.target());
  head.headers.add("Host", url.authority());
  head.headers.add("Accept", "application/json");
  head.headers.add("User-Agent", services_.user_agent);
  if (!token.empty()) head.headers.add("Authorization", token.reveal());
  // https may be anywhere, proxies included; http is next door.
  bool far = origin.scheme() == http::Scheme::https;
  http::Client& client = far ? *services_.http : *services_.direct_http;
  FetchOptions how(options_.try_time, options_.tries);
  std::string_view nothing;
  RINGPULL_CO_TRY(FetchedAnswer answer, co_await fetch(client, origin, head, nothing, how));
  if (answer.status != 200) {
    std::string text = url.origin() + ": HTTP " + std::to_string(answer.status);
    std::string told = describe_error_document(answer.text);
    if (!told.empty()) text += ": " + told;
    bool down = answer.status >= 500 || answer.status == 429;
    co_return fail(Error(down ? ErrorKind::unavailable : ErrorKind::unauthenticated,
                         text + "; check the task's role and the authorization token")
                       .with_http_status(answer.status));
  }
  auto credentials = read_credentials_document(answer.text, DocumentKind::container);
  if (!credentials) co_return fail(std::move(credentials).error().context(url.origin()));
  credentials->source = "container, " + url.origin();
  co_return credentials;
}

}  // namespace ringpull::inline v0::s3
