#pragma once
// One parameter's text on its way to a value.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::s3::driver {

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

  /// What YAML 1.1 and Go's strconv.ParseBool take: true, yes, on, y, t, 1 and their opposites, in
  /// lower case, upper case or with a capital.
  Result<bool> boolean() const;
  /// Decimal or 0x..., nothing around it.
  Result<std::uint64_t> count(std::uint64_t least, std::uint64_t most) const;
  /// As count, also with KiB, MiB or GiB behind it.
  Result<std::uint64_t> size(std::uint64_t least, std::uint64_t most) const;
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

}  // namespace ringpull::inline v0::s3::driver
