#include "http/src/client/connection.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/timer.hpp>

#include "http/src/wire/send_receive.hpp"
#include "http/src/wire/time_limit.hpp"

namespace ringpull::inline v0::http {

using engine::Deadline;
using engine::Task;

namespace {

bool hung_up(const Result<void>& sent) noexcept {
  return !sent && sent.error().is(ErrorKind::connection_closed);
}

}  // namespace

/// The sending half of an exchange whose body does not go out at once.
class Connection::Upload {
 public:
  Upload(const RequestHead& head, BodySource& body_in)
      : body(body_in),
        size(body_in.size()),
        chunked(head.headers.contains("Transfer-Encoding")),
        waits_for_continue(head.headers.has_token("Expect", "100-continue")) {}

  BodySource& body;
  std::optional<std::uint64_t> size;
  bool chunked;
  bool waits_for_continue;
  ConstBytes piece;     // taken from the body, not sent yet
  engine::Event go_on;  // "100 Continue" has come
  engine::StopSource end_receive;
  bool answer_late = false;
  Result<void> sent = fail(ErrorKind::cancelled, "the response came before the request was sent");
};

Connection::Connection(Transport transport, ClientState& client)
    : transport_(std::move(transport)), client_(client), parser_(client.options.parser) {}

Task<Result<void>> Connection::exchange(const RequestHead& head, BodySource& body,
                                        const SendOptions& options, ExchangeState& state) {
  options_ = options;
  bool bare = body.size() == std::uint64_t{0} && !head.headers.contains("Transfer-Encoding");
  return bare ? exchange_small(head, ConstBytes(), state) : exchange_body(head, body, state);
}

Error Connection::no_response() const {
  const char* name = options_.first_byte ? "SendOptions::first_byte" : "TimeLimits::first_byte";
  return limit_passed("no response", first_byte(), name);
}

Result<void> Connection::begin(const RequestHead& head) {
  usable_ = false;
  body_done_ = false;
  begin_ = end_ = 0;
  wire_.clear();
  close_asked_ = head.headers.has_token("Connection", "close");
  parser_.start(request_kind(head.method));
  return write_head(head, wire_);
}

Task<Result<void>> Connection::exchange_body(const RequestHead& head, BodySource& body,
                                             ExchangeState& state) {
  Upload upload(head, body);
  if (!upload.waits_for_continue) {
    state.body_taken = true;
    RINGPULL_CO_TRY(upload.piece, co_await body.next());
    std::uint64_t small = transport_.is_tls() ? kSmallBodyBytesTls : kSmallBodyBytes;
    bool whole = !upload.chunked && upload.size == upload.piece.size();
    if (whole && upload.size <= small) {
      co_return co_await exchange_small(head, upload.piece, state);
    }
  }
  RINGPULL_CO_CHECK(begin(head));
  co_return co_await exchange_side_by_side(upload, state);
}

Task<Result<void>> Connection::exchange_small(const RequestHead& head, ConstBytes body,
                                              ExchangeState& state) {
  RINGPULL_CO_CHECK(begin(head));
  engine::Context& context = co_await engine::current_context();
  std::array<ConstBytes, 2> parts = {bytes_of(wire_), body};
  std::span<const ConstBytes> request(parts.data(), body.empty() ? 1 : 2);
  Result<void> sent;
  Deadline limit = Deadline::never();
  if (transport_.is_tls()) {
    sent = co_await send_parts(request, state);
    // A server may answer and close before it has read everything: what it said comes first.
    if (!sent && !hung_up(sent)) co_return sent;
    limit = Deadline::after(first_byte());
  } else {
    limit = Deadline::after(first_byte());
    int fd = transport_.tcp().fd();
    auto outcome = co_await engine::with_deadline(limit, SendReceive(fd, request, receive_space()));
    sent = std::move(outcome.sent);
    state.sent_any = outcome.bytes_sent > 0;
    auto taken = take_head(std::move(outcome.received), state);
    if (!taken) {
      if (is_own_limit(taken.error(), context)) {
        co_return fail(no_response());
      }
      co_return hung_up(sent) ? std::move(sent) : std::move(taken);
    }
  }
  if (!parser_.head_complete()) {
    auto received = co_await receive_head(limit, state, nullptr);
    if (!received) co_return hung_up(sent) ? std::move(sent) : std::move(received);
  }
  if (sent) client_.stats.bytes_sent += body.size();
  begin_body(sent.has_value());
  co_return Result<void>();
}

Task<Result<void>> Connection::exchange_side_by_side(Upload& upload, ExchangeState& state) {
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(upload_then_watch(upload, state));
  auto received = co_await engine::with_stop(upload.end_receive,
                                             receive_head(Deadline::never(), state, &upload));
  scope.request_stop();
  auto joined = co_await scope.join();
  (void)joined;  // its outcome is in upload.sent
  if (received) {
    begin_body(upload.sent.has_value());
    co_return Result<void>();
  }
  // Our own stop of the receiving says nothing by itself; what made us stop does.
  bool by_us = upload.end_receive.stop_requested() && !context.stop_requested() &&
               received.error().is(ErrorKind::cancelled);
  if (by_us && upload.answer_late) {
    co_return fail(no_response());
  }
  if (by_us || (!upload.sent && !upload.sent.error().is(ErrorKind::cancelled))) {
    co_return upload.sent;
  }
  co_return received;
}

/// Ends the receiving half when the sending one fails, or when no answer follows.
Task<void> Connection::upload_then_watch(Upload& upload, ExchangeState& state) {
  upload.sent = co_await send_request(upload, state);
  if (!upload.sent && !hung_up(upload.sent)) {
    upload.end_receive.request_stop();
    co_return;
  }
  auto slept = co_await engine::sleep_for(first_byte());
  if (!slept) co_return;
  upload.answer_late = true;
  upload.end_receive.request_stop();
}

Task<Result<void>> Connection::send_request(Upload& upload, ExchangeState& state) {
  ConstBytes head = bytes_of(wire_);  // until it has gone out
  if (upload.waits_for_continue) {
    RINGPULL_CO_CHECK(co_await send_parts(std::span(&head, 1), state));
    head = {};
    // Whoever does not know the word, or lost it, gets the body anyway (RFC 9110 10.1.1).
    Deadline limit = Deadline::after(limits().expect_continue);
    auto waited = co_await engine::with_deadline(limit, upload.go_on.wait());
    engine::Context& context = co_await engine::current_context();
    if (context.stop_requested()) co_return waited;
    state.body_taken = true;
    RINGPULL_CO_TRY(upload.piece, co_await upload.body.next());
  }
  std::uint64_t given = 0;
  while (!upload.piece.empty()) {
    given += upload.piece.size();
    if (upload.size && given > *upload.size) break;  // never more than announced
    std::array<char, kChunkHeadBytesMax> line;
    std::array<ConstBytes, 4> parts = {head, ConstBytes(), upload.piece, ConstBytes()};
    if (upload.chunked) {
      parts[1] = bytes_of(write_chunk_head(upload.piece.size(), line));
      parts[3] = bytes_of(kChunkTail);
    }
    RINGPULL_CO_CHECK(co_await send_parts(parts, state));
    client_.stats.bytes_sent += upload.piece.size();
    head = {};
    RINGPULL_CO_TRY(upload.piece, co_await upload.body.next());
  }
  if (upload.size && given != *upload.size) {
    co_return fail(ErrorKind::invalid_argument,
                   "the request body gave " + std::string(given > *upload.size ? "more" : "less") +
                       " than the " + std::to_string(*upload.size) + " bytes announced");
  }
  std::array<ConstBytes, 2> rest = {head, ConstBytes()};
  if (upload.chunked) rest[1] = bytes_of(kLastChunk);
  co_return co_await send_parts(rest, state);
}

Task<Result<void>> Connection::send_parts(std::span<const ConstBytes> parts, ExchangeState& state) {
  auto sent = co_await transport_.write(parts, limits().stall);
  if (sent || sent.error().bytes_done() > 0) state.sent_any = true;
  co_return sent;
}

Task<Result<void>> Connection::receive_head(Deadline limit, ExchangeState& state, Upload* upload) {
  engine::Context& context = co_await engine::current_context();
  while (true) {
    auto received = co_await engine::with_deadline(limit, transport_.read_some(receive_space()));
    auto taken = take_head(std::move(received), state);
    if (!taken && is_own_limit(taken.error(), context)) {
      co_return fail(no_response());
    }
    if (!taken || parser_.head_complete()) co_return taken;
    if (upload != nullptr && parser_.continue_received()) upload->go_on.set();
  }
}

/// What the receive brought goes to the parser.
Result<void> Connection::take_head(Result<std::size_t> received, ExchangeState& state) {
  if (!received) return fail(std::move(received).error());
  if (*received == 0) return parser_.finish_eof();
  state.received_any = true;
  end_ += *received;
  RINGPULL_TRY(std::size_t used, parser_.feed(buffered()));
  begin_ += used;
  return {};
}

void Connection::begin_body(bool usable) {
  const ResponseHead& response = parser_.head();
  bool known = response.framing == Framing::content_length;
  body_left_ = known ? response.content_length : 0;
  body_done_ = response.framing == Framing::none || (known && body_left_ == 0);
  usable_ = usable;
  ++exchanges_;
}

bool Connection::keeps() noexcept {
  return usable_ && body_done_ && begin_ == end_ && !close_asked_ && parser_.head().keep_alive;
}

void Connection::rest() noexcept { client_.blocks.give_back(std::move(block_)); }

void Connection::abandon() noexcept {
  usable_ = false;
  transport_.close();
}

Result<engine::TcpStream> Connection::release_tunnel() {
  if (begin_ != end_) {
    return fail(ErrorKind::protocol, "the proxy sent bytes behind its answer to CONNECT");
  }
  return std::move(transport_.tcp());
}

/// Room behind what is buffered; a head that was taken makes room for what follows.
MutableBytes Connection::receive_space() {
  if (!block_) block_ = client_.blocks.take();
  if (begin_ == end_) begin_ = end_ = 0;
  return MutableBytes(block_.get() + end_, ReceiveBlocks::kBlockBytes - end_);
}

std::size_t Connection::take_buffered(MutableBytes out) noexcept {
  std::size_t size = std::min(out.size(), end_ - begin_);
  if (size > 0) std::memcpy(out.data(), block_.get() + begin_, size);
  begin_ += size;
  return size;
}

void Connection::count_body(std::uint64_t bytes) noexcept {
  body_left_ -= bytes;
  body_done_ = body_left_ == 0;
  client_.stats.bytes_received += bytes;
}

/// An end of the connection inside a body of known length, whatever the transport calls it.
Error Connection::body_broken(Error error) const {
  bool ended = error.is(ErrorKind::connection_closed) && !error.code();
  if (!ended) return error;
  std::uint64_t done = error.bytes_done();
  return Error(ErrorKind::truncated, "the connection ended " + std::to_string(body_left_) +
                                         " bytes before the end of the body")
      .with_bytes_done(done);
}

Task<Result<std::size_t>> Connection::read_body_some(MutableBytes out) {
  if (body_done_ || out.empty()) co_return std::size_t{0};
  engine::Context& context = co_await engine::current_context();
  bool known = parser_.head().framing == Framing::content_length;
  if (known)
    out = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), body_left_)));
  while (true) {
    if (begin_ != end_) {
      if (known) {
        std::size_t size = take_buffered(out);
        count_body(size);
        co_return size;
      }
      // At most as much as fits, so that a piece never has to be kept back.
      ConstBytes input = buffered().first(std::min(buffered().size(), out.size()));
      RINGPULL_CO_TRY(BodyStep step, parser_.decode_body(input));
      begin_ += step.consumed;
      if (!step.data.empty()) std::memcpy(out.data(), step.data.data(), step.data.size());
      client_.stats.bytes_received += step.data.size();
      body_done_ = step.done;
      if (!step.data.empty() || step.done) co_return step.data.size();
      continue;
    }
    Deadline limit = Deadline::after(limits().stall);
    MutableBytes space = known ? out : receive_space();
    auto received = co_await engine::with_deadline(limit, transport_.read_some(space));
    if (!received) {
      if (is_own_limit(received.error(), context)) {
        co_return fail(stalled("receive", limits().stall, 0));
      }
      co_return fail(std::move(received).error());
    }
    if (*received == 0) {
      usable_ = false;
      if (known) {
        co_return fail(body_broken(Error(ErrorKind::connection_closed, "the connection ended")));
      }
      RINGPULL_CO_CHECK(parser_.finish_eof());
      body_done_ = true;
      co_return std::size_t{0};
    }
    if (known) {
      count_body(*received);
      co_return *received;
    }
    end_ += *received;
  }
}

Task<Result<void>> Connection::read_body_exact(MutableBytes out) {
  std::size_t done = 0;
  bool known = parser_.head().framing == Framing::content_length;
  while (done < out.size()) {
    MutableBytes rest = out.subspan(done);
    std::size_t size = 0;
    if (known && body_left_ > 0 && begin_ == end_) {
      std::uint64_t most = std::min<std::uint64_t>(body_left_, client_.receive_chunk());
      size = static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), most));
      auto received = co_await transport_.read_exact(rest.first(size), limits().stall);
      if (!received) {
        std::uint64_t arrived = received.error().bytes_done();
        count_body(arrived);
        co_return fail(body_broken(std::move(received).error().with_bytes_done(done + arrived)));
      }
      count_body(size);
    } else {
      auto received = co_await read_body_some(rest);
      if (!received) co_return fail(std::move(received).error().with_bytes_done(done));
      size = *received;
      if (size == 0) {
        co_return fail(Error(ErrorKind::truncated, "the body ended early").with_bytes_done(done));
      }
    }
    done += size;
  }
  co_return Result<void>();
}

}  // namespace ringpull::inline v0::http
