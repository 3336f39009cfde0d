#include <fmt/format.h>

#include <ringpull/http/url.hpp>
#include <ringpull/s3/error.hpp>

#include "tools/check/steps.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

/// Of an error's body.
constexpr std::size_t kBodyBytesMax = s3::kErrorBodyBytesMax;

std::string_view method_of(s3::RedirectMethod method) {
  return method == s3::RedirectMethod::get ? "GET" : "HEAD";
}

/// "https://host", which is all of a signed URL that may be shown.
std::string place_of(const http::Url& url) { return url.origin(); }

Task<Result<http::Url>> redirect(s3::StorageDriver& driver, const std::string& path,
                                 s3::RedirectMethod method) {
  s3::RedirectOptions options;
  options.method = method;
  RINGPULL_CO_TRY(std::optional<std::string> text, co_await driver.redirect_url(path, options));
  if (!text) {
    co_return fail(ErrorKind::unsupported, fmt::format("{} gives no URL for {} {}", driver.name(),
                                                       method_of(method), path));
  }
  co_return http::Url::parse(*text);
}

Error refusal(const http::Url& url, const http::ResponseHead& head, std::string_view body) {
  std::string place = place_of(url);
  s3::ResponseContext context(s3::Operation::get_object, place, "");
  return s3::error_from_response(context, head, body).context("the signed URL");
}

/// As a client would that was redirected, without following further.
Task<StepOutcome> fetch(http::Client& client, const http::Url& url, s3::RedirectMethod method,
                        const std::string& expected) {
  http::RequestHead head(std::string(method_of(method)), url.target());
  if (method == s3::RedirectMethod::get) {
    // Ignored by a server, it is a whole object of maybe gigabytes: only its beginning is read.
    head.headers.add("Range", fmt::format("bytes=0-{}", expected.size() - 1));
  }
  RINGPULL_CO_TRY(http::Response response, co_await client.send(url, head));
  if (response.status() != 200 && response.status() != 206) {
    auto body = co_await response.read_text(kBodyBytesMax);
    std::string text = body ? std::move(*body) : std::string();
    co_return fail(refusal(url, response.head(), text));
  }
  if (method == s3::RedirectMethod::head) {
    co_return fmt::format("HTTP {} from {}", response.status(), place_of(url));
  }
  std::string bytes(expected.size(), '\0');
  RINGPULL_CO_CHECK(co_await response.read_exact(std::as_writable_bytes(std::span(bytes))));
  if (bytes != expected) {
    co_return fail(ErrorKind::checksum_mismatch,
                   fmt::format("{} gives other bytes than were stored", place_of(url)));
  }
  co_return fmt::format("HTTP {} and the right bytes from {}", response.status(), place_of(url));
}

Task<StepOutcome> fetch_presigned(Probe& probe, s3::RedirectMethod method) {
  probe.asks_for("s3:GetObject");
  RINGPULL_CO_TRY(http::Url url,
                  co_await redirect(probe.s3().driver(), probe.readable_path, method));
  auto outcome = co_await fetch(probe.http(), url, method, probe.readable_bytes);
  co_return outcome;
}

}  // namespace

Task<StepOutcome> presigned_get(Probe& probe) {
  auto outcome = co_await fetch_presigned(probe, s3::RedirectMethod::get);
  co_return outcome;
}

Task<StepOutcome> presigned_head(Probe& probe) {
  auto outcome = co_await fetch_presigned(probe, s3::RedirectMethod::head);
  co_return outcome;
}

Task<StepOutcome> sign_for_middleware(Probe& probe) {
  RINGPULL_CO_TRY(http::Url url, co_await redirect(probe.outermost(), probe.readable_path,
                                                   s3::RedirectMethod::get));
  co_return fmt::format("a URL at {}", place_of(url));
}

Task<StepOutcome> fetch_from_middleware(Probe& probe) {
  RINGPULL_CO_TRY(http::Url url, co_await redirect(probe.outermost(), probe.readable_path,
                                                   s3::RedirectMethod::get));
  auto outcome =
      co_await fetch(probe.edge_http(), url, s3::RedirectMethod::get, probe.readable_bytes);
  co_return outcome;
}

}  // namespace ringpull::tools
