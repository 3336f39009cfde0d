#pragma once
// Paths of a storage driver: what a registry names its files by. Pure functions.

#include <string_view>

namespace ringpull::inline v0::s3 {

/// Absolute, of one component or more, each of letters, digits, '.', '_' and '-':
/// `^(/[A-Za-z0-9._-]+)+$`. No trailing slash, no empty component; "." and ".." are ordinary names.
bool is_storage_path(std::string_view path) noexcept;
/// The same, or "/" alone: what stat, list and walk take.
bool is_storage_path_or_root(std::string_view path) noexcept;
/// Whether `path` is `ancestor` or lies below it: "/a/b" below "/a" and "/", "/ab" not below "/a".
bool is_at_or_below(std::string_view ancestor, std::string_view path) noexcept;

}  // namespace ringpull::inline v0::s3
