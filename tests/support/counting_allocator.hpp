#pragma once
// A program that links this file counts its calls of operator new, of which it replaces the global
// one. Not with ThreadSanitizer, whose runtime defines it.

#include <cstddef>

namespace ringpull::testing {

/// Calls so far, of all threads.
std::size_t allocations() noexcept;

}  // namespace ringpull::testing
