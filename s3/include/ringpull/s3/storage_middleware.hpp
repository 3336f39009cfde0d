#pragma once
// What stands between a registry and its driver: the base of storage middlewares.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/s3/storage_driver.hpp>

namespace ringpull::inline v0::s3 {

/// A StorageDriver that hands every call on to the one below it, for middlewares to override what
/// they change. Readers and writers come from below and are not wrapped. object_key() goes through
/// to the store at the bottom, so middlewares find an object's key whatever lies between, and may
/// stand in any order.
///
/// The first middleware of a configuration is the innermost. A chain is closed from the outside in
/// and destroyed in that order, too: each uses what is below it.
class StorageMiddleware : public StorageDriver {
 public:
  /// Ends what runs in the background. Awaited before the middleware is destroyed; not ended by a
  /// stop; calling it again has no effect.
  virtual engine::Task<void> close();

  std::string_view name() const noexcept override;
  StorageCapabilities capabilities() const noexcept override;
  engine::Task<Result<engine::Buffer>> get_content(std::string_view path,
                                                   std::size_t bytes_max) override;
  engine::Task<Result<void>> put_content(std::string_view path,
                                         std::span<const std::byte> bytes) override;
  engine::Task<Result<RangedRead>> read_range(std::string_view path, std::span<std::byte> out,
                                              const RangedReadOptions& options) override;
  engine::Task<Result<std::unique_ptr<StorageReader>>> reader(
      std::string_view path, const ReaderOptions& options) override;
  engine::Task<Result<std::unique_ptr<StorageWriter>>> writer(
      std::string_view path, const WriterOptions& options) override;
  engine::Task<Result<FileInfo>> stat(std::string_view path) override;
  engine::Task<Result<std::vector<std::string>>> list(std::string_view path) override;
  engine::Task<Result<void>> walk(std::string_view path, const WalkOptions& options,
                                  WalkVisitor visitor) override;
  engine::Task<Result<void>> move(std::string_view from, std::string_view to) override;
  engine::Task<Result<void>> remove(std::string_view path) override;
  engine::Task<Result<std::vector<RemoveFailure>>> remove_files(
      std::span<const std::string> paths) override;
  engine::Task<Result<std::optional<std::string>>> redirect_url(
      std::string_view path, const RedirectOptions& options) override;
  std::optional<std::string> object_key(std::string_view path) const override;
  StorageStats stats() const override;

 protected:
  /// `inner` outlives the middleware.
  explicit StorageMiddleware(StorageDriver& inner) noexcept : inner_(inner) {}
  StorageDriver& inner() const noexcept { return inner_; }

 private:
  StorageDriver& inner_;
};

}  // namespace ringpull::inline v0::s3
