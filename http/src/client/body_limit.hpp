#pragma once
// One wording for every read with a limit: Response's own and those of body_sinks.hpp.

#include <cstdint>
#include <string>

#include <ringpull/engine/error.hpp>

namespace ringpull::inline v0::http {

inline Error body_too_large(std::uint64_t limit_bytes) {
  return Error(ErrorKind::too_large,
               "the body is larger than the " + std::to_string(limit_bytes) + " bytes allowed");
}

}  // namespace ringpull::inline v0::http
