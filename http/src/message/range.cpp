#include <algorithm>
#include <limits>

#include <ringpull/http/headers.hpp>
#include <ringpull/http/range.hpp>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http {
namespace {

constexpr std::string_view kUnit = "bytes";

tl::unexpected<Error> refuse(std::string_view value, std::string_view why) {
  return fail(ErrorKind::protocol,
              "Content-Range \"" + printable(value) + "\" refused: " + std::string(why));
}

}  // namespace

Result<ByteRange> ByteRange::create(std::uint64_t first, std::uint64_t last) {
  if (last < first || last == std::numeric_limits<std::uint64_t>::max()) {
    return fail(ErrorKind::invalid_argument,
                std::to_string(first) + " to " + std::to_string(last) + " is not a byte range");
  }
  return ByteRange(first, last);
}

Result<ByteRange> ByteRange::of_length(std::uint64_t first, std::uint64_t length) {
  if (length == 0 || length - 1 >= std::numeric_limits<std::uint64_t>::max() - first) {
    return fail(ErrorKind::invalid_argument, std::to_string(length) + " bytes from " +
                                                 std::to_string(first) + " are not a byte range");
  }
  return ByteRange(first, first + length - 1);
}

std::string ByteRange::to_range_header() const {
  return "bytes=" + std::to_string(first_) + "-" + std::to_string(last_);
}

std::string ByteRange::to_content_range_header(std::uint64_t total) const {
  return "bytes " + std::to_string(first_) + "-" + std::to_string(last_) + "/" +
         std::to_string(total);
}

Result<ContentRange> ContentRange::parse(std::string_view value) {
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos || !equal_ignoring_case(value.substr(0, space), kUnit)) {
    return refuse(value, "its unit is not bytes");
  }
  const std::string_view rest = value.substr(space + 1);
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return refuse(value, "it names no total");
  const std::string_view span = rest.substr(0, slash);
  const std::string_view total_text = rest.substr(slash + 1);

  ContentRange parsed;
  std::uint64_t total = 0;
  if (total_text != "*") {
    if (!parse_decimal(total_text, total)) return refuse(value, "its total is not a number");
    parsed.total = total;
  }
  if (span == "*") {
    if (!parsed.total) return refuse(value, "it says nothing");
    return parsed;
  }
  const std::size_t dash = span.find('-');
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (dash == std::string_view::npos || !parse_decimal(span.substr(0, dash), first) ||
      !parse_decimal(span.substr(dash + 1), last)) {
    return refuse(value, "its range is not two numbers");
  }
  const auto range = ByteRange::create(first, last);
  if (!range) return refuse(value, "its range ends before it begins");
  if (parsed.total && last >= *parsed.total) return refuse(value, "its range exceeds its total");
  parsed.range = *range;
  return parsed;
}

RangeSelection select_range(std::string_view range_header, std::uint64_t size_bytes) noexcept {
  const RangeSelection whole;
  const std::size_t equals = range_header.find('=');
  if (equals == std::string_view::npos ||
      !equal_ignoring_case(range_header.substr(0, equals), kUnit)) {
    return whole;
  }
  const std::string_view spec = trim_blanks(range_header.substr(equals + 1));
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return whole;
  const std::string_view first_text = spec.substr(0, dash);
  const std::string_view last_text = spec.substr(dash + 1);

  std::uint64_t first = 0;
  std::uint64_t last = std::numeric_limits<std::int64_t>::max();
  if (first_text.empty()) {
    std::uint64_t suffix = 0;
    if (!parse_decimal(last_text, suffix)) return whole;
    first = suffix < size_bytes ? size_bytes - suffix : 0;
    if (suffix == 0) first = size_bytes;
  } else {
    if (!parse_decimal(first_text, first)) return whole;
    if (!last_text.empty() && !parse_decimal(last_text, last)) return whole;
    if (last < first) return whole;
  }
  RangeSelection selection;
  if (first >= size_bytes) {
    selection.kind = RangeSelection::Kind::unsatisfiable;
    return selection;
  }
  selection.kind = RangeSelection::Kind::partial;
  const auto range = ByteRange::create(first, std::min(last, size_bytes - 1));
  selection.range = *range;
  return selection;
}

}  // namespace ringpull::inline v0::http
