#pragma once

// The head of one message: HeadScanner's verdict on the bytes, then llhttp's division into parts.

#include <cstddef>
#include <llhttp.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/headers.hpp>
#include <ringpull/http/parser_limits.hpp>

#include "http/src/message/head_scanner.hpp"

namespace ringpull::inline v0::http::detail {

/// Does not move: llhttp holds a pointer to it.
class HeadParser {
 public:
  HeadParser(MessageType type, const ParserLimits& limits);
  HeadParser(const HeadParser&) = delete;
  HeadParser& operator=(const HeadParser&) = delete;

  /// Fields go to `headers`, the reason phrase or the request target to `text`; both are cleared
  /// now and must stay in place until the head is complete.
  void start(Headers& headers, std::string& text);

  /// Takes all of `in`, or what belongs to the head, and says how much.
  Result<std::size_t> feed(std::span<const std::byte> in);

  bool complete() const noexcept { return complete_; }
  bool in_start_line() const noexcept { return scanner_.in_start_line(); }
  std::size_t bytes_seen() const noexcept { return scanner_.bytes_seen(); }
  int version_minor() const noexcept { return scanner_.version_minor(); }
  int status() noexcept { return llhttp_get_status_code(&llhttp_); }
  std::string_view method() noexcept;
  /// llhttp's lenient switches; a test holds them to 0.
  unsigned lenient_flags() const noexcept { return llhttp_.lenient_flags; }

 private:
  struct Callbacks;

  Result<void> tokenise(std::string_view bytes);

  HeadScanner scanner_;
  llhttp_t llhttp_;
  Headers* headers_ = nullptr;
  std::string* text_ = nullptr;
  const char* refusal_ = nullptr;  // why a callback of ours said no
  bool in_name_ = false;
  bool complete_ = false;
};

}  // namespace ringpull::inline v0::http::detail
