#include <algorithm>
#include <utility>

#include <ringpull/cloudfront/cloudfront_middleware.hpp>
#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/s3/storage_error.hpp>

#include "cloudfront/src/middleware/base_url.hpp"
#include "cloudfront/src/middleware/ip_ranges_feed.hpp"
#include "cloudfront/src/middleware/key_ring.hpp"
#include "cloudfront/src/network/client_address.hpp"
#include "cloudfront/src/signing/signature_cache.hpp"

namespace ringpull::inline v0::cloudfront {

using engine::Task;
using std::chrono::seconds;

namespace {

/// Beyond any use, and what keeps sums of times in their range: Go's durations end at 292 years.
constexpr seconds kExpiryMax = std::chrono::hours(24 * 365 * 100);

tl::unexpected<Error> refuse(const std::string& what) {
  return fail(ErrorKind::invalid_argument, "cloudfront middleware: " + what);
}

Result<void> check(const CloudFrontOptions& options) {
  const std::string& target = options.base_url.target();
  if (!target.ends_with('/') || target.find_first_of("?*\"\\") != std::string::npos) {
    return refuse("the base URL must end with '/' and hold no query, '*', quote or backslash");
  }
  if (!detail::arrives_unchanged(options.base_url.path())) {
    return refuse("the base URL's path must not hold \".\" or \"..\", or a '%' without its digits");
  }
  if (options.keys.empty()) return refuse("no key file is given");
  if (options.duration < seconds(1) || options.reuse_period < seconds(1)) {
    return refuse("URLs must be good for a second or more, and so must their reuse");
  }
  if (options.update_frequency <= engine::Duration(0) ||
      options.update_retry <= engine::Duration(0) ||
      options.ip_ranges_time_max <= engine::Duration(0) ||
      options.key_check_period < engine::Duration(0)) {
    return refuse("periods of background work must be positive");
  }
  if (options.signatures_max == 0) return refuse("a cache of no signature is none; switch it off");
  if (options.ip_filter == IpFilter::aws_region && options.regions.empty()) {
    return refuse("no region is given to filter by");
  }
  return {};
}

/// The next multiple of `period` since 1970.
WallTime round_up(WallTime time, seconds period) {
  auto since = std::chrono::ceil<seconds>(time.time_since_epoch());
  auto rest = since % period;
  return WallTime(rest == seconds(0) ? since : since + (period - rest));
}

}  // namespace

class CloudFrontMiddleware::Impl {
 public:
  explicit Impl(const CloudFrontOptions& options_in)
      : options(options_in),
        base(options_in.base_url.to_string()),
        keys(options_in.keys, options_in.hash, options_in.on_notice),
        cache(options_in.signatures_max) {
    if (!options.clock) options.clock = &std::chrono::system_clock::now;
  }

  Result<void> start() {
    RINGPULL_CHECK(keys.load());
    if (options.ip_filter != IpFilter::none) {
      RINGPULL_CHECK(open_http());
      feed = std::make_unique<IpRangesFeed>(options, *http);
      scope.spawn(feed->run());
    }
    if (options.key_check_period > engine::Duration(0)) {
      scope.spawn(keys.watch(options.key_check_period));
    }
    return {};
  }

  /// Nothing where the URL is to be the inner driver's.
  std::optional<std::string> object_url(const s3::StorageDriver& inner,
                                        std::string_view path) const {
    auto key = inner.object_key(path);
    if (!key || key->empty() || detail::has_dot_component(*key)) return std::nullopt;
    std::string url = base;
    http::percent_encode(*key, http::Slash::keep, url);
    return url;
  }

  /// Whether the client's way to the store is the free one.
  bool is_near(const s3::ClientFacts& client) const {
    if (!feed || feed->table().networks() == 0) return false;
    auto address = client_address(client, options.trusted_proxies);
    return address && feed->table().wants(*address);
  }

  Result<Policy> policy(const std::string& url, const s3::RedirectOptions& redirect) const {
    seconds expiry = redirect.expiry.value_or(options.duration);
    if (expiry < seconds(1)) {
      return fail(ErrorKind::invalid_argument, "an expiry of " + std::to_string(expiry.count()) +
                                                   " s was asked for; the least is 1 s");
    }
    WallTime expires = options.clock() + std::min(expiry, kExpiryMax);
    if (options.reuse != SignatureReuse::off) expires = round_up(expires, options.reuse_period);
    bool everything = options.reuse == SignatureReuse::wildcard;
    return Policy(everything ? base + "*" : url, expires);
  }

