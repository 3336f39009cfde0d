#pragma once
// Where the library aborts, it does so by this macro and says why; tests/crash expects the
// messages. Failures that a caller can handle are Results (result.hpp).

namespace ringpull::inline v0::detail {
[[noreturn]] void assertion_failed(const char* what, const char* file, int line) noexcept;
}  // namespace ringpull::inline v0::detail

/// For errors of the programmer, never for errors of the world: on in every build, prints to stderr
/// and aborts.
#define RINGPULL_ASSERT(condition, what) \
  (static_cast<bool>(condition) ? void() \
                                : ::ringpull::detail::assertion_failed(what, __FILE__, __LINE__))
