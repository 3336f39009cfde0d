#pragma once
// For tests of storage middlewares, which are judged by the calls that reach the driver below.
// Every call completes at once.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/s3/storage_driver.hpp>

namespace ringpull::testing {

/// A driver below the middleware under test. It notes each call with its arguments and does
/// nothing; what it gives is told by the fields.
class RecordingDriver final : public s3::StorageDriver {
 public:
  /// "method path argument ...".
  std::vector<std::string> calls;
  /// In front of the path without its slash; absent: no path has a key.
  std::optional<std::string> key_prefix = "root/";
  /// "GET " or "HEAD ", and the path, are put behind it; absent: no redirects.
  std::optional<std::string> redirect_prefix = "https://store.example.com/?";

  std::string_view name() const noexcept override { return "recording"; }
  s3::StorageCapabilities capabilities() const noexcept override;
  engine::Task<Result<engine::Buffer>> get_content(std::string_view path,
                                                   std::size_t bytes_max) override;
  engine::Task<Result<void>> put_content(std::string_view path,
                                         std::span<const std::byte> bytes) override;
  engine::Task<Result<s3::RangedRead>> read_range(std::string_view path, std::span<std::byte> out,
                                                  const s3::RangedReadOptions& options) override;
  engine::Task<Result<std::unique_ptr<s3::StorageReader>>> reader(
      std::string_view path, const s3::ReaderOptions& options) override;
  engine::Task<Result<std::unique_ptr<s3::StorageWriter>>> writer(
      std::string_view path, const s3::WriterOptions& options) override;
  engine::Task<Result<s3::FileInfo>> stat(std::string_view path) override;
  engine::Task<Result<std::vector<std::string>>> list(std::string_view path) override;
  engine::Task<Result<void>> walk(std::string_view path, const s3::WalkOptions& options,
                                  s3::WalkVisitor visitor) override;
  engine::Task<Result<void>> move(std::string_view from, std::string_view to) override;
  engine::Task<Result<void>> remove(std::string_view path) override;
  engine::Task<Result<std::vector<s3::RemoveFailure>>> remove_files(
      std::span<const std::string> paths) override;
  engine::Task<Result<std::optional<std::string>>> redirect_url(
      std::string_view path, const s3::RedirectOptions& options) override;
  std::optional<std::string> object_key(std::string_view path) const override;
  s3::StorageStats stats() const override;

 private:
  void note(std::string_view method, std::string_view path, std::string_view argument = {});
};

}  // namespace ringpull::testing
