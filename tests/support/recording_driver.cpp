#include "tests/support/recording_driver.hpp"

#include <utility>

#include <ringpull/s3/storage_path.hpp>

namespace ringpull::testing {

using engine::Task;

void RecordingDriver::note(std::string_view method, std::string_view path,
                           std::string_view argument) {
  std::string call(method);
  call += " ";
  call += path;
  if (!argument.empty()) call += " " + std::string(argument);
  calls.push_back(std::move(call));
}

s3::StorageCapabilities RecordingDriver::capabilities() const noexcept {
  s3::StorageCapabilities capabilities;
  capabilities.resumable_writers = true;
  return capabilities;
}

Task<Result<engine::Buffer>> RecordingDriver::get_content(std::string_view path,
                                                          std::size_t bytes_max) {
  note("get_content", path, std::to_string(bytes_max));
  co_return engine::Buffer();
}

Task<Result<void>> RecordingDriver::put_content(std::string_view path,
                                                std::span<const std::byte> bytes) {
  note("put_content", path, std::to_string(bytes.size()));
  co_return Result<void>();
}

Task<Result<s3::RangedRead>> RecordingDriver::read_range(std::string_view path,
                                                         std::span<std::byte> out,
                                                         const s3::RangedReadOptions& options) {
  note("read_range", path, std::to_string(options.offset) + "+" + std::to_string(out.size()));
  co_return s3::RangedRead();
}

Task<Result<std::unique_ptr<s3::StorageReader>>> RecordingDriver::reader(
    std::string_view path, const s3::ReaderOptions& options) {
  note("reader", path, std::to_string(options.offset));
  co_return std::unique_ptr<s3::StorageReader>();
}

Task<Result<std::unique_ptr<s3::StorageWriter>>> RecordingDriver::writer(
    std::string_view path, const s3::WriterOptions& options) {
  note("writer", path, options.append ? "append" : "new");
  co_return std::unique_ptr<s3::StorageWriter>();
}

Task<Result<s3::FileInfo>> RecordingDriver::stat(std::string_view path) {
  note("stat", path);
  s3::FileInfo info;
  info.path = path;
  co_return info;
}

Task<Result<std::vector<std::string>>> RecordingDriver::list(std::string_view path) {
  note("list", path);
  co_return std::vector<std::string>{"/of/" + std::string(path)};
}

Task<Result<void>> RecordingDriver::walk(std::string_view path, const s3::WalkOptions& options,
                                         s3::WalkVisitor visitor) {
  note("walk", path, options.start_after);
  s3::FileInfo info;
  info.path = path;
  auto step = co_await visitor(info);
  co_return step ? Result<void>() : fail(std::move(step).error());
}

Task<Result<void>> RecordingDriver::move(std::string_view from, std::string_view to) {
  note("move", from, to);
  co_return Result<void>();
}

Task<Result<void>> RecordingDriver::remove(std::string_view path) {
  note("remove", path);
  co_return Result<void>();
}

Task<Result<std::vector<s3::RemoveFailure>>> RecordingDriver::remove_files(
    std::span<const std::string> paths) {
  for (const std::string& path : paths) note("remove_files", path);
  co_return std::vector<s3::RemoveFailure>();
}

Task<Result<std::optional<std::string>>> RecordingDriver::redirect_url(
    std::string_view path, const s3::RedirectOptions& options) {
  std::string method = options.method == s3::RedirectMethod::head ? "HEAD" : "GET";
  note("redirect_url", path, method);
  if (!s3::is_storage_path(path)) co_return fail(s3::invalid_path(name(), "redirect", path));
  if (!redirect_prefix) co_return std::optional<std::string>();
  co_return std::optional<std::string>(*redirect_prefix + method + std::string(path));
}

std::optional<std::string> RecordingDriver::object_key(std::string_view path) const {
  if (!key_prefix || !s3::is_storage_path(path)) return std::nullopt;
  return *key_prefix + std::string(path.substr(1));
}

s3::StorageStats RecordingDriver::stats() const {
  s3::StorageStats stats;
  stats.stat.calls = calls.size();
  return stats;
}

}  // namespace ringpull::testing
