#pragma once
// From the registry's configuration file to the storage that it describes.

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/cloudfront/cloudfront_middleware.hpp>
#include <ringpull/cloudfront/registry_configuration.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/s3/open_s3_driver.hpp>
#include <ringpull/s3/storage_middleware.hpp>

namespace ringpull::inline v0::cloudfront {

class OpenRegistryStorageOptions {
 public:
  OpenRegistryStorageOptions() = default;

  s3::OpenS3DriverOptions driver;
  /// The wall clock that signatures and their expiries count from. Default: the system's.
  std::function<std::chrono::sys_seconds()> clock;
  /// CloudFrontOptions::on_notice of each such middleware.
  std::function<void(std::string_view)> on_notice;
};

/// A driver, the middlewares around it, and everything below them, for one loop. The readers and
/// writers end before it is closed.
class OpenedRegistryStorage {
 public:
  ~OpenedRegistryStorage();
  OpenedRegistryStorage(const OpenedRegistryStorage&) = delete;
  OpenedRegistryStorage& operator=(const OpenedRegistryStorage&) = delete;

  /// The outermost middleware, or the driver itself.
  s3::StorageDriver& driver() noexcept { return *outermost_; }
  /// What is at the bottom.
  s3::OpenedS3Driver& s3() noexcept { return *s3_; }
  /// The outermost `cloudfront` middleware; null where there is none.
  CloudFrontMiddleware* cloudfront() noexcept {
    return cloudfronts_.empty() ? nullptr : cloudfronts_.back();
  }
  /// All of them, from the inside out.
  std::span<CloudFrontMiddleware* const> cloudfronts() noexcept { return cloudfronts_; }

  /// Ends what runs in the background, from the outside in. Awaited before it is destroyed; not
  /// ended by a stop.
  engine::Task<void> close();

 private:
  friend engine::Task<Result<std::unique_ptr<OpenedRegistryStorage>>> open_registry_storage(
      const RegistryConfiguration&, const OpenRegistryStorageOptions&);
  OpenedRegistryStorage();
  Result<void> add(const RegistryConfiguration& configuration,
                   const OpenRegistryStorageOptions& options);
  void put_around(std::unique_ptr<s3::StorageMiddleware> middleware);

  // Each stands on those before it.
  std::unique_ptr<s3::OpenedS3Driver> s3_;
  std::vector<std::unique_ptr<s3::StorageMiddleware>> middlewares_;
  s3::StorageDriver* outermost_ = nullptr;
  std::vector<CloudFrontMiddleware*> cloudfronts_;
};

/// On the loop that it is for. Makes no request: credentials that are missing show with the first
/// one. Blocks to read the files that the configuration and AWS_CA_BUNDLE name. Fails as
/// s3::open_s3_driver does, and as the middlewares do for keys that cannot be used; the text names
/// the middleware's place.
engine::Task<Result<std::unique_ptr<OpenedRegistryStorage>>> open_registry_storage(
    const RegistryConfiguration& configuration, const OpenRegistryStorageOptions& options);

/// The same of a configuration file and the process's environment; `configuration.warnings` go to
/// OpenRegistryStorageOptions::on_notice.
engine::Task<Result<std::unique_ptr<OpenedRegistryStorage>>> open_registry_storage(
    const std::string& path, const OpenRegistryStorageOptions& options);

}  // namespace ringpull::inline v0::cloudfront
