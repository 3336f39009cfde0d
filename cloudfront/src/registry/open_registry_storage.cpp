#include <type_traits>
#include <utility>
#include <variant>

#include <ringpull/cloudfront/open_registry_storage.hpp>
#include <ringpull/cloudfront/redirect_middleware.hpp>

namespace ringpull::inline v0::cloudfront {

using engine::Task;

namespace {

/// `storage.redirect.disable`.
class NoRedirects final : public s3::StorageMiddleware {
 public:
  explicit NoRedirects(s3::StorageDriver& inner) noexcept : StorageMiddleware(inner) {}

  s3::StorageCapabilities capabilities() const noexcept override {
    s3::StorageCapabilities capabilities = StorageMiddleware::capabilities();
    capabilities.redirects = false;
    return capabilities;
  }
  Task<Result<std::optional<std::string>>> redirect_url(std::string_view,
                                                        const s3::RedirectOptions&) override {
    co_return std::nullopt;
  }
};

using MiddlewarePtr = std::unique_ptr<s3::StorageMiddleware>;

/// Makes the middleware of its options.
class Maker {
 public:
  Maker(s3::StorageDriver& inner, const OpenRegistryStorageOptions& options)
      : inner_(inner), options_(options) {}

  Result<MiddlewarePtr> operator()(CloudFrontOptions options) const {
    if (options_.clock) options.clock = options_.clock;
    options.on_notice = options_.on_notice;
    return CloudFrontMiddleware::create(options, inner_);
  }
  Result<MiddlewarePtr> operator()(const RedirectBase& base) const {
    return std::make_unique<RedirectMiddleware>(base.url, inner_);
  }
  Result<MiddlewarePtr> operator()(const RewriteOptions& options) const {
    return RewriteMiddleware::create(options, inner_);
  }

 private:
  s3::StorageDriver& inner_;
  const OpenRegistryStorageOptions& options_;
};

}  // namespace

OpenedRegistryStorage::OpenedRegistryStorage() = default;

OpenedRegistryStorage::~OpenedRegistryStorage() {
  while (!middlewares_.empty()) middlewares_.pop_back();
}

Task<void> OpenedRegistryStorage::close() {
  for (auto one = middlewares_.rbegin(); one != middlewares_.rend(); ++one) {
    co_await (*one)->close();
  }
  co_await s3_->close();
}

void OpenedRegistryStorage::put_around(MiddlewarePtr middleware) {
  auto* cloudfront = dynamic_cast<CloudFrontMiddleware*>(middleware.get());
  if (cloudfront != nullptr) cloudfronts_.push_back(cloudfront);
  outermost_ = middleware.get();
  middlewares_.push_back(std::move(middleware));
}

Result<void> OpenedRegistryStorage::add(const RegistryConfiguration& configuration,
                                        const OpenRegistryStorageOptions& options) {
  for (const MiddlewareConfiguration& middleware : configuration.middlewares) {
    auto made = std::visit(Maker(*outermost_, options), middleware.options);
    if (!made) return fail(std::move(made).error().context(middleware.origin));
    put_around(std::move(*made));
  }
  if (configuration.redirect_disabled) put_around(std::make_unique<NoRedirects>(*outermost_));
  return {};
}

Task<Result<std::unique_ptr<OpenedRegistryStorage>>> open_registry_storage(
    const RegistryConfiguration& configuration, const OpenRegistryStorageOptions& options) {
  std::unique_ptr<OpenedRegistryStorage> storage(new OpenedRegistryStorage());
  s3::OpenS3DriverOptions driver_options = options.driver;
  driver_options.clock = options.clock;
  RINGPULL_CO_TRY(storage->s3_, s3::open_s3_driver(configuration.s3, driver_options));
  storage->outermost_ = &storage->s3_->driver();
  auto added = storage->add(configuration, options);
  if (!added) {
    // Some of them may have begun to work.
    co_await storage->close();
    co_return fail(std::move(added).error());
  }
  co_return storage;
}

Task<Result<std::unique_ptr<OpenedRegistryStorage>>> open_registry_storage(
    const std::string& path, const OpenRegistryStorageOptions& options) {
  EnvironmentVariables variables = process_environment_variables();
  RINGPULL_CO_TRY(RegistryConfiguration configuration,
                  read_registry_configuration(path, variables));
  for (const std::string& warning : configuration.warnings) {
    if (options.on_notice) options.on_notice(warning);
  }
  auto opened = co_await open_registry_storage(configuration, options);
  co_return opened;
}

}  // namespace ringpull::inline v0::cloudfront
