#include <string>
#include <utility>

#include <ringpull/engine/assert.hpp>
#include <ringpull/http/parser.hpp>

#include "http/src/message/framing.hpp"
#include "http/src/message/head_parser.hpp"

namespace ringpull::inline v0::http {

using detail::HeadParser;
using detail::MessageType;

namespace {

tl::unexpected<Error> ended_early(bool nothing_received, std::string_view what) {
  if (nothing_received) {
    return fail(ErrorKind::connection_closed,
                "the connection ended before a byte of the " + std::string(what) + " came");
  }
  return fail(ErrorKind::truncated,
              "the connection ended in the middle of the " + std::string(what));
}

}  // namespace

struct ResponseParser::Impl {
  explicit Impl(const ParserLimits& given)
      : limits(given), parser(MessageType::response, given), chunked(given) {}

  void begin_head() { parser.start(head.headers, head.reason); }
  Result<void> end_head();

  ParserLimits limits;
  HeadParser parser;
  ChunkedDecoder chunked;
  ResponseHead head;
  RequestKind kind = RequestKind::ordinary;
  std::size_t informational = 0;
  bool continue_received = false;
  bool head_complete = false;
};

ResponseParser::ResponseParser(const ParserLimits& limits) : impl_(std::make_unique<Impl>(limits)) {
  start();
}
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;
ResponseParser::~ResponseParser() = default;

void ResponseParser::start(RequestKind kind) {
  impl_->head.clear();
  impl_->begin_head();
  impl_->chunked.reset();
  impl_->kind = kind;
  impl_->informational = 0;
  impl_->continue_received = false;
  impl_->head_complete = false;
}

Result<std::size_t> ResponseParser::feed(std::span<const std::byte> in) {
  RINGPULL_ASSERT(!impl_->head_complete, "ResponseParser::feed after the head is complete");
  std::size_t used = 0;
  while (used < in.size() && !impl_->head_complete) {
    RINGPULL_TRY(const std::size_t step, impl_->parser.feed(in.subspan(used)));
    used += step;
    if (impl_->parser.complete()) {
      RINGPULL_CHECK(impl_->end_head());
    }
  }
  return used;
}

// A head is whole: the final one, or an interim one with another behind it.
Result<void> ResponseParser::Impl::end_head() {
  head.status = parser.status();
  head.version_minor = parser.version_minor();
  if (head.status >= 200) {
    head_complete = true;
    return detail::frame_response(kind, head);
  }
  if (head.status == 101) {
    return fail(ErrorKind::protocol,
                "the server switches protocols (101), which nobody asked it to");
  }
  if (++informational > limits.informational_max) {
    return fail(ErrorKind::too_large, "more interim (1xx) responses than informational_max");
  }
  continue_received = continue_received || head.status == 100;
  begin_head();
  return {};
}

bool ResponseParser::head_complete() const noexcept { return impl_->head_complete; }
ResponseHead& ResponseParser::head() noexcept { return impl_->head; }
const ResponseHead& ResponseParser::head() const noexcept { return impl_->head; }
std::size_t ResponseParser::informational_count() const noexcept { return impl_->informational; }
bool ResponseParser::continue_received() const noexcept { return impl_->continue_received; }
bool ResponseParser::nothing_received() const noexcept {
  return impl_->informational == 0 && impl_->parser.bytes_seen() == 0;
}
const Headers& ResponseParser::trailers() const noexcept { return impl_->chunked.trailers(); }

Result<BodyStep> ResponseParser::decode_body(std::span<const std::byte> in) {
  RINGPULL_ASSERT(impl_->head_complete, "ResponseParser::decode_body before the head is complete");
  if (impl_->head.framing == Framing::chunked) return impl_->chunked.decode(in);
  RINGPULL_ASSERT(impl_->head.framing == Framing::until_close,
                  "ResponseParser::decode_body for a body of known length");
  BodyStep step;
  step.consumed = in.size();
  step.data = in;
  return step;
}

Result<void> ResponseParser::finish_eof() {
  if (impl_->head_complete && impl_->head.framing == Framing::until_close) return {};
  return ended_early(nothing_received(), "response");
}

struct RequestParser::Impl {
  explicit Impl(const ParserLimits& limits)
      : parser(MessageType::request, limits), chunked(limits) {}

  HeadParser parser;
  ChunkedDecoder chunked;
  RequestHead head;
};

RequestParser::RequestParser(const ParserLimits& limits) : impl_(std::make_unique<Impl>(limits)) {
  start();
}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

void RequestParser::start() {
  impl_->head.clear();
  impl_->parser.start(impl_->head.headers, impl_->head.target);
  impl_->chunked.reset();
}

Result<std::size_t> RequestParser::feed(std::span<const std::byte> in) {
  RINGPULL_ASSERT(!head_complete(), "RequestParser::feed after the head is complete");
  RINGPULL_TRY(const std::size_t used, impl_->parser.feed(in));
  if (!head_complete()) return used;
  impl_->head.method = impl_->parser.method();
  impl_->head.version_minor = impl_->parser.version_minor();
  RINGPULL_CHECK(detail::frame_request(impl_->head));
  return used;
}

bool RequestParser::head_complete() const noexcept { return impl_->parser.complete(); }
bool RequestParser::in_request_line() const noexcept { return impl_->parser.in_start_line(); }
bool RequestParser::nothing_received() const noexcept { return impl_->parser.bytes_seen() == 0; }
RequestHead& RequestParser::head() noexcept { return impl_->head; }
const RequestHead& RequestParser::head() const noexcept { return impl_->head; }
const Headers& RequestParser::trailers() const noexcept { return impl_->chunked.trailers(); }

Result<BodyStep> RequestParser::decode_body(std::span<const std::byte> in) {
  RINGPULL_ASSERT(head_complete() && impl_->head.framing == Framing::chunked,
                  "RequestParser::decode_body for a body that is not chunked");
  return impl_->chunked.decode(in);
}

Result<void> RequestParser::finish_eof() { return ended_early(nothing_received(), "request"); }

}  // namespace ringpull::inline v0::http
