#include "http/src/message/head_scanner.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http::detail {
namespace {

// "HTTP/1.1 200": what stands before the blank and the reason phrase.
constexpr std::size_t kVersionBytes = 8;
constexpr std::size_t kStatusEnd = 12;

constexpr std::size_t kTargetPart = 1;
constexpr std::size_t kVersionPart = 2;

}  // namespace

void HeadScanner::reset() noexcept { *this = HeadScanner(type_, limits_); }

HeadScanner::Scan HeadScanner::scan(std::string_view in) {
  Scan result;
  const std::size_t room = limits_.header_bytes_max - bytes_;
  const bool beyond_limit = in.size() > room;
  if (beyond_limit) in = in.substr(0, room);

  std::optional<Fault> fault;
  std::size_t at = 0;
  while (at < in.size() && !fault && !result.complete) {
    if (after_cr_) {
      if (in[at] != '\n') {
        fault = Fault{ErrorKind::protocol, "a CR without its LF"};
      } else {
        fault = end_of_line(result.complete);
        ++at;
      }
      continue;
    }
    const void* cr = std::memchr(in.data() + at, '\r', in.size() - at);
    const std::size_t end =
        cr == nullptr ? in.size()
                      : static_cast<std::size_t>(static_cast<const char*>(cr) - in.data());
    std::size_t good = 0;
    fault = content(in.substr(at, end - at), good);
    at += good;
    if (!fault && cr != nullptr) {
      fault = line_break();
      if (!fault) ++at;
    }
  }
  bytes_ += at;
  result.accepted = at;
  if (!fault && !result.complete && beyond_limit) {
    fault = Fault{ErrorKind::too_large, "it is longer than header_bytes_max"};
  }
  if (fault) result.error = describe(*fault);
  return result;
}

// Content of a line: `good` bytes of it are fine, and the next one is at fault if a fault is
// returned.
std::optional<HeadScanner::Fault> HeadScanner::content(std::string_view piece, std::size_t& good) {
  if (piece.empty()) return std::nullopt;
  if (line_ == 0) return start_line(piece, good);
  if (column_ == 0) {
    if (is_blank(piece.front())) return Fault{ErrorKind::protocol, "a folded header line"};
    if (line_ > limits_.header_count_max) {
      return Fault{ErrorKind::too_large, "it has more fields than header_count_max"};
    }
  }
  if (has_control(piece)) {
    while (!is_control(piece[good])) ++good;
    column_ += good;
    if (piece[good] == '\n') return Fault{ErrorKind::protocol, "an LF without its CR"};
    return Fault{ErrorKind::protocol, "a control character in a header line"};
  }
  good = piece.size();
  column_ += good;
  return std::nullopt;
}

std::optional<HeadScanner::Fault> HeadScanner::start_line(std::string_view piece,
                                                          std::size_t& good) {
  while (good < piece.size()) {
    if (part_ == kTargetPart) {
      // The one long part, so in one go.
      const std::size_t room = limits_.request_line_bytes_max - column_;
      const auto rest = piece.substr(good, room);
      const auto end = std::find_if_not(rest.begin(), rest.end(), is_visible);
      const auto run = static_cast<std::size_t>(end - rest.begin());
      good += run;
      column_ += run;
      part_column_ += run;
      if (good == piece.size()) return std::nullopt;
    }
    auto fault = type_ == MessageType::response ? status_line_byte(piece[good])
                                                : request_line_byte(piece[good]);
    if (fault) return fault;
    ++good;
    ++column_;
  }
  return std::nullopt;
}

std::optional<HeadScanner::Fault> HeadScanner::version_byte(std::size_t column, char c) {
  constexpr std::string_view kPrefix = "HTTP/1.";
  static_assert(kPrefix.size() + 1 == kVersionBytes);
  if (column < kPrefix.size()) {
    if (c == kPrefix[column]) return std::nullopt;
    if (column >= 5)
      return Fault{ErrorKind::protocol, "a version other than HTTP/1.0 and HTTP/1.1"};
    return Fault{ErrorKind::protocol, "no HTTP version where one belongs"};
  }
  if (column >= kVersionBytes || (c != '0' && c != '1')) {
    return Fault{ErrorKind::protocol, "a version other than HTTP/1.0 and HTTP/1.1"};
  }
  version_minor_ = c - '0';
  return std::nullopt;
}

