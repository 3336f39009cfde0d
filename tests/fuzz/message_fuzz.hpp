#pragma once

// The properties of both head parsers.

#include <numeric>

#include "tests/fuzz/fuzz.hpp"
#include "tests/support/message_log.hpp"

namespace ringpull::testing {

/// However a message is cut, the log is the same.
inline void check_cuts(const MessageSetup& setup, std::string_view bytes) {
  if (bytes.empty()) return;
  const std::string whole = message_log(setup, bytes, {});
  Cuts every(bytes.size() - 1);
  std::iota(every.begin(), every.end(), 1);
  const std::string single = message_log(setup, bytes, every);
  require(single == whole, "byte by byte:\n" + single + "but whole:\n" + whole);
  const std::string cut = message_log(setup, bytes, some_cuts(bytes));
  require(cut == whole, "cut:\n" + cut + "but whole:\n" + whole);
}

/// Limits that small inputs reach.
inline http::ParserLimits tight_limits() {
  http::ParserLimits limits;
  limits.header_bytes_max = 100;
  limits.header_count_max = 3;
  limits.request_line_bytes_max = 24;
  limits.reason_bytes_max = 8;
  limits.informational_max = 1;
  limits.chunk_extension_bytes_max = 4;
  limits.trailer_bytes_max = 8;
  return limits;
}

/// An accepted head holds nothing that could end a line early, can be written, and is read back the
/// same.
template <class Parser>
void check_head(Parser parser, std::string_view bytes) {
  auto used = parser.feed(as_bytes(bytes));
  if (!used || !parser.head_complete()) return;
  std::string written;
  require(write_head(parser.head(), written).has_value(), "an accepted head can be written");
  require(parser.head().headers.wire().find('\0') == std::string_view::npos, "no NUL in a head");

  const std::string fields(parser.head().headers.wire());
  const auto framing = parser.head().framing;
  const auto length = parser.head().content_length;
  const bool version_1_1 = parser.head().version_minor == 1;
  parser.start();
  auto again = parser.feed(as_bytes(written));
  if (!version_1_1) return;  // write_head writes 1.1, where other rules hold
  require(again && *again == written.size() && parser.head_complete(),
          "a head written can be read");
  require(parser.head().headers.wire() == fields, "its fields are the same");
  require(parser.head().framing == framing && parser.head().content_length == length,
          "its framing is the same");
}

}  // namespace ringpull::testing
