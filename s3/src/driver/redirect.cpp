#include "s3/src/driver/redirect.hpp"

#include <utility>

namespace ringpull::inline v0::s3::driver {

using engine::Task;

namespace {

template <class Options>
Task<Result<std::string>> presign(Core& core, const Options& object,
                                  const PresignOptions& presign_options) {
  const auto& elsewhere = core.options.redirect_endpoint;
  if (elsewhere) return core.client.presign(object, presign_options, *elsewhere);
  return core.client.presign(object, presign_options);
}

}  // namespace

Task<Result<std::string>> redirect_url(Core& core, std::string_view path,
                                       const RedirectOptions& options) {
  if (options.expiry < std::chrono::seconds(1) || options.expiry > kPresignExpiryMax) {
    Error error(ErrorKind::invalid_argument, "an expiry of " +
                                                 std::to_string(options.expiry.count()) +
                                                 " s was asked for; S3 takes 1 s to 7 days");
    co_return fail(storage_failure(std::move(error), "redirect", path));
  }
  PresignOptions expiry(options.expiry);
  Result<std::string> url;
  if (options.method == RedirectMethod::head) {
    HeadObjectOptions head(core.options.bucket, core.keys.key(path));
    url = co_await presign(core, head, expiry);
  } else {
    GetObjectOptions get(core.options.bucket, core.keys.key(path));
    url = co_await presign(core, get, expiry);
  }
  if (!url) co_return fail(storage_failure(std::move(url).error(), "redirect", path));
  co_return url;
}

}  // namespace ringpull::inline v0::s3::driver
