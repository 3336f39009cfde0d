#pragma once

// Byte ranges: the Range and Content-Range headers of RFC 9110 section 14, single ranges only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::http {

/// A non-empty range of bytes; both ends belong to it, as on the wire.
class ByteRange {
 public:
  /// `invalid_argument` when last < first, or last is the largest 64-bit number (its length would
  /// not be countable).
  static Result<ByteRange> create(std::uint64_t first, std::uint64_t last);
  /// `invalid_argument` when length is 0 or the end does not fit 64 bits.
  static Result<ByteRange> of_length(std::uint64_t first, std::uint64_t length);

  std::uint64_t first() const noexcept { return first_; }
  std::uint64_t last() const noexcept { return last_; }
  std::uint64_t length() const noexcept { return last_ - first_ + 1; }

  /// "bytes=first-last".
  std::string to_range_header() const;
  /// "bytes first-last/total".
  std::string to_content_range_header(std::uint64_t total) const;

  friend bool operator==(const ByteRange&, const ByteRange&) = default;

 private:
  ByteRange(std::uint64_t first, std::uint64_t last) : first_(first), last_(last) {}

  std::uint64_t first_;
  std::uint64_t last_;
};

/// A Content-Range header: "bytes 0-9/100", "bytes 0-9/*" or (with 416) "bytes */100".
struct ContentRange {
  ContentRange() = default;

  /// `protocol` for another unit, other syntax, last < first or last >= total.
  static Result<ContentRange> parse(std::string_view value);

  std::optional<ByteRange> range;
  std::optional<std::uint64_t> total;
};

/// What a server answers to a Range header for a representation of a given size.
struct RangeSelection {
  enum class Kind : std::uint8_t {
    whole,          ///< 200: the header is absent, malformed, of another unit, or asks for several
    partial,        ///< 206 with `range`
    unsatisfiable,  ///< 416 with "bytes */size"
  };
  RangeSelection() = default;

  Kind kind = Kind::whole;
  std::optional<ByteRange> range;
};

/// RFC 9110 14.2: a header that cannot be understood is ignored, an end beyond the representation
/// is cut, a start beyond it is unsatisfiable, "-n" means the last n bytes.
RangeSelection select_range(std::string_view range_header, std::uint64_t size_bytes) noexcept;

}  // namespace ringpull::inline v0::http
