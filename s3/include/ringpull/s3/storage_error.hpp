#pragma once
// The failures that every storage driver tells apart by Error::code(), beside their kind.

#include <cstdint>
#include <string_view>
#include <system_error>

#include <ringpull/engine/error.hpp>

namespace ringpull::inline v0::s3 {

/// Detail of an Error that a StorageDriver made itself. Anything else that goes wrong keeps the
/// kind and code it came with.
enum class StorageErrc : std::uint8_t {
  path_not_found = 1,  ///< kind `not_found`
  invalid_path,        ///< kind `invalid_argument`: not a path as in storage_path.hpp
  invalid_offset,      ///< kind `invalid_argument`
  unsupported_method,  ///< kind `unsupported`: this driver does not offer the method
};

/// Its name is "ringpull.storage".
const std::error_category& storage_category() noexcept;
std::error_code make_error_code(StorageErrc value) noexcept;

/// Each text begins with the driver's name and names the path: "s3aws: stat /a: path not found".
Error path_not_found(std::string_view driver, std::string_view action, std::string_view path);
Error invalid_path(std::string_view driver, std::string_view action, std::string_view path);
Error invalid_offset(std::string_view driver, std::string_view path, std::uint64_t offset,
                     std::string_view why);
Error unsupported_method(std::string_view driver, std::string_view action);

}  // namespace ringpull::inline v0::s3

template <>
struct std::is_error_code_enum<ringpull::s3::StorageErrc> : std::true_type {};
