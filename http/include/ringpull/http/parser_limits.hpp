#pragma once
// The bounds that client, server and chunked decoder take. Apart from parser.hpp, so that options
// can hold them without the parsers.

#include <cstddef>

namespace ringpull::inline v0::http {

/// What a peer may make us hold or read; beyond each the parsers fail with `too_large`. Memory per
/// parser is bounded by about twice header_bytes_max plus trailer_bytes_max.
struct ParserLimits {
  ParserLimits() = default;

  /// One head, start line included. S3 sends below 1 KiB plus up to 2 KiB of user metadata; proxies
  /// add cookies and policies: 64 KiB is what nginx and hyper stay under.
  std::size_t header_bytes_max = 64 * 1024;
  /// Fields in one head, and in the trailers. S3 sends about 15; hyper stops at 100.
  std::size_t header_count_max = 128;
  /// A request's method, target and version. A presigned URL of a 1024-byte UTF-8 key fits 6 KiB.
  std::size_t request_line_bytes_max = 16 * 1024;
  /// A status line's reason phrase: nobody needs more than a sentence.
  std::size_t reason_bytes_max = 512;
  /// Interim (1xx) responses before the final one.
  std::size_t informational_max = 16;
  /// Chunk extensions summed over one body; nobody we know sends any. hyper's figure.
  std::size_t chunk_extension_bytes_max = 16 * 1024;
  /// The trailer section of one chunked body. hyper's figure.
  std::size_t trailer_bytes_max = 16 * 1024;
};

}  // namespace ringpull::inline v0::http
