#pragma once
// AWS's shared config and credentials files, sans-IO.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/secret.hpp>

namespace ringpull::inline v0::s3 {

/// Bytes of one file that are read. Real ones are below 100 KiB even in companies with hundreds of
/// accounts.
inline constexpr std::size_t kProfileFileBytesMax = 4 * 1024 * 1024;

/// The settings of one profile. All are kept as secrets, since some are.
class Profile {
 public:
  Profile() = default;

  /// Null when absent or empty. `name` is in lower case; the file's may be in any.
  const Secret* find(std::string_view name) const;
  /// For settings that are no secrets; empty when absent.
  std::string text(std::string_view name) const;
  void set(std::string name, Secret value);

 private:
  std::map<std::string, Secret, std::less<>> settings_;
};

/// Which of the two files a text is: their sections are named differently.
enum class ProfileFileKind : std::uint8_t {
  config,       ///< [default], [profile NAME]; other sections are left out
  credentials,  ///< [NAME]
};

/// The profiles of both files together.
class ProfileFiles {
 public:
  ProfileFiles() = default;

  /// Adds what `text` says; a setting that is there already is replaced, so that the credentials
  /// file comes second. `unauthenticated`, with the number of the line and none of its text, for a
  /// line that is no section, setting, continuation or comment.
  ///
  /// Sections and settings that are repeated add up, the last one wins. A line that begins with a
  /// blank belongs to the setting before it (more of its value, or a sub-setting) and is left out:
  /// nothing about credentials has such lines. " #" and " ;" begin a comment, and so do '#' and ';'
  /// at the beginning of a line.
  Result<void> add(std::string_view text, ProfileFileKind kind);

  /// Null when there is none of that name.
  const Profile* find(std::string_view name) const;
  std::size_t size() const noexcept { return profiles_.size(); }

 private:
  std::map<std::string, Profile, std::less<>> profiles_;
};

}  // namespace ringpull::inline v0::s3
