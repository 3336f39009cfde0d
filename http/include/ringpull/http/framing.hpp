#pragma once
// The words for how a body ends, apart from parser.hpp so that heads can have them without the
// parsers. The decision is made in http/src/message/framing.cpp.

#include <cstdint>
#include <string_view>

namespace ringpull::inline v0::http {

/// How a message's body ends (RFC 9112 6.3).
enum class Framing : std::uint8_t {
  none,            ///< there is no body: the message ends with its head
  content_length,  ///< after the announced number of bytes, possibly 0
  chunked,         ///< with the last chunk and the trailers
  until_close,     ///< with the connection; responses only
};

std::string_view to_string(Framing framing) noexcept;

}  // namespace ringpull::inline v0::http
