#pragma once

// The first of the two passes over a head: line discipline, versions and limits, on the raw bytes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <ringpull/engine/error.hpp>
#include <ringpull/http/parser_limits.hpp>

namespace ringpull::inline v0::http::detail {

enum class MessageType : std::uint8_t { request, response };

/// Walks over a head byte by byte (in effect) and stops at its end or at the first byte that
/// HTTP/1.1 does not allow there: a bare CR or LF, a control character, a folded line, a start line
/// that is not of HTTP/1.0 or 1.1. llhttp lets some of these pass, which ones depends on its
/// version and on how it was built, so nothing here is left to it. The verdict does not depend on
/// how the bytes were split.
class HeadScanner {
 public:
  HeadScanner(MessageType type, const ParserLimits& limits) : type_(type), limits_(limits) {}

  void reset() noexcept;

  struct Scan {
    std::size_t accepted = 0;  ///< bytes that are fine; the next one is not when `error` is set
    bool complete = false;     ///< the last accepted byte ends the head
    std::optional<Error> error;
  };
  Scan scan(std::string_view in);

  bool in_start_line() const noexcept { return line_ == 0; }
  std::size_t bytes_seen() const noexcept { return bytes_; }
  int version_minor() const noexcept { return version_minor_; }

 private:
  struct Fault {
    ErrorKind kind;
    std::string_view why;
  };

  std::optional<Fault> content(std::string_view piece, std::size_t& good);
  std::optional<Fault> start_line(std::string_view piece, std::size_t& good);
  std::optional<Fault> status_line_byte(char c);
  std::optional<Fault> request_line_byte(char c);
  std::optional<Fault> version_byte(std::size_t column, char c);
  std::optional<Fault> line_break();
  std::optional<Fault> end_of_line(bool& complete);
  Error describe(Fault fault) const;

  MessageType type_;
  ParserLimits limits_;
  std::size_t bytes_ = 0;   // of the head so far
  std::size_t line_ = 0;    // 0 is the start line
  std::size_t column_ = 0;  // content bytes of the current line so far
  std::size_t part_ = 0;    // of the request line: method, target, version
  std::size_t part_column_ = 0;
  int version_minor_ = 1;
  bool after_cr_ = false;
  bool empty_line_skipped_ = false;
};

}  // namespace ringpull::inline v0::http::detail
