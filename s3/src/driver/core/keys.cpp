#include "s3/src/driver/core/keys.hpp"

#include <ringpull/s3/storage_path.hpp>

namespace ringpull::inline v0::s3::driver {

KeyMap::KeyMap(std::string_view root_directory) {
  while (root_directory.starts_with('/')) root_directory.remove_prefix(1);
  while (root_directory.ends_with('/')) root_directory.remove_suffix(1);
  if (!root_directory.empty()) root_ = std::string(root_directory) + "/";
}

ObjectKey KeyMap::key(std::string_view path) const {
  return ObjectKey(root_ + std::string(path.substr(1)));
}

ObjectKey KeyMap::sidecar_key(std::string_view path) const {
  return ObjectKey(key(path).str() + std::string(kSidecarSuffix));
}

std::string KeyMap::prefix_below(std::string_view path) const {
  return path == "/" ? root_ : key(path).str() + "/";
}

std::optional<std::string> KeyMap::path(std::string_view key) const {
  if (!key.starts_with(root_)) return std::nullopt;
  std::string path = "/" + std::string(key.substr(root_.size()));
  if (!is_storage_path(path)) return std::nullopt;
  return path;
}

std::optional<std::string> KeyMap::directory_path(std::string_view prefix) const {
  if (!prefix.ends_with('/')) return std::nullopt;
  return path(prefix.substr(0, prefix.size() - 1));
}

}  // namespace ringpull::inline v0::s3::driver
