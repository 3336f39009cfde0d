#pragma once

// The chunked transfer coding (RFC 9112 7.1), both ways.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/headers.hpp>
#include <ringpull/http/parser_limits.hpp>

namespace ringpull::inline v0::http {

/// What one decoding step made of its input.
struct BodyStep {
  BodyStep() = default;

  /// Bytes of the input that are dealt with; offer only the rest to the next step.
  std::size_t consumed = 0;
  /// Body bytes, a view into the input; may be empty while framing is read.
  std::span<const std::byte> data;
  /// The body is complete and `consumed` ends exactly behind it: further input is not its.
  bool done = false;
};

/// Takes a chunked body apart, without copying. Strict where leniency lets messages be smuggled: 1
/// to 16 hexadecimal digits, then ';' or CRLF, no bare CR or LF anywhere.
///
/// Not built on llhttp, which shows neither the digits of a size nor the blanks behind it, and
/// which in its default build skips the two bytes after a chunk without looking at them.
///
/// S3's aws-chunked content coding has the same form; its signed variant puts a signature into each
/// chunk's extension, which over a large body needs a higher chunk_extension_bytes_max.
class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(const ParserLimits& limits = ParserLimits()) : limits_(limits) {}

  /// Ready for the next body; memory is kept.
  void reset() noexcept;

  /// Consumes framing and at most one run of data; call again while input is left and not done.
  /// Consumes all of the input unless it returns data or done. `protocol` for malformed framing,
  /// `too_large` for extensions or trailers beyond the limits; after an error only reset() helps.
  Result<BodyStep> decode(std::span<const std::byte> in);

  bool done() const noexcept { return state_ == State::done; }
  /// Valid once done. Fields that RFC 9110 6.5.1 forbids there (framing, routing, authentication,
  /// content description) are dropped.
  const Headers& trailers() const noexcept { return trailers_; }

 private:
  enum class State : std::uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer_line,
    trailer_lf,
    end_lf,
    done,
    failed,
  };

  Result<void> framing_byte(char byte);
  Result<void> size_byte(char byte);
  Result<void> extension_byte(char byte);
  Result<void> trailer_byte(char byte);
  Result<void> end_of_trailer();
  tl::unexpected<Error> refuse(ErrorKind kind, std::string_view why);

  ParserLimits limits_;
  State state_ = State::size;
  std::uint8_t size_digits_ = 0;
  std::uint64_t left_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::size_t trailer_count_ = 0;
  std::string line_;
  Headers trailers_;
};

/// Space for the longest chunk head: 16 digits, CR, LF.
inline constexpr std::size_t kChunkHeadBytesMax = 18;
/// Follows each chunk's data.
inline constexpr std::string_view kChunkTail = "\r\n";
/// Ends a chunked body without trailers.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// Writes the line that introduces a chunk of `size_bytes` (> 0: an empty chunk would end the body)
/// into `out` and returns that part of it.
std::string_view write_chunk_head(std::uint64_t size_bytes,
                                  std::span<char, kChunkHeadBytesMax> out) noexcept;

}  // namespace ringpull::inline v0::http
