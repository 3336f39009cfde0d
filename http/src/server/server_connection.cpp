#include "http/src/server/server_connection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/http/date.hpp>

#include "http/src/message/text.hpp"
#include "http/src/wire/time_limit.hpp"

namespace ringpull::inline v0::http {

using engine::Deadline;
using engine::Duration;
using engine::Task;

namespace {

constexpr std::size_t kPiecesAtOnce = 7;

/// The Date header, made anew at most once a second.
const std::string& date_now() {
  thread_local std::chrono::sys_seconds made{};
  thread_local std::string text;
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (text.empty() || now != made) {
    made = now;
    text = format_http_date(now);
  }
  return text;
}

/// Announces the size of the body, or holds what the handler announced against it.
Result<void> frame(ResponseHead& head, std::uint64_t size, bool suppressed) {
  if (head.headers.contains("Transfer-Encoding")) {
    return fail(ErrorKind::invalid_argument, "a response of known length has no Transfer-Encoding");
  }
  auto announced = head.headers.get("Content-Length");
  if (announced) {
    std::uint64_t length = 0;
    if (suppressed || (parse_decimal(*announced, length) && length == size)) return {};
    return fail(ErrorKind::invalid_argument,
                "the Content-Length given is not the size of the response body");
  }
  if (head.status == 204 || head.status == 304) return {};
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size).ptr;
  head.headers.add("Content-Length", std::string_view(digits.data(), end));
  return {};
}

}  // namespace

ServerConnection::ServerConnection(Transport transport, const ServerOptions& options)
    : transport_(std::move(transport)),
      options_(options),
      parser_(options.parser),
      receive_(new std::byte[kReceiveBytes]) {}

Task<void> ServerConnection::run(Handler& handler) {
  while (keep_) {
    auto received = co_await receive_request();
    if (!received) {
      auto refused = co_await refuse(received.error());
      if (!refused) co_return;
      break;
    }
    auto answered = co_await exchange(handler);
    if (!answered) co_return;
  }
  bool unread = !body_done_ || begin_ != end_;
  if (unread) co_await linger();
}

Task<Result<void>> ServerConnection::receive_request() {
  parser_.start();
  while (true) {
    if (begin_ < end_) {
      RINGPULL_CO_TRY(std::size_t used, parser_.feed(buffered()));
      begin_ += used;
      if (parser_.head_complete()) break;
    }
    Duration limit = parser_.nothing_received() ? options_.idle : options_.stall;
    RINGPULL_CO_CHECK(co_await fill(limit));
  }
  const RequestHead& head = parser_.head();
  keep_ = head.keep_alive;
  body_left_ = head.framing == Framing::content_length ? head.content_length : 0;
  body_done_ = head.framing != Framing::chunked && body_left_ == 0;
  continue_due_ = head.expect_continue;
  answer_ = Answer::none;
  co_return Result<void>();
}

Task<Result<void>> ServerConnection::exchange(Handler& handler) {
  Exchange exchange(*this);
  auto handled = co_await handler.handle(exchange);
  if (answer_ == Answer::none) {
    keep_ = false;
    ResponseHead head(500);
    std::span<const ConstBytes> nothing;
    co_return co_await respond(head, nothing);
  }
  if (!handled) co_return handled;
  if (answer_ != Answer::done) {
    co_return fail(ErrorKind::internal, "the handler did not end its response");
  }
  if (keep_ && !body_done_) {
    auto drained = co_await drain();
    keep_ = drained.has_value();
  }
  co_return Result<void>();
}

/// Tells the client what was wrong with its request, where it can still hear.
Task<Result<void>> ServerConnection::refuse(const Error& error) {
  int status = 0;
  switch (error.kind()) {
    case ErrorKind::protocol: status = 400; break;
    case ErrorKind::too_large: status = parser_.in_request_line() ? 414 : 431; break;
    case ErrorKind::unsupported: status = 501; break;
    default: co_return fail(error);
  }
  keep_ = false;
  body_done_ = false;  // nobody knows what still comes
  continue_due_ = false;
  answer_ = Answer::none;
  ResponseHead head(status);
  std::span<const ConstBytes> nothing;
  co_return co_await respond(head, nothing);
}

