#include <utility>

#include <ringpull/s3/s3_driver.hpp>
#include <ringpull/s3/storage_error.hpp>
#include <ringpull/s3/storage_path.hpp>

#include "s3/src/driver/core/core.hpp"
#include "s3/src/driver/core/counting.hpp"
#include "s3/src/driver/core/options_check.hpp"
#include "s3/src/driver/move/move.hpp"
#include "s3/src/driver/read/reader.hpp"
#include "s3/src/driver/read/redirect.hpp"
#include "s3/src/driver/tree/remove.hpp"
#include "s3/src/driver/tree/tree.hpp"
#include "s3/src/driver/tree/walk.hpp"
#include "s3/src/driver/write/writer.hpp"

namespace ringpull::inline v0::s3 {

using driver::CallCounter;
using driver::kDriverName;
using engine::Task;

namespace {

Result<void> check_path(std::string_view action, std::string_view path) {
  if (is_storage_path(path)) return {};
  return fail(invalid_path(kDriverName, action, path));
}

Result<void> check_path_or_root(std::string_view action, std::string_view path) {
  if (is_storage_path_or_root(path)) return {};
  return fail(invalid_path(kDriverName, action, path));
}

}  // namespace

class S3Driver::Impl {
 public:
  Impl(const S3DriverOptions& options, Client& client, engine::BufferPool& pool)
      : core(options, client, pool) {}

  // What may be refused before a request is made, for the counters to see.
  Task<Result<engine::Buffer>> get_content(std::string_view path, std::size_t bytes_max) {
    RINGPULL_CO_CHECK(check_path("get_content", path));
    auto content = co_await driver::get_content(core, path, bytes_max);
    co_return content;
  }
  Task<Result<void>> put_content(std::string_view path, std::span<const std::byte> bytes) {
    RINGPULL_CO_CHECK(check_path("put_content", path));
    auto done = co_await driver::put_content(core, path, bytes);
    co_return done;
  }
  Task<Result<RangedRead>> read_range(std::string_view path, std::span<std::byte> out,
                                      const RangedReadOptions& options) {
    RINGPULL_CO_CHECK(check_path("read_range", path));
    auto read = co_await driver::read_range(core, path, out, options);
    co_return read;
  }
  Task<Result<std::unique_ptr<StorageReader>>> reader(std::string_view path,
                                                      const ReaderOptions& options) {
    RINGPULL_CO_CHECK(check_path("reader", path));
    auto opened = co_await driver::open_reader(core, path, options);
    co_return opened;
  }
  Task<Result<std::unique_ptr<StorageWriter>>> writer(std::string_view path,
                                                      const WriterOptions& options) {
    RINGPULL_CO_CHECK(check_path("writer", path));
    auto opened = co_await driver::open_writer(core, path, options);
    co_return opened;
  }
  Task<Result<FileInfo>> stat(std::string_view path) {
    RINGPULL_CO_CHECK(check_path_or_root("stat", path));
    auto info = co_await driver::stat(core, path);
    co_return info;
  }
  Task<Result<std::vector<std::string>>> list(std::string_view path) {
    RINGPULL_CO_CHECK(check_path_or_root("list", path));
    auto paths = co_await driver::list(core, path);
    co_return paths;
  }
  Task<Result<void>> walk(std::string_view path, const WalkOptions& options, WalkVisitor visitor) {
    RINGPULL_CO_CHECK(check_path_or_root("walk", path));
    if (!options.start_after.empty()) {
      RINGPULL_CO_CHECK(check_path_or_root("walk after", options.start_after));
    }
    auto done = co_await driver::walk(core, path, options, visitor);
    co_return done;
  }
  Task<Result<void>> move(std::string_view from, std::string_view to) {
    RINGPULL_CO_CHECK(check_path("move", from));
    RINGPULL_CO_CHECK(check_path("move to", to));
    auto done = co_await driver::move(core, from, to);
    co_return done;
  }
  Task<Result<void>> remove(std::string_view path) {
    RINGPULL_CO_CHECK(check_path("remove", path));
    auto done = co_await driver::remove(core, path);
    co_return done;
  }
  Task<Result<std::vector<RemoveFailure>>> remove_files(std::span<const std::string> paths) {
    for (const std::string& path : paths) RINGPULL_CO_CHECK(check_path("remove", path));
    auto failures = co_await driver::remove_files(core, paths);
    co_return failures;
  }
  Task<Result<std::optional<std::string>>> redirect_url(std::string_view path,
                                                        const RedirectOptions& options) {
    RINGPULL_CO_CHECK(check_path("redirect", path));
    RINGPULL_CO_TRY(std::string url, co_await driver::redirect_url(core, path, options));
    co_return std::optional<std::string>(std::move(url));
  }

