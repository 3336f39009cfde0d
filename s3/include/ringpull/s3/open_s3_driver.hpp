#pragma once
// From parameters to a driver that works.

#include <chrono>
#include <functional>
#include <memory>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/memory_budget.hpp>
#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/credentials_provider.hpp>
#include <ringpull/s3/driver_parameters.hpp>
#include <ringpull/s3/refreshing_credentials.hpp>
#include <ringpull/s3/request_log.hpp>
#include <ringpull/s3/s3_driver.hpp>

namespace ringpull::inline v0::s3 {

class OpenS3DriverOptions {
 public:
  OpenS3DriverOptions() = default;

  /// Shared by the drivers of several loops, so that one limit holds for all of them; outlives
  /// them. Null: the driver has one of its own, as `memorybudget` says.
  engine::MemoryBudget* budget = nullptr;
  /// Where credentials and AWS_CA_BUNDLE are looked up. Proxies come from the process's own.
  EnvironmentLookup environment = process_environment();
  /// ClientOptions::clock. Null: the system's.
  std::function<std::chrono::sys_seconds()> clock;
  /// Where a `loglevel` that is not `off` writes to; null: nowhere.
  RequestLogSink log = standard_error_log();
};

/// An S3Driver and everything below it, for one loop. The readers and writers of the driver end
/// before it is closed.
class OpenedS3Driver {
 public:
  ~OpenedS3Driver();
  OpenedS3Driver(const OpenedS3Driver&) = delete;
  OpenedS3Driver& operator=(const OpenedS3Driver&) = delete;

  S3Driver& driver() noexcept { return *driver_; }
  Client& client() noexcept { return *client_; }
  http::Client& http() noexcept { return *http_; }
  engine::MemoryBudget& budget() noexcept { return pool_->budget(); }
  /// Null where the key is one that does not change.
  RefreshingCredentialsProvider* refreshing_credentials() noexcept { return refreshing_.get(); }

  /// Ends what runs in the background: a renewal of credentials. Awaited before it is destroyed;
  /// not ended by a stop.
  engine::Task<void> close();

 private:
  friend Result<std::unique_ptr<OpenedS3Driver>> open_s3_driver(const S3DriverParameters&,
                                                                const OpenS3DriverOptions&);
  OpenedS3Driver();
  CredentialsProvider& credentials(const S3DriverParameters& parameters,
                                   const EnvironmentLookup& environment);

  // Each stands on those above it.
  std::unique_ptr<engine::MemoryBudget> own_budget_;
  std::unique_ptr<engine::BufferPool> pool_;
  std::unique_ptr<engine::Resolver> resolver_;
  std::unique_ptr<http::Client> http_;
  std::unique_ptr<http::Client> metadata_http_;
  std::unique_ptr<StaticCredentialsProvider> static_;
  std::unique_ptr<RefreshingCredentialsProvider> refreshing_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<S3Driver> driver_;
};

/// On the thread of the loop that it is for. Makes no request: credentials that are missing show
/// with the first one. Blocks to read the file that AWS_CA_BUNDLE names: `tls` when it cannot be
/// used; otherwise `invalid_argument` for a proxy's URL and `io` without a resolver's
/// configuration.
Result<std::unique_ptr<OpenedS3Driver>> open_s3_driver(
    const S3DriverParameters& parameters,
    const OpenS3DriverOptions& options = OpenS3DriverOptions());

}  // namespace ringpull::inline v0::s3