std::optional<HeadScanner::Fault> HeadScanner::status_line_byte(char c) {
  if (column_ == 0 && c == '\x15') {
    return Fault{ErrorKind::protocol, "a TLS alert: the port wants https"};
  }
  if (column_ < kVersionBytes) return version_byte(column_, c);
  if (column_ == kVersionBytes || column_ == kStatusEnd) {
    if (c == ' ') return std::nullopt;
    return Fault{ErrorKind::protocol, "no space around the status code"};
  }
  if (column_ < kStatusEnd) {
    const bool first = column_ == kVersionBytes + 1;
    if (is_digit(c) && !(first && c == '0')) return std::nullopt;
    return Fault{ErrorKind::protocol, "a status code that is not three digits from 100"};
  }
  if (c == '\n') return Fault{ErrorKind::protocol, "an LF without its CR"};
  if (is_control(c)) return Fault{ErrorKind::protocol, "a control character in the status line"};
  if (column_ > kStatusEnd + limits_.reason_bytes_max) {
    return Fault{ErrorKind::too_large, "its reason phrase is longer than reason_bytes_max"};
  }
  return std::nullopt;
}

std::optional<HeadScanner::Fault> HeadScanner::request_line_byte(char c) {
  if (column_ >= limits_.request_line_bytes_max) {
    return Fault{ErrorKind::too_large, "its request line is longer than request_line_bytes_max"};
  }
  if (c == ' ') {
    if (part_column_ == 0 || part_ == kVersionPart) {
      return Fault{ErrorKind::protocol, "a stray space in the request line"};
    }
    ++part_;
    part_column_ = 0;
    return std::nullopt;
  }
  if (c == '\n') return Fault{ErrorKind::protocol, "an LF without its CR"};
  if (part_ < kTargetPart && !is_token_char(c)) {
    return Fault{ErrorKind::protocol, "a method that is no token"};
  }
  if (!is_visible(c))
    return Fault{ErrorKind::protocol, "a request target that is not visible ASCII"};
  if (part_ == kVersionPart) {
    if (auto fault = version_byte(part_column_, c)) return fault;
  }
  ++part_column_;
  return std::nullopt;
}

// At a CR: is the line whole?
std::optional<HeadScanner::Fault> HeadScanner::line_break() {
  after_cr_ = true;
  if (line_ > 0) return std::nullopt;
  if (type_ == MessageType::response) {
    if (column_ >= kStatusEnd) return std::nullopt;
    return Fault{ErrorKind::protocol, "a status line that ends too early"};
  }
  if (column_ == 0 && !empty_line_skipped_) return std::nullopt;
  if (part_ == kVersionPart && part_column_ == kVersionBytes) return std::nullopt;
  return Fault{ErrorKind::protocol, "a request line that ends too early"};
}

std::optional<HeadScanner::Fault> HeadScanner::end_of_line(bool& complete) {
  after_cr_ = false;
  if (column_ == 0) {
    if (line_ > 0) {
      complete = true;
    } else {
      empty_line_skipped_ = true;
    }
    return std::nullopt;
  }
  ++line_;
  column_ = 0;
  return std::nullopt;
}

Error HeadScanner::describe(Fault fault) const {
  std::string text = type_ == MessageType::response ? "response" : "request";
  text += fault.kind == ErrorKind::too_large ? " head refused: " : " head malformed: ";
  text += fault.why;
  text += " (byte " + std::to_string(bytes_) + ")";
  return Error(fault.kind, std::move(text));
}

}  // namespace ringpull::inline v0::http::detail
