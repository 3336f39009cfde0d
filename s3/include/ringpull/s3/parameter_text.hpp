#pragma once
// Parameters of a configuration on their way from text to values: for whoever reads a part of one.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::s3 {

/// A scalar of a configuration as it was written, quotes removed.
struct ParameterText {
  ParameterText() = default;
  ParameterText(std::string text_in, std::string origin_in)
      : text(std::move(text_in)), origin(std::move(origin_in)) {}

  /// Absent for YAML's null, which means the default.
  std::optional<std::string> text;
  /// Where it was written, for messages: "config.yml:12".
  std::string origin;
};

/// What stands below `storage.s3`, or below the `options` of a middleware.
using ParameterMap = std::map<std::string, ParameterText, std::less<>>;

/// What was read, and what its author should know although it works: one sentence each, beginning
/// with its origin, for the program to show.
template <class T>
class WithWarnings {
 public:
  WithWarnings() = default;

  T value;
  std::vector<std::string> warnings;
};

/// `invalid_argument` for the first parameter that is none of `names`; the text names the nearest.
Result<void> check_parameter_names(const ParameterMap& parameters,
                                   std::span<const std::string_view> names);

/// What is not printed when it is wrong.
enum class Secrecy : bool { open, secret };

enum class LetterCase : bool { exact, any };

/// A parameter that is given. Its functions are `invalid_argument` with a text that names origin,
/// parameter, value and what is allowed.
class GivenParameter {
 public:
  GivenParameter(std::string_view name_in, std::string_view text_in, std::string_view origin_in,
                 Secrecy secrecy_in)
      : name(name_in), text(text_in), origin(origin_in), secrecy(secrecy_in) {}

  Error refuse(std::string_view allowed) const;
  /// "config.yml:12: parameter duration: ", for a warning.
  std::string place() const;

  /// What YAML 1.1 and Go's strconv.ParseBool take: true, yes, on, y, t, 1 and their opposites, in
  /// lower case, upper case or with a capital.
  Result<bool> boolean() const;
  /// Decimal or 0x..., nothing around it.
  Result<std::uint64_t> count(std::uint64_t least, std::uint64_t most) const;
  /// As count, also with KiB, MiB or GiB behind it.
  Result<std::uint64_t> size(std::uint64_t least, std::uint64_t most) const;
  /// As in duration_text.hpp.
  Result<std::chrono::nanoseconds> duration(std::chrono::nanoseconds least,
                                            std::chrono::nanoseconds most) const;
  /// The index of the text among `choices`.
  Result<std::size_t> choice(std::span<const std::string_view> choices,
                             LetterCase letter_case) const;
  /// Printable ASCII, as a header takes it.
  Result<std::string> header_text() const;

  std::string_view name;
  std::string_view text;
  std::string_view origin;
  Secrecy secrecy;
};

/// "5242880 bytes (5MiB)"; without the second form where no unit divides it.
std::string size_text(std::uint64_t bytes);

/// The one of `names` with the fewest letters to insert or remove; case, '_' and '-' do not count.
std::string_view nearest_name(std::string_view text, std::span<const std::string_view> names);

}  // namespace ringpull::inline v0::s3
