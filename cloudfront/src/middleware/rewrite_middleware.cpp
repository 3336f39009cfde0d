#include <utility>

#include <ringpull/cloudfront/redirect_middleware.hpp>

namespace ringpull::inline v0::cloudfront {

using engine::Task;

namespace {

std::string rewritten(const http::Url& url, const RewriteOptions& options) {
  std::string text(http::to_string(options.scheme.value_or(url.scheme())));
  text += "://";
  text += options.host.empty() ? url.authority() : options.host;
  std::string_view target = url.target();
  if (target.starts_with(options.trim_path_prefix)) {
    target.remove_prefix(options.trim_path_prefix.size());
  }
  if (!target.starts_with('/')) text += '/';
  text += target;
  return text;
}

}  // namespace

RewriteMiddleware::RewriteMiddleware(const RewriteOptions& options, s3::StorageDriver& inner)
    : StorageMiddleware(inner), options_(options) {}

Result<std::unique_ptr<RewriteMiddleware>> RewriteMiddleware::create(const RewriteOptions& options,
                                                                     s3::StorageDriver& inner) {
  if (!options.host.empty()) {
    auto url = http::Url::parse("https://" + options.host);
    if (!url || options.host.find_first_of("/?") != std::string::npos) {
      return fail(ErrorKind::invalid_argument, "rewrite middleware: \"" + options.host +
                                                   "\" is not a host, with or without a port");
    }
  }
  return std::unique_ptr<RewriteMiddleware>(new RewriteMiddleware(options, inner));
}

Task<Result<std::optional<std::string>>> RewriteMiddleware::redirect_url(
    std::string_view path, const s3::RedirectOptions& options) {
  RINGPULL_CO_TRY(std::optional<std::string> given, co_await inner().redirect_url(path, options));
  if (!given) co_return std::optional<std::string>();
  auto url = http::Url::parse(*given);
  if (!url) {
    co_return fail(std::move(url).error().context("rewrite middleware: the redirect to change"));
  }
  co_return std::optional<std::string>(rewritten(*url, options_));
}

}  // namespace ringpull::inline v0::cloudfront
