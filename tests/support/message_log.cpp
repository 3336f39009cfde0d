#include "tests/support/message_log.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace ringpull::testing {
namespace {

std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Hands out the bytes piece by piece, a piece ending at the next cut.
class Pieces {
 public:
  Pieces(std::string_view bytes, const Cuts& cuts) : bytes_(bytes), cuts_(cuts) {}

  bool empty() const { return at_ == bytes_.size(); }
  std::string_view rest() const { return bytes_.substr(at_); }
  std::string_view next() {
    while (cut_ < cuts_.size() && cuts_[cut_] <= at_) ++cut_;
    const std::size_t end = cut_ < cuts_.size() ? cuts_[cut_] : bytes_.size();
    return bytes_.substr(at_, end - at_);
  }
  void consume(std::size_t count) { at_ += count; }

 private:
  std::string_view bytes_;
  const Cuts& cuts_;
  std::size_t at_ = 0;
  std::size_t cut_ = 0;
};

class Log {
 public:
  template <class... Parts>
  void line(Parts&&... parts) {
    (text_.append(parts), ...);
    text_ += '\n';
  }
  void fields(std::string_view word, const http::Headers& headers) {
    for (const auto field : headers) {
      line(word, " ", escaped(field.name), " = ", escaped(field.value));
    }
  }
  template <class Head>
  void framing(const Head& head, std::string_view extra = {}) {
    const bool counted = head.framing == http::Framing::content_length;
    line("framing ", to_string(head.framing),
         counted ? " " + std::to_string(head.content_length) : "",
         head.keep_alive ? ", keep-alive" : ", close", extra);
  }
  void error(const Error& error) { line("error ", to_string(error.kind()), ": ", error.message()); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void log_head(Log& log, const http::ResponseParser& parser) {
  if (parser.informational_count() > 0) {
    log.line("interim ", std::to_string(parser.informational_count()),
             parser.continue_received() ? " (100 Continue)" : "");
  }
  const auto& head = parser.head();
  log.line("status ", std::to_string(head.status), " \"", escaped(head.reason), "\" HTTP/1.",
           std::to_string(head.version_minor));
  log.fields("field", head.headers);
  log.framing(head);
}

void log_head(Log& log, const http::RequestParser& parser) {
  const auto& head = parser.head();
  log.line("request ", head.method, " ", escaped(head.target), " HTTP/1.",
           std::to_string(head.version_minor));
  log.fields("field", head.headers);
  log.framing(head, head.expect_continue ? ", expects 100-continue" : "");
}

enum class Outcome { complete, starved, failed };

template <class Parser>
Outcome read_head(Parser& parser, Pieces& pieces, Log& log) {
  while (!parser.head_complete()) {
    if (pieces.empty()) return Outcome::starved;
    auto used = parser.feed(as_bytes(pieces.next()));
    if (!used) {
      log.error(used.error());
      return Outcome::failed;
    }
    pieces.consume(*used);
  }
  log_head(log, parser);
  return Outcome::complete;
}

template <class Parser>
Outcome read_body(Parser& parser, Pieces& pieces, std::string& body, Error& error) {
  const auto& head = parser.head();
  if (head.framing == http::Framing::none) return Outcome::complete;
  if (head.framing == http::Framing::content_length) {
    const auto size = static_cast<std::size_t>(
        std::min<std::uint64_t>(pieces.rest().size(), head.content_length));
    body = pieces.rest().substr(0, size);
    pieces.consume(size);
    return size == head.content_length ? Outcome::complete : Outcome::starved;
  }
  while (!pieces.empty()) {
    auto step = parser.decode_body(as_bytes(pieces.next()));
    if (!step) {
      error = std::move(step.error());
      return Outcome::failed;
    }
    body += as_text(step->data);
    pieces.consume(step->consumed);
    if (step->done) return Outcome::complete;
  }
  return Outcome::starved;
}

template <class Parser>
std::string log_of(Parser& parser, const MessageSetup& setup, Pieces pieces) {
  Log log;
  std::string body;
  Error error(ErrorKind::internal, "unset");
  Outcome outcome = read_head(parser, pieces, log);
  if (outcome == Outcome::failed) return log.take();
  if (outcome == Outcome::complete) {
    outcome = read_body(parser, pieces, body, error);
    if (!body.empty()) log.line("body ", escaped(body));
    if (outcome == Outcome::failed) {
      log.error(error);
      return log.take();
    }
  }
  if (outcome == Outcome::complete) {
    log.fields("trailer", parser.trailers());
    log.line("end");
    if (!pieces.empty()) log.line("left ", escaped(pieces.rest()));
    return log.take();
  }
  if (!setup.eof) {
    log.line("more");
    return log.take();
  }
  auto finished = parser.finish_eof();
  if (finished) {
    log.line("end by eof");
  } else {
    log.error(finished.error());
  }
  return log.take();
}

}  // namespace

std::string message_log(const MessageSetup& setup, std::string_view bytes, const Cuts& cuts) {
  if (setup.is_request) {
    http::RequestParser parser(setup.limits);
    return log_of(parser, setup, Pieces(bytes, cuts));
  }
  http::ResponseParser parser(setup.limits);
  parser.start(setup.kind);
  return log_of(parser, setup, Pieces(bytes, cuts));
}

std::string escaped(std::string_view bytes) {
  constexpr std::size_t kShown = 200;
  constexpr char kDigits[] = "0123456789abcdef";
  if (bytes.size() > kShown) {
    return escaped(bytes.substr(0, kShown / 2)) + "...(" + std::to_string(bytes.size()) +
           " bytes)..." + escaped(bytes.substr(bytes.size() - kShown / 2));
  }
  std::string out;
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '\r': out += "\\r"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      case '\0': out += "\\0"; break;
      case '\\': out += "\\\\"; break;
      default:
        if (byte < 0x20 || byte >= 0x7f) {
          out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
        } else {
          out += c;
        }
    }
  }
  return out;
}

}  // namespace ringpull::testing