Task<Result<void>> ServerConnection::fill(Duration limit) {
  engine::Context& context = co_await engine::current_context();
  if (begin_ == end_) begin_ = end_ = 0;
  MutableBytes space(receive_.get() + end_, kReceiveBytes - end_);
  Deadline deadline = Deadline::after(limit);
  auto received = co_await engine::with_deadline(deadline, transport_.read_some(space));
  if (!received) {
    if (is_own_limit(received.error(), context)) co_return fail(stalled("receive", limit, 0));
    co_return fail(std::move(received).error());
  }
  if (*received == 0) co_return parser_.finish_eof();
  end_ += *received;
  co_return Result<void>();
}

std::size_t ServerConnection::take_buffered(std::size_t size_max, std::byte* out) noexcept {
  std::size_t size = std::min(size_max, buffered().size());
  if (size > 0) std::memcpy(out, buffered().data(), size);
  begin_ += size;
  return size;
}

void ServerConnection::count_body(std::uint64_t bytes) noexcept {
  body_left_ -= bytes;
  body_done_ = body_left_ == 0;
}

Task<Result<std::size_t>> ServerConnection::read_some(MutableBytes out) {
  if (body_done_ || out.empty()) co_return std::size_t{0};
  if (continue_due_) {
    continue_due_ = false;
    ConstBytes go_on = bytes_of("HTTP/1.1 100 Continue\r\n\r\n");
    RINGPULL_CO_CHECK(co_await write(std::span(&go_on, 1)));
  }
  bool known = parser_.head().framing == Framing::content_length;
  while (true) {
    if (begin_ == end_) RINGPULL_CO_CHECK(co_await fill(options_.stall));
    if (known) {
      auto most = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), body_left_));
      std::size_t size = take_buffered(most, out.data());
      count_body(size);
      co_return size;
    }
    ConstBytes input = buffered().first(std::min(buffered().size(), out.size()));
    RINGPULL_CO_TRY(BodyStep step, parser_.decode_body(input));
    begin_ += step.consumed;
    if (!step.data.empty()) std::memcpy(out.data(), step.data.data(), step.data.size());
    body_done_ = step.done;
    if (!step.data.empty() || step.done) co_return step.data.size();
  }
}

Task<Result<void>> ServerConnection::read_exact(MutableBytes out) {
  bool known = parser_.head().framing == Framing::content_length;
  std::size_t done = 0;
  while (done < out.size()) {
    MutableBytes rest = out.subspan(done);
    std::size_t size = 0;
    if (known && begin_ == end_ && !continue_due_ && !body_done_) {
      size = static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), body_left_));
      auto received = co_await transport_.read_exact(rest.first(size), options_.stall);
      if (!received) {
        bool gone = received.error().is(ErrorKind::connection_closed);
        ErrorKind kind = gone ? ErrorKind::truncated : received.error().kind();
        co_return fail(std::move(received).error().with_kind(kind));
      }
      count_body(size);
    } else {
      RINGPULL_CO_TRY(size, co_await read_some(rest));
      if (size == 0) co_return fail(ErrorKind::truncated, "the request's body ended early");
    }
    done += size;
  }
  co_return Result<void>();
}

bool ServerConnection::body_suppressed(int status) const noexcept {
  bool head = parser_.head_complete() && parser_.head().method == "HEAD";
  return head || status == 204 || status == 304;
}

Task<Result<void>> ServerConnection::write(std::span<const ConstBytes> pieces) {
  return transport_.write(pieces, options_.stall);
}

