#pragma once

// What the HTTP parsers make of some bytes, as text: the same for every way the bytes are cut into
// pieces. Golden tests compare it with a written log, fuzzers with the log of another cut.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/http/parser.hpp>

namespace ringpull::testing {

struct MessageSetup {
  MessageSetup() = default;

  bool is_request = false;
  http::RequestKind kind = http::RequestKind::ordinary;
  http::ParserLimits limits;
  /// The connection ends behind the bytes.
  bool eof = false;
};

/// Offsets at which the bytes are cut: ascending, each below the size.
using Cuts = std::vector<std::size_t>;

/// One line per event, each ended by '\n':
///
///     interim 1 (100 Continue)       there were 1xx responses, and which kind
///     status 200 "OK" HTTP/1.1       or: request PUT /key HTTP/1.1
///     field Name = value             each in order
///     framing chunked, keep-alive    or: content_length 5, close; ", expects 100-continue"
///     body hello                     all data in one line
///     trailer Name = value
///     end                            or: end by eof
///     left GET /                     bytes behind the message
///     more                           or: the bytes ended before the message did
///     error protocol: what           instead of anything that would follow
std::string message_log(const MessageSetup& setup, std::string_view bytes, const Cuts& cuts);

/// Text as the logs show it: CR, LF, tab, NUL, backslash and bytes outside ASCII escaped, the
/// middle of more than 200 bytes left out.
std::string escaped(std::string_view bytes);

}  // namespace ringpull::testing
