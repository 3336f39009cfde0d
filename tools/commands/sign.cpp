#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <ringpull/s3/duration_text.hpp>

#include "tools/commands/commands.hpp"
#include "tools/console/output.hpp"
#include "tools/session/session.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

/// In the year 2160: a clock counts nanoseconds, and an expiry comes on top.
constexpr std::int64_t kSignAtMax = 6'000'000'000;

struct SignArguments {
  SignArguments() = default;
  S3Arguments s3;
  std::string url;
  std::string method = "GET";
  std::string expires;
  std::optional<std::int64_t> at;
  std::string client_address;
  bool cookies = false;

  s3::RedirectMethod redirect_method() const {
    return method == "HEAD" ? s3::RedirectMethod::head : s3::RedirectMethod::get;
  }
};

/// Absent where none is asked for.
Result<std::optional<std::chrono::seconds>> expiry(const SignArguments& arguments) {
  if (arguments.expires.empty()) return std::nullopt;
  auto duration = s3::parse_duration(arguments.expires);
  if (duration && *duration >= std::chrono::seconds(1)) {
    return std::chrono::floor<std::chrono::seconds>(*duration);
  }
  return fail(ErrorKind::invalid_argument, "--expires: '" + arguments.expires +
                                               "' is no duration of a second or more; 90s, 20m "
                                               "and 1h30m are");
}

Task<Result<std::string>> presign(Session& session, const SignArguments& arguments,
                                  const S3Url& url, const s3::PresignOptions& options) {
  if (arguments.redirect_method() == s3::RedirectMethod::head) {
    s3::HeadObjectOptions head(url.bucket, url.key);
    auto signed_url = co_await session.client().presign(head, options);
    co_return signed_url;
  }
  s3::GetObjectOptions get(url.bucket, url.key);
  auto signed_url = co_await session.client().presign(get, options);
  co_return signed_url;
}

Task<Result<void>> sign_object(Session& session, const SignArguments& arguments) {
  RINGPULL_CO_TRY(S3Url url, S3Url::parse(arguments.url));
  RINGPULL_CO_TRY(auto asked, expiry(arguments));
  s3::PresignOptions options(asked.value_or(s3::kRedirectExpiry));
  RINGPULL_CO_TRY(std::string signed_url, co_await presign(session, arguments, url, options));
  auto written = co_await write_out(signed_url + "\n");
  co_return written;
}

/// A filter decides by a list that is being fetched; nobody is told a decision without it.
Task<Result<void>> await_networks(cloudfront::OpenedRegistryStorage& storage) {
  for (cloudfront::CloudFrontMiddleware* middleware : storage.cloudfronts()) {
    RINGPULL_CO_CHECK(co_await middleware->ready());
    cloudfront::CloudFrontStatus status = middleware->status();
    if (!status.ip_error) continue;
    co_return fail(
        std::move(*status.ip_error)
            .context("--client-address needs the list of networks; correct iprangesurl, or let "
                     "this machine reach what it names"));
  }
  co_return Result<void>();
}

Task<Result<s3::ClientFacts>> client(cloudfront::OpenedRegistryStorage& storage,
                                     const SignArguments& arguments) {
  s3::ClientFacts client;
  if (arguments.client_address.empty()) co_return client;
  if (!cloudfront::IpAddress::parse(arguments.client_address)) {
    co_return fail(ErrorKind::invalid_argument,
                   "--client-address: '" + arguments.client_address +
                       "' is no IP address; 192.0.2.1 and 2001:db8::1 are");
  }
  client.peer_address = arguments.client_address;
  RINGPULL_CO_CHECK(co_await await_networks(storage));
  co_return client;
}

Result<std::string> cookie_lines(cloudfront::OpenedRegistryStorage& storage,
                                 const SignArguments& arguments,
                                 const s3::RedirectOptions& options) {
  if (storage.cloudfront() == nullptr) {
    return fail(ErrorKind::unsupported,
                arguments.s3.config +
                    ": there are cookies from the cloudfront middleware only, "
                    "which is not configured");
  }
  RINGPULL_TRY(auto cookies, storage.cloudfront()->cookies(arguments.url, options));
  std::string lines;
  for (const cloudfront::Cookie& cookie : cookies) {
    lines += cookie.name + "=" + cookie.value + "\n";
  }
  return lines;
}

Task<Result<std::string>> url_line(cloudfront::OpenedRegistryStorage& storage,
                                   const SignArguments& arguments,
                                   const s3::RedirectOptions& options) {
  RINGPULL_CO_TRY(std::optional<std::string> url,
                  co_await storage.driver().redirect_url(arguments.url, options));
  if (url) co_return *url + "\n";
  co_return fail(ErrorKind::unsupported, arguments.s3.config +
                                             ": clients are served by the registry itself "
                                             "(storage.redirect.disable), so there is no URL");
}

Task<Result<void>> sign_file(cloudfront::OpenedRegistryStorage& storage,
                             const SignArguments& arguments) {
  s3::RedirectOptions options;
  options.method = arguments.redirect_method();
  RINGPULL_CO_TRY(options.expiry, expiry(arguments));
  RINGPULL_CO_TRY(options.client, co_await client(storage, arguments));
  auto text = co_await url_line(storage, arguments, options);
  if (text && arguments.cookies) text = cookie_lines(storage, arguments, options);
  if (!text) co_return fail(std::move(text).error());
  auto written = co_await write_out(*text);
  co_return written;
}

}  // namespace

void add_sign(CommandLine& line) {
  auto arguments = std::make_shared<SignArguments>();
  Command command = line.add(
      "sign", "Print the URL that gives an object or file to whoever holds it, for a time");
  command.option("url", arguments->url, "s3://bucket/key, or a path").required();
  command.option("--method", arguments->method, "What the URL is for")
      .one_of({"GET", "HEAD"})
      .show_default();
  command
      .option("--expires", arguments->expires,
              "For how long, e.g. 90s or 1h30m; default: as configured, else 20m")
      .value_name("DURATION");
  command
      .option("--at", arguments->at,
              "Seconds since 1970 to sign at instead of now, so that the same comes out")
      .between_unsaid(0, kSignAtMax)
      .value_name("SECONDS");
  Option address =
      command
          .option("--client-address", arguments->client_address,
                  "Decide as for a client with this address, which ipfilteredby may send to S3")
          .value_name("IP");
  Option cookies = command.flag("--cookies", arguments->cookies,
                                "CloudFront's cookies, one NAME=VALUE a line, for Set-Cookie");
  add_s3_options(command, arguments->s3, Transfers::no);
  cookies.needs(command.at("--config")).excludes(address);
  address.needs(command.at("--config"));
  command.footer("Nobody is asked whether the object exists.");
  command.on_chosen([arguments] {
    if (arguments->at) {
      arguments->s3.at = std::chrono::sys_seconds(std::chrono::seconds(*arguments->at));
    }
    return run_session(
        "sign", arguments->s3, [&](Session& session) { return sign_object(session, *arguments); },
        [&](auto& storage) { return sign_file(storage, *arguments); });
  });
}

}  // namespace ringpull::tools
