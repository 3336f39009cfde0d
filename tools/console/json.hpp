#pragma once
// JSON as commands print it, one value a line. nlohmann-json writes it, behind json.cpp: its header
// costs the compiler seconds in every source that includes it.

#include <concepts>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace ringpull::tools {

/// A value to print: null, and an object or an array from its first set() or append() on. Keys are
/// printed in alphabetical order. One that was moved from may only be destroyed or assigned to.
class Json {
 public:
  Json();
  Json(std::same_as<bool> auto value) : Json(Truth{value}) {}
  Json(double value);
  Json(std::string_view value);
  Json(const std::string& value) : Json(std::string_view(value)) {}
  Json(const char* value) : Json(std::string_view(value)) {}
  Json(std::signed_integral auto value) : Json(Signed{value}) {}
  Json(std::unsigned_integral auto value)
    requires(!std::same_as<decltype(value), bool>)
      : Json(Unsigned{value}) {}
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
  struct Truth {
    bool value;
  };
  struct Signed {
    std::int64_t value;
  };
  struct Unsigned {
    std::uint64_t value;
  };
  explicit Json(Truth truth);
  explicit Json(Signed number);
  explicit Json(Unsigned number);

  std::unique_ptr<nlohmann::json> value_;
};

}  // namespace ringpull::tools
