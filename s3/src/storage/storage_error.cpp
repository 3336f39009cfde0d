#include <string>

#include <ringpull/s3/storage_error.hpp>

namespace ringpull::inline v0::s3 {

namespace {

class StorageCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "ringpull.storage"; }
  std::string message(int value) const override {
    switch (static_cast<StorageErrc>(value)) {
      case StorageErrc::path_not_found: return "path not found";
      case StorageErrc::invalid_path: return "invalid path";
      case StorageErrc::invalid_offset: return "invalid offset";
      case StorageErrc::unsupported_method: return "unsupported method";
    }
    return "unknown storage error";
  }
};

std::string text(std::string_view driver, std::string_view action) {
  return std::string(driver) + ": " + std::string(action);
}

}  // namespace

const std::error_category& storage_category() noexcept {
  static const StorageCategory category;
  return category;
}

std::error_code make_error_code(StorageErrc value) noexcept {
  return {static_cast<int>(value), storage_category()};
}

Error path_not_found(std::string_view driver, std::string_view action, std::string_view path) {
  return Error(ErrorKind::not_found,
               text(driver, action) + " " + std::string(path) + ": path not found")
      .with_code(make_error_code(StorageErrc::path_not_found));
}

Error invalid_path(std::string_view driver, std::string_view action, std::string_view path) {
  return Error(ErrorKind::invalid_argument,
               text(driver, action) + " \"" + std::string(path) +
                   "\": invalid path: it must be components of letters, digits, '.', '_' and '-', "
                   "each behind a slash")
      .with_code(make_error_code(StorageErrc::invalid_path));
}

Error invalid_offset(std::string_view driver, std::string_view path, std::uint64_t offset,
                     std::string_view why) {
  return Error(ErrorKind::invalid_argument, text(driver, "read") + " " + std::string(path) +
                                                ": invalid offset " + std::to_string(offset) +
                                                ": " + std::string(why))
      .with_code(make_error_code(StorageErrc::invalid_offset));
}

Error unsupported_method(std::string_view driver, std::string_view action) {
  return Error(ErrorKind::unsupported, text(driver, action) + ": unsupported method")
      .with_code(make_error_code(StorageErrc::unsupported_method));
}

}  // namespace ringpull::inline v0::s3