Result<void> ServerConnection::write_wire(ResponseHead& head) {
  // A client that still waits for "100 Continue" will not send the body that would follow. Without
  // a body nothing would, but botocore expects the 100 then too, and takes the next answer on this
  // connection for another.
  if (continue_due_) keep_ = false;
  if (!head.headers.contains("Date")) head.headers.add("Date", date_now());
  if (!keep_ || head.headers.has_token("Connection", "close")) {
    keep_ = false;
    head.headers.set("Connection", "close");
  } else if (parser_.head().version_minor == 0) {
    head.headers.set("Connection", "keep-alive");
  }
  wire_.clear();
  return write_head(head, wire_);
}

Task<Result<void>> ServerConnection::respond(ResponseHead& head,
                                             std::span<const ConstBytes> pieces) {
  RINGPULL_ASSERT(!responded(), "an exchange was answered twice");
  std::uint64_t size = 0;
  for (ConstBytes piece : pieces) size += piece.size();
  bool suppressed = body_suppressed(head.status);
  RINGPULL_CO_CHECK(frame(head, size, suppressed));
  RINGPULL_CO_CHECK(write_wire(head));
  answer_ = Answer::done;
  if (suppressed) pieces = {};
  // The head goes out together with the first pieces, however many follow.
  std::array<ConstBytes, kPiecesAtOnce + 1> first = {bytes_of(wire_)};
  std::size_t count = std::min(pieces.size(), kPiecesAtOnce);
  std::copy_n(pieces.begin(), count, first.begin() + 1);
  std::span<const ConstBytes> begin(first.data(), count + 1);
  RINGPULL_CO_CHECK(co_await write(begin));
  co_return co_await write(pieces.subspan(count));
}

Task<Result<void>> ServerConnection::begin_chunked(ResponseHead& head) {
  RINGPULL_ASSERT(!responded(), "an exchange was answered twice");
  bool old = parser_.head().version_minor == 0;
  if (old) {
    keep_ = false;
  } else {
    head.headers.set("Transfer-Encoding", "chunked");
  }
  RINGPULL_CO_CHECK(write_wire(head));
  answer_ = old ? Answer::until_close : Answer::chunked;
  body_suppressed_ = body_suppressed(head.status);
  ConstBytes bytes = bytes_of(wire_);
  co_return co_await write(std::span(&bytes, 1));
}

Task<Result<void>> ServerConnection::write_chunk(ConstBytes piece) {
  if (piece.empty() || body_suppressed_) co_return Result<void>();
  std::array<char, kChunkHeadBytesMax> line;
  std::array<ConstBytes, 3> parts = {ConstBytes(), piece, ConstBytes()};
  if (answer_ == Answer::chunked) {
    parts[0] = bytes_of(write_chunk_head(piece.size(), line));
    parts[2] = bytes_of(kChunkTail);
  }
  co_return co_await write(parts);
}

Task<Result<void>> ServerConnection::end_chunked() {
  bool tail = answer_ == Answer::chunked && !body_suppressed_;
  answer_ = Answer::done;
  ConstBytes bytes = tail ? bytes_of(kLastChunk) : ConstBytes();
  co_return co_await write(std::span(&bytes, 1));
}

/// Reads what the handler left of the body, so that the connection can be kept.
Task<Result<void>> ServerConnection::drain() {
  std::size_t left = options_.drain_bytes_max;
  std::vector<std::byte> sink(std::clamp<std::size_t>(left, 1, kReceiveBytes));
  while (!body_done_) {
    if (body_left_ > left) break;
    RINGPULL_CO_TRY(std::size_t received, co_await read_some(sink));
    if (received > left) break;
    left -= received;
  }
  if (!body_done_) co_return fail(ErrorKind::too_large, "the rest of the body is too long");
  co_return Result<void>();
}

/// A close with bytes unread makes the kernel send a reset, which can overtake the response. So:
/// end our direction, and read for a while until the client has ended its own.
Task<void> ServerConnection::linger() {
  transport_.finish_writing();
  Deadline limit = Deadline::after(options_.linger);
  MutableBytes sink(receive_.get(), kReceiveBytes);
  while (true) {
    auto received = co_await engine::with_deadline(limit, transport_.tcp().read_some(sink));
    if (!received || *received == 0) co_return;
  }
}

}  // namespace ringpull::inline v0::http
