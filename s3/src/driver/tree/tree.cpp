#include "s3/src/driver/tree/tree.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <ringpull/s3/storage_error.hpp>

#include "s3/src/driver/tree/listing.hpp"
#include "s3/src/protocol/missing.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::Task;

namespace {

FileInfo directory_info(std::string_view path) {
  FileInfo info;
  info.path = path;
  info.is_directory = true;
  return info;
}

template <class Object>
FileInfo file_info(std::string_view path, const Object& object) {
  FileInfo info;
  info.path = path;
  info.size_bytes = object.size_bytes;
  info.modified = object.last_modified;
  return info;
}

Task<Result<FileInfo>> stat_root(Core& core) {
  auto first = co_await first_object(core, core.keys.prefix_below("/"));
  if (!first) co_return fail(storage_failure(std::move(first).error(), "stat", "/"));
  co_return directory_info("/");
}

Task<Result<FileInfo>> stat_directory(Core& core, std::string_view path) {
  auto first = co_await first_object(core, core.keys.prefix_below(path));
  if (!first) co_return fail(storage_failure(std::move(first).error(), "stat", path));
  if (!*first) co_return fail(path_not_found(kDriverName, "stat", path));
  co_return directory_info(path);
}

/// A 4xx without a body says little: an expired token is a plain 400, a missing permission or a
/// wrong clock a plain 403. The listing's answer names the reason, and so lets the client correct
/// it.
bool is_refusal(const Error& error) noexcept {
  return error.http_status() >= 400 && error.http_status() <= 499 && !error.is_retryable();
}

/// After a HeadObject that was refused.
Task<Result<FileInfo>> stat_by_listing(Core& core, std::string_view path, Error refusal) {
  std::string key = core.keys.key(path).str();
  auto first = co_await first_object(core, key);
  bool forbidden = !first && first.error().is(ErrorKind::permission_denied);
  if (forbidden && refusal.is(ErrorKind::permission_denied)) {
    Error error = std::move(refusal).context(
        "the key may neither read the file (s3:GetObject) nor list the bucket (s3:ListBucket), "
        "without which a missing file looks the same");
    co_return fail(storage_failure(std::move(error), "stat", path));
  }
  if (!first) co_return fail(storage_failure(std::move(first).error(), "stat", path));
  // Of all keys that begin like this one it comes first.
  if (*first && (*first)->key.str() == key) co_return file_info(path, **first);
  auto directory = co_await stat_directory(core, path);
  co_return directory;
}

}  // namespace

Task<Result<FileInfo>> stat(Core& core, std::string_view path) {
  if (path == "/") {
    auto root = co_await stat_root(core);
    co_return root;
  }
  HeadObjectOptions look(core.options.bucket, core.keys.key(path));
  auto object = co_await core.client.head_object(look);
  if (object) co_return file_info(path, *object);
  if (is_missing_object(object.error())) {
    auto directory = co_await stat_directory(core, path);
    co_return directory;
  }
  if (is_refusal(object.error())) {
    auto listed = co_await stat_by_listing(core, path, std::move(object).error());
    co_return listed;
  }
  co_return fail(storage_failure(std::move(object).error(), "stat", path));
}

Task<Result<std::vector<std::string>>> list(Core& core, std::string_view path) {
  Listing listing(core, core.keys.prefix_below(path), Listing::Grouping::by_directory);
  std::vector<std::string> paths;
  bool exists = path == "/";
  while (!listing.done()) {
    auto page = co_await listing.next();
    if (!page) co_return fail(storage_failure(std::move(page).error(), "list", path));
    exists = exists || !page->empty();
    for (const ListedObject& object : page->objects) {
      if (auto file = core.keys.path(object.key.str())) paths.push_back(std::move(*file));
    }
    for (const std::string& prefix : page->common_prefixes) {
      if (auto directory = core.keys.directory_path(prefix)) paths.push_back(std::move(*directory));
    }
  }
  if (!exists) co_return fail(path_not_found(kDriverName, "list", path));
  // Keys sort a directory behind files whose names only begin like it, and a name may be both.
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  co_return paths;
}

}  // namespace ringpull::inline v0::s3::driver
