#include "http/src/tls/tls_connection.hpp"

#include <utility>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/http/tls_error.hpp>

#include "http/src/tls/tls_failure.hpp"

namespace ringpull::inline v0::http::detail {

using engine::ConstBytes;
using engine::Liveness;
using engine::MutableBytes;
using engine::Task;

namespace {

// The most that may be here already of a record that is not complete (RFC 5246 6.2.3, RFC 8446
// 5.2): 2^14 bytes and 2048 of expansion at most, and the header.
constexpr std::size_t kRecordBytesMax = 16 * 1024 + 2048 + 5;

}  // namespace

TlsConnection::TlsConnection(engine::TcpStream tcp, SslPtr ssl, std::string who,
                             std::shared_ptr<void> state, TlsBlocks& blocks)
    : state_(std::move(state)),
      tcp_(std::move(tcp)),
      codec_(std::move(ssl), std::move(who), blocks),
      low_water_bulk_(blocks.receive_bytes() / 2) {}

Task<Result<void>> TlsConnection::handshake() {
  for (;;) {
    const TlsStep step = codec_.handshake();
    if (step == TlsStep::failed) {
      send_messages_now();  // the alert that says why
      co_return fail(codec_.failure());
    }
    if (step == TlsStep::closed) co_return fail(describe_hang_up(codec_, "closed"));
    auto flushed = co_await flush();
    if (!flushed) co_return fail(handshake_failure(std::move(flushed).error()));
    if (step == TlsStep::done) co_return Result<void>();
    auto received = co_await receive();
    if (!received) co_return fail(handshake_failure(std::move(received).error()));
  }
}

Task<Result<std::size_t>> TlsConnection::read_some(MutableBytes out) {
  for (;;) {
    std::size_t count = 0;
    const TlsStep step = codec_.read(out, count);
    send_messages_now();
    if (count > 0 || step == TlsStep::done) co_return count;
    if (step == TlsStep::closed) co_return std::size_t{0};
    if (step == TlsStep::failed) co_return fail(codec_.failure());
    auto received = co_await receive();
    if (!received) co_return fail(std::move(received).error());
  }
}

Task<Result<void>> TlsConnection::read_exact(MutableBytes out) {
  std::size_t done = 0;
  for (;;) {
    std::size_t count = 0;
    const TlsStep step = codec_.read(out.subspan(done), count);
    done += count;
    send_messages_now();
    if (step == TlsStep::done) co_return Result<void>();
    if (step != TlsStep::need_data) co_return fail(read_failure(step, done));
    // Of what is left, all but the record that was cut is still to come, as at least as many bytes.
    bool much = out.size() - done >= low_water_bulk_ + kRecordBytesMax;
    std::size_t least = much ? low_water_bulk_ : 1;
    auto received = co_await receive(least);
    if (!received) co_return fail(std::move(received).error().with_bytes_done(done));
  }
}

Task<Result<void>> TlsConnection::write(ConstBytes first, std::span<const ConstBytes> rest) {
  TlsPieces pieces(first, rest);
  std::uint64_t sent = 0;
  while (!pieces.empty()) {
    const TlsStep step = codec_.write(pieces);
    auto flushed = co_await flush();
    if (!flushed) co_return fail(write_failure(std::move(flushed).error(), sent));
    sent = pieces.taken();
    if (step == TlsStep::failed) co_return fail(codec_.failure().with_bytes_done(sent));
    if (step != TlsStep::need_data) continue;
    auto received = co_await receive();
    if (!received) co_return fail(std::move(received).error().with_bytes_done(sent));
  }
  co_return Result<void>();
}

Task<Result<void>> TlsConnection::shutdown_write() {
  codec_.say_close();
  auto flushed = co_await flush();
  tcp_.shutdown_write();
  co_return flushed;
}

Task<void> TlsConnection::close() {
  auto deadline = engine::Deadline::after(TlsStream::kCloseTimeMax);
  auto said = co_await engine::shielded(deadline, shutdown_write());
  (void)said;  // a peer that is gone needs no goodbye
  tcp_.close();
}

void TlsConnection::say_close() noexcept {
  if (sending_ || write_broken_ || !tcp_.is_open()) return;
  codec_.say_close();
  send_messages_now();
}

/// Waits for ciphertext and takes it in, or waits for the other direction to do so. The caller
/// tries its step again. `least` bytes must be sure to come, if the stream does not end.
Task<Result<void>> TlsConnection::receive(std::size_t least) {
  if (receiving_) {
    auto waited = co_await received_.wait();
    co_return waited;
  }
  if (receive_failure_) co_return fail(*receive_failure_);
  receiving_ = true;
  received_.reset();
  if (least != low_water_) tcp_.set_receive_low_water(low_water_ = least);
  auto ready = co_await tcp_.wait_readable();
  receiving_ = false;
  received_.set();
  if (!ready) co_return ready;
  auto taken = take_received();
  if (!taken) co_return fail(std::move(taken).error());
  co_return Result<void>();
}

/// False when nothing had arrived.
Result<bool> TlsConnection::take_received() {
  auto count = tcp_.try_read(codec_.receive_space());
  codec_.received(count && *count ? **count : 0);
  if (!count) {
    receive_failure_ = std::move(count).error();
  } else if (*count == std::size_t{0}) {
    receive_failure_.emplace(ErrorKind::truncated,
                             codec_.who() + " ended the TCP stream without a TLS close_notify");
  } else {
    return count->has_value();
  }
  return fail(*receive_failure_);
}

/// Sends the whole output. Only one task at a time gets here: the one that shakes hands, writes or
/// closes.
Task<Result<void>> TlsConnection::flush() {
  while (codec_.has_output()) {
    if (write_broken_) {
      co_return fail(ErrorKind::connection_closed,
                     "an earlier write to " + codec_.who() + " did not end");
    }
    sending_ = true;
    auto sent = co_await tcp_.write_vectors(codec_.output());
    sending_ = false;
    codec_.output_sent();
    if (sent) continue;
    write_broken_ = true;
    co_return sent;
  }
  co_return Result<void>();
}

/// What the reading direction made: alerts, such as the refusal of a renegotiation. (The answer to
/// a KeyUpdate OpenSSL puts in front of the next write, as RFC 8446 4.6.3 allows.) The reader does
/// not wait for them: what the kernel does not take now goes out before the next write. A reader
/// that waited for a peer who waits to be read from would never end.
void TlsConnection::send_messages_now() noexcept {
  if (codec_.messages().empty() || sending_ || write_broken_) return;
  auto sent = tcp_.try_write(codec_.messages());
  if (sent) {
    codec_.messages_sent(*sent);
  } else {
    write_broken_ = true;
  }
}

Error TlsConnection::read_failure(TlsStep step, std::uint64_t bytes_done) const {
  if (step == TlsStep::failed) return codec_.failure().with_bytes_done(bytes_done);
  return Error(ErrorKind::connection_closed, codec_.who() + " closed the connection")
      .with_bytes_done(bytes_done);
}

Error TlsConnection::handshake_failure(Error error) {
  Error better = write_failure(std::move(error), 0);
  switch (better.kind()) {
    case ErrorKind::truncated: return describe_hang_up(codec_, "hung up");
    case ErrorKind::connection_closed: return describe_hang_up(codec_, "reset the connection");
    case ErrorKind::tls: return better;
    default: return std::move(better).context("TLS handshake with " + codec_.who());
  }
}

/// A peer that refuses us says why in an alert and closes, and we see our write fail first: look
/// for the alert.
Error TlsConnection::write_failure(Error error, std::uint64_t bytes_done) {
  if (error.is(ErrorKind::connection_closed) && !receiving_ && !codec_.has_failed()) {
    TlsStep step = codec_.peek();
    if (step == TlsStep::need_data && take_received()) step = codec_.peek();
    if (step == TlsStep::failed) return codec_.failure().with_bytes_done(bytes_done);
  }
  return std::move(error).with_bytes_done(bytes_done);
}

Liveness TlsConnection::probe() {
  // Two tickets fit into one receive; a peer that sends more than this without a word of data is
  // not worth keeping.
  constexpr int kReceivesMax = 4;
  if (receive_failure_) return Liveness::closed;
  for (int i = 0; i < kReceivesMax; ++i) {
    const TlsStep step = codec_.peek();
    send_messages_now();
    if (step == TlsStep::done) return Liveness::has_data;
    if (step != TlsStep::need_data) return Liveness::closed;
    auto taken = take_received();
    if (!taken) return Liveness::closed;
    if (!*taken) return codec_.has_input() ? Liveness::has_data : Liveness::quiet;
  }
  return Liveness::has_data;
}

}  // namespace ringpull::inline v0::http::detail
