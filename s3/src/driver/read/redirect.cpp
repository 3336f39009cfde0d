#include "s3/src/driver/read/redirect.hpp"

#include <utility>

namespace ringpull::inline v0::s3::driver {

using engine::Task;

namespace {

template <class Options>
Task<Result<std::string>> presign(Core& core, const Options& object,
                                  const PresignOptions& presign_options) {
  const auto& elsewhere = core.options.redirect_endpoint;
  if (!elsewhere) co_return co_await core.client.presign(object, presign_options);
  // The client may have learnt that the bucket lies in another region than it was told.
  const Region& region = core.client.endpoint_of(core.options.bucket).region();
  RINGPULL_CO_TRY(Endpoint endpoint, elsewhere->with_region(region));
  auto url = co_await core.client.presign(object, presign_options, endpoint);
  co_return url;
}

}  // namespace

Task<Result<std::string>> redirect_url(Core& core, std::string_view path,
                                       const RedirectOptions& options) {
  std::chrono::seconds expiry = options.expiry.value_or(kRedirectExpiry);
  if (expiry < std::chrono::seconds(1) || expiry > kPresignExpiryMax) {
    Error error(ErrorKind::invalid_argument, "an expiry of " + std::to_string(expiry.count()) +
                                                 " s was asked for; S3 takes 1 s to 7 days");
    co_return fail(storage_failure(std::move(error), "redirect", path));
  }
  PresignOptions presign_options(expiry);
  Result<std::string> url;
  if (options.method == RedirectMethod::head) {
    HeadObjectOptions head(core.options.bucket, core.keys.key(path));
    url = co_await presign(core, head, presign_options);
  } else {
    GetObjectOptions get(core.options.bucket, core.keys.key(path));
    url = co_await presign(core, get, presign_options);
  }
  if (!url) co_return fail(storage_failure(std::move(url).error(), "redirect", path));
  co_return url;
}

}  // namespace ringpull::inline v0::s3::driver