  Result<std::string> sign(const std::string& url, const s3::RedirectOptions& redirect) {
    RINGPULL_TRY(Policy policy, this->policy(url, redirect));
    const UrlSigner& signer = keys.signer();
    if (options.reuse == SignatureReuse::off) {
      ++signed_alone;
      return signer.sign(url, policy);
    }
    if (std::exchange(cached_generation, keys.generation()) != keys.generation()) cache.clear();
    RINGPULL_TRY(const std::string* query, cache.query(signer, policy));
    return with_query(url, *query);
  }

  Task<void> close() {
    scope.request_stop();
    auto joined = co_await scope.join();
    (void)joined;
  }

  // Each stands on those above it.
  CloudFrontOptions options;
  std::string base;
  KeyRing keys;
  SignatureCache cache;
  std::uint64_t cached_generation = 0;
  std::unique_ptr<engine::Resolver> resolver;
  std::unique_ptr<http::Client> own_http;
  http::Client* http = nullptr;
  std::unique_ptr<IpRangesFeed> feed;

  std::uint64_t signed_alone = 0;
  CloudFrontStatus counted;

  engine::Context root;
  engine::Scope scope{root};

 private:
  Result<void> open_http() {
    http = options.http;
    if (http != nullptr) return {};
    RINGPULL_TRY(resolver, engine::CaresResolver::create());
    http::ClientOptions http_options;
    RINGPULL_TRY(http_options.proxies, http::ProxySettings::from_environment());
    RINGPULL_TRY(own_http, http::Client::create(http_options, *resolver));
    http = own_http.get();
    return {};
  }
};

CloudFrontMiddleware::CloudFrontMiddleware(s3::StorageDriver& inner,
                                           std::unique_ptr<Impl> impl) noexcept
    : StorageMiddleware(inner), impl_(std::move(impl)) {}

CloudFrontMiddleware::~CloudFrontMiddleware() {
  RINGPULL_ASSERT(impl_->scope.active() == 0,
                  "a CloudFrontMiddleware was destroyed while its tasks run: await close()");
}

Result<std::unique_ptr<CloudFrontMiddleware>> CloudFrontMiddleware::create(
    const CloudFrontOptions& options, s3::StorageDriver& inner) {
  RINGPULL_CHECK(check(options));
  auto impl = std::make_unique<Impl>(options);
  RINGPULL_CHECK(impl->start());
  return std::unique_ptr<CloudFrontMiddleware>(new CloudFrontMiddleware(inner, std::move(impl)));
}

Task<void> CloudFrontMiddleware::close() { return impl_->close(); }

s3::StorageCapabilities CloudFrontMiddleware::capabilities() const noexcept {
  s3::StorageCapabilities capabilities = inner().capabilities();
  capabilities.redirects = true;
  return capabilities;
}

Task<Result<std::optional<std::string>>> CloudFrontMiddleware::redirect_url(
    std::string_view path, const s3::RedirectOptions& options) {
  auto url = impl_->object_url(inner(), path);
  bool near = url && impl_->is_near(options.client);
  if (!url || near) {
    ++impl_->counted.left_to_inner;
    if (near) ++impl_->counted.near_clients;
    auto inner_url = co_await inner().redirect_url(path, options);
    co_return inner_url;
  }
  auto signed_url = impl_->sign(*url, options);
  if (!signed_url) {
    co_return fail(
        std::move(signed_url).error().context("cloudfront: redirect " + std::string(path)));
  }
  ++impl_->counted.redirects;
  co_return std::optional<std::string>(std::move(*signed_url));
}

Task<Result<void>> CloudFrontMiddleware::ready() {
  if (impl_->feed) RINGPULL_CO_CHECK(co_await impl_->feed->first_fetch().wait());
  co_return Result<void>();
}

Result<std::vector<Cookie>> CloudFrontMiddleware::cookies(
    std::string_view path, const s3::RedirectOptions& options) const {
  auto url = impl_->object_url(inner(), path);
  if (!url) return fail(s3::path_not_found("cloudfront", "sign cookies for", path));
  RINGPULL_TRY(Policy policy, impl_->policy(*url, options));
  return impl_->keys.signer().sign_cookies(policy);
}

CloudFrontStatus CloudFrontMiddleware::status() const {
  CloudFrontStatus status = impl_->counted;
  status.signatures = impl_->signed_alone + impl_->cache.made();
  status.key_pair_id = impl_->keys.signer().key_pair_id();
  status.keys = impl_->keys.keys();
  status.key_checks = impl_->keys.checks();
  status.key_loads = impl_->keys.loads();
  status.key_failures = impl_->keys.failures();
  if (impl_->feed) impl_->feed->report(status);
  return status;
}

}  // namespace ringpull::inline v0::cloudfront