  driver::Core core;
  StorageStats stats;
};

S3Driver::S3Driver(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
S3Driver::~S3Driver() = default;

Result<std::unique_ptr<S3Driver>> S3Driver::create(const S3DriverOptions& options, Client& client,
                                                   engine::BufferPool& pool) {
  RINGPULL_CHECK(driver::check(options));
  auto impl = std::make_unique<Impl>(options, client, pool);
  return std::unique_ptr<S3Driver>(new S3Driver(std::move(impl)));
}

StorageCapabilities S3Driver::capabilities() const noexcept {
  StorageCapabilities capabilities;
  capabilities.redirects = true;
  capabilities.resumable_writers = true;
  capabilities.conditional_commit = impl_->core.server.conditional_writes;
  capabilities.component_order = true;
  return capabilities;
}

Task<Result<engine::Buffer>> S3Driver::get_content(std::string_view path, std::size_t bytes_max) {
  CallCounter counter(impl_->stats.get_content);
  auto content = co_await impl_->get_content(path, bytes_max);
  counter.ended(content.has_value(), content ? content->size() : 0);
  co_return content;
}

Task<Result<void>> S3Driver::put_content(std::string_view path, std::span<const std::byte> bytes) {
  CallCounter counter(impl_->stats.put_content);
  auto done = co_await impl_->put_content(path, bytes);
  counter.ended(done.has_value(), done ? bytes.size() : 0);
  co_return done;
}

Task<Result<RangedRead>> S3Driver::read_range(std::string_view path, std::span<std::byte> out,
                                              const RangedReadOptions& options) {
  CallCounter counter(impl_->stats.read_range);
  auto read = co_await impl_->read_range(path, out, options);
  counter.ended(read.has_value(), read ? read->bytes : 0);
  co_return read;
}

Task<Result<std::unique_ptr<StorageReader>>> S3Driver::reader(std::string_view path,
                                                              const ReaderOptions& options) {
  return driver::counted_reader(impl_->stats, impl_->reader(path, options));
}

Task<Result<std::unique_ptr<StorageWriter>>> S3Driver::writer(std::string_view path,
                                                              const WriterOptions& options) {
  return driver::counted_writer(impl_->stats, impl_->writer(path, options));
}

Task<Result<FileInfo>> S3Driver::stat(std::string_view path) {
  return driver::counted(impl_->stats.stat, impl_->stat(path));
}

Task<Result<std::vector<std::string>>> S3Driver::list(std::string_view path) {
  return driver::counted(impl_->stats.list, impl_->list(path));
}

Task<Result<void>> S3Driver::walk(std::string_view path, const WalkOptions& options,
                                  WalkVisitor visitor) {
  return driver::counted(impl_->stats.walk, impl_->walk(path, options, std::move(visitor)));
}

Task<Result<void>> S3Driver::move(std::string_view from, std::string_view to) {
  return driver::counted(impl_->stats.move, impl_->move(from, to));
}

Task<Result<void>> S3Driver::remove(std::string_view path) {
  return driver::counted(impl_->stats.remove, impl_->remove(path));
}

Task<Result<std::vector<RemoveFailure>>> S3Driver::remove_files(
    std::span<const std::string> paths) {
  return driver::counted(impl_->stats.remove, impl_->remove_files(paths));
}

Task<Result<std::optional<std::string>>> S3Driver::redirect_url(std::string_view path,
                                                                const RedirectOptions& options) {
  return driver::counted(impl_->stats.redirect_url, impl_->redirect_url(path, options));
}

std::optional<std::string> S3Driver::object_key(std::string_view path) const {
  if (!is_storage_path(path)) return std::nullopt;
  return impl_->core.keys.key(path).str();
}

StorageStats S3Driver::stats() const { return impl_->stats; }

}  // namespace ringpull::inline v0::s3
