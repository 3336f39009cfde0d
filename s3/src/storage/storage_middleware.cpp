#include <utility>

#include <ringpull/s3/storage_middleware.hpp>

namespace ringpull::inline v0::s3 {

using engine::Task;

Task<void> StorageMiddleware::close() { co_return; }

std::string_view StorageMiddleware::name() const noexcept { return inner_.name(); }

StorageCapabilities StorageMiddleware::capabilities() const noexcept {
  return inner_.capabilities();
}

Task<Result<engine::Buffer>> StorageMiddleware::get_content(std::string_view path,
                                                            std::size_t bytes_max) {
  return inner_.get_content(path, bytes_max);
}

Task<Result<void>> StorageMiddleware::put_content(std::string_view path,
                                                  std::span<const std::byte> bytes) {
  return inner_.put_content(path, bytes);
}

Task<Result<RangedRead>> StorageMiddleware::read_range(std::string_view path,
                                                       std::span<std::byte> out,
                                                       const RangedReadOptions& options) {
  return inner_.read_range(path, out, options);
}

Task<Result<std::unique_ptr<StorageReader>>> StorageMiddleware::reader(
    std::string_view path, const ReaderOptions& options) {
  return inner_.reader(path, options);
}

Task<Result<std::unique_ptr<StorageWriter>>> StorageMiddleware::writer(
    std::string_view path, const WriterOptions& options) {
  return inner_.writer(path, options);
}

Task<Result<FileInfo>> StorageMiddleware::stat(std::string_view path) { return inner_.stat(path); }

Task<Result<std::vector<std::string>>> StorageMiddleware::list(std::string_view path) {
  return inner_.list(path);
}

Task<Result<void>> StorageMiddleware::walk(std::string_view path, const WalkOptions& options,
                                           WalkVisitor visitor) {
  return inner_.walk(path, options, std::move(visitor));
}

Task<Result<void>> StorageMiddleware::move(std::string_view from, std::string_view to) {
  return inner_.move(from, to);
}

Task<Result<void>> StorageMiddleware::remove(std::string_view path) { return inner_.remove(path); }

Task<Result<std::vector<RemoveFailure>>> StorageMiddleware::remove_files(
    std::span<const std::string> paths) {
  return inner_.remove_files(paths);
}

Task<Result<std::optional<std::string>>> StorageMiddleware::redirect_url(
    std::string_view path, const RedirectOptions& options) {
  return inner_.redirect_url(path, options);
}

std::optional<std::string> StorageMiddleware::object_key(std::string_view path) const {
  return inner_.object_key(path);
}

StorageStats StorageMiddleware::stats() const { return inner_.stats(); }

}  // namespace ringpull::inline v0::s3
