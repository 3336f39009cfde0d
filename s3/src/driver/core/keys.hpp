#pragma once
// Which object holds which path.

#include <optional>
#include <string>
#include <string_view>

#include <ringpull/s3/names.hpp>

namespace ringpull::inline v0::s3::driver {

/// Behind the path of an upload: the object that keeps the state of a closed writer. '~' is in no
/// path, so that it never stands for a file.
inline constexpr std::string_view kSidecarSuffix = "~ringpull-upload";

/// key = root directory + path, without the leading slash. "" and "/" as root directory mean the
/// bucket's top, "a/b" and "/a/b/" the same place.
class KeyMap {
 public:
  explicit KeyMap(std::string_view root_directory);

  /// Of a path as in storage_path.hpp, not of "/".
  ObjectKey key(std::string_view path) const;
  ObjectKey sidecar_key(std::string_view path) const;
  /// What all keys below a directory begin with: "root/dir/"; for "/" the root directory's, which
  /// may be empty.
  std::string prefix_below(std::string_view path) const;
  /// The path of a key that a listing gave; nothing for what is no file of ours: keys outside the
  /// root directory, sidecars, directory markers and whatever else is_storage_path refuses.
  std::optional<std::string> path(std::string_view key) const;
  /// Of a common prefix, "root/dir/", as far as it makes one: "/dir".
  std::optional<std::string> directory_path(std::string_view prefix) const;

 private:
  std::string root_;  // "" or "a/b/"
};

}  // namespace ringpull::inline v0::s3::driver
