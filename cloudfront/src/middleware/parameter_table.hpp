#pragma once
// Reading a middleware's options by a table of their names.

#include <array>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/parameter_text.hpp>

namespace ringpull::inline v0::cloudfront::detail {

using s3::GivenParameter;

/// A parameter's name and what puts its value into `Values`.
template <class Values>
struct Parameter {
  std::string_view name;
  Result<void> (*read)(Values& values, const GivenParameter& given);
};

template <class Values, std::size_t count>
constexpr std::array<std::string_view, count> names_of(const Parameter<Values> (&table)[count]) {
  std::array<std::string_view, count> names;
  for (std::size_t i = 0; i < count; ++i) names[i] = table[i].name;
  return names;
}

/// Reads what is given, in the order of the table; nulls are not.
template <class Values, std::size_t count>
Result<void> read_table(const Parameter<Values> (&table)[count], const s3::ParameterMap& parameters,
                        Values& values) {
  RINGPULL_CHECK(s3::check_parameter_names(parameters, names_of(table)));
  for (const Parameter<Values>& parameter : table) {
    auto found = parameters.find(parameter.name);
    if (found == parameters.end() || !found->second.text) continue;
    GivenParameter given(parameter.name, *found->second.text, found->second.origin,
                         s3::Secrecy::open);
    RINGPULL_CHECK(parameter.read(values, given));
  }
  return {};
}

inline tl::unexpected<Error> missing(std::string_view origin, std::string_view name,
                                     std::string_view what) {
  return fail(ErrorKind::invalid_argument, std::string(origin) + ": parameter " +
                                               std::string(name) +
                                               " is missing: " + std::string(what));
}

}  // namespace ringpull::inline v0::cloudfront::detail
