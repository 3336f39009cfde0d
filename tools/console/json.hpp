#pragma once
// JSON as commands print it, one value a line. nlohmann-json writes it, behind json.cpp: its header
// costs the compiler seconds in every source that includes it.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace ringpull::tools {

/// A value to print: null, and an object or an array from its first set() or append() on. Keys are
/// printed in alphabetical order.
class Json {
 public:
  Json() : Json(nullptr) {}
  Json(std::nullptr_t);
  Json(bool value);
  Json(double value);
  Json(std::string_view value);
  Json(const std::string& value) : Json(std::string_view(value)) {}
  Json(const char* value) : Json(std::string_view(value)) {}
  template <std::signed_integral T>
  Json(T value) : Json(Signed{value}) {}
  template <std::unsigned_integral T>
  Json(T value) : Json(Unsigned{value}) {}
  static Json object();
  static Json array();
  Json(Json&& other) noexcept;
  Json& operator=(Json&& other) noexcept;
  ~Json();

  void set(std::string_view key, Json value);
  void append(Json value);

  /// The text and a line feed. Keys and header fields need not be UTF-8: what is not becomes
  /// U+FFFD.
  std::string line() const;

 private:
  struct Signed {
    std::int64_t value;
  };
  struct Unsigned {
    std::uint64_t value;
  };
  explicit Json(Signed number);
  explicit Json(Unsigned number);

  std::unique_ptr<nlohmann::json> value_;
};

}  // namespace ringpull::tools
