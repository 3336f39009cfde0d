#pragma once
// How failures are returned, and the macros that hand them on to the caller: in coroutines those
// with CO in their name, since a coroutine cannot `return`.

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include <ringpull/engine/error.hpp>

namespace ringpull::inline v0 {

/// A value or an Error. One fixed type in every language mode and build type; never std::expected.
template <class T>
using Result = tl::expected<T, Error>;

/// Makes the failing state of any Result<T>: `return fail(ErrorKind::io, "...")`.
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error(kind, std::move(message)));
}

}  // namespace ringpull::inline v0

// RINGPULL_TRY(auto x, expression): declares x from the value of a Result, or returns its Error
// from the enclosing function or coroutine. The expression may be `co_await f()`. It expands to
// plain statements, not to a statement expression: GCC miscompiles co_await inside one (GCC bug
// 115851).
#define RINGPULL_TRY_CONCAT_(a, b) a##b
#define RINGPULL_TRY_NAME_(line) RINGPULL_TRY_CONCAT_(ringpull_try_, line)
#define RINGPULL_TRY_IMPL_(name, return_keyword, declaration, ...)     \
  auto name = __VA_ARGS__;                                             \
  if (!name) return_keyword ::ringpull::fail(std::move(name).error()); \
  declaration = std::move(*name)

/// In a coroutine: RINGPULL_CO_TRY(auto n, co_await stream.read_some(buffer));
#define RINGPULL_CO_TRY(declaration, ...) \
  RINGPULL_TRY_IMPL_(RINGPULL_TRY_NAME_(__LINE__), co_return, declaration, __VA_ARGS__)
/// In an ordinary function: RINGPULL_TRY(auto url, Url::parse(text));
#define RINGPULL_TRY(declaration, ...) \
  RINGPULL_TRY_IMPL_(RINGPULL_TRY_NAME_(__LINE__), return, declaration, __VA_ARGS__)

/// The same for Result<void>: RINGPULL_CO_CHECK(file.close_result());
#define RINGPULL_CHECK_IMPL_(return_keyword, ...)                                                \
  do {                                                                                           \
    auto ringpull_outcome = __VA_ARGS__;                                                         \
    if (!ringpull_outcome) return_keyword ::ringpull::fail(std::move(ringpull_outcome).error()); \
  } while (false)
#define RINGPULL_CO_CHECK(...) RINGPULL_CHECK_IMPL_(co_return, __VA_ARGS__)
#define RINGPULL_CHECK(...) RINGPULL_CHECK_IMPL_(return, __VA_ARGS__)
