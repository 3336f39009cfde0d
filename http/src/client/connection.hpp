#pragma once
// HTTP/1.1 over one Transport, without knowledge of origins or other connections: the pool keeps
// connections and repeats requests. The dialer sends its CONNECT through one, too.

#include <cstddef>
#include <cstdint>
#include <string>

#include <ringpull/engine/context.hpp>
#include <ringpull/http/body.hpp>
#include <ringpull/http/parser.hpp>

#include "http/src/client/client_state.hpp"
#include "http/src/wire/transport.hpp"

namespace ringpull::inline v0::http {

/// What a failed exchange had done, for the decision whether it may be repeated.
struct ExchangeState {
  ExchangeState() = default;
  bool sent_any = false;
  bool received_any = false;
  bool body_taken = false;  // its source was asked for a piece
};

/// One HTTP/1.1 client connection: one exchange at a time. An exchange that fails or is stopped
/// leaves the connection unusable; so does a body that was not read to its end.
class Connection {
 public:
  Connection(Transport transport, ClientState& client);
  ~Connection() { transport_.close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Sends head and body and returns once the final response head is there. The response is read
  /// while the body goes out: an early answer (403, 503) stops the sending and is what the caller
  /// gets, not the EPIPE. With "Expect: 100-continue" in the head the body waits for that.
  engine::Task<Result<void>> exchange(const RequestHead& head, BodySource& body,
                                      const SendOptions& options, ExchangeState& state);
  ResponseHead& head() noexcept { return parser_.head(); }

  /// At least one byte of the body; 0 at its end.
  engine::Task<Result<std::size_t>> read_body_some(MutableBytes out);
  /// Fills the span from the body; `truncated` when the body or the connection ends before, with
  /// bytes_done(). Bytes of a body of known length go from the socket straight into the span.
  engine::Task<Result<void>> read_body_exact(MutableBytes out);
  bool body_done() const noexcept { return body_done_; }
  /// Meaningful for bodies of known length.
  std::uint64_t body_left() const noexcept { return body_left_; }

  /// The last message ended where it should and the peer keeps the connection.
  bool keeps() noexcept;
  /// Nothing unexpected waits in it: neither the peer's end nor bytes that nobody asked for.
  bool quiet() noexcept { return transport_.probe() == engine::Liveness::quiet; }
  /// Gives memory back while nothing is going on.
  void rest() noexcept;
  /// Closes it, whatever state it is in; the head stays readable.
  void abandon() noexcept;

  bool used_before() const noexcept { return exchanges_ > 0; }
  /// After a CONNECT: the tunnel; `protocol` when the proxy sent something of its own into it.
  Result<engine::TcpStream> release_tunnel();

 private:
  class Upload;
  static constexpr std::uint64_t kSmallBodyBytes = 64 * 1024;
  static constexpr std::uint64_t kSmallBodyBytesTls = 16 * 1024;

  Result<void> begin(const RequestHead& head);
  engine::Task<Result<void>> exchange_small(const RequestHead& head, ConstBytes body,
                                            ExchangeState& state);
  engine::Task<Result<void>> exchange_body(const RequestHead& head, BodySource& body,
                                           ExchangeState& state);
  engine::Task<Result<void>> exchange_side_by_side(Upload& upload, ExchangeState& state);
  engine::Task<void> upload_then_watch(Upload& upload, ExchangeState& state);
  engine::Task<Result<void>> send_request(Upload& upload, ExchangeState& state);
  engine::Task<Result<void>> send_parts(std::span<const ConstBytes> parts, ExchangeState& state);
  engine::Task<Result<void>> receive_head(engine::Deadline limit, ExchangeState& state,
                                          Upload* upload);
  Result<void> take_head(Result<std::size_t> received, ExchangeState& state);
  void begin_body(bool usable);

  MutableBytes receive_space();
  ConstBytes buffered() const noexcept { return ConstBytes(block_.get() + begin_, end_ - begin_); }
  std::size_t take_buffered(MutableBytes out) noexcept;
  void count_body(std::uint64_t bytes) noexcept;
  Error body_broken(Error error) const;

  const TimeLimits& limits() const noexcept { return client_.options.limits; }
  engine::Duration first_byte() const noexcept {
    return options_.first_byte.value_or(limits().first_byte);
  }
  Error no_response() const;

  Transport transport_;
  ClientState& client_;
  SendOptions options_;  // of the exchange under way
  ResponseParser parser_;
  std::string wire_;
  ReceiveBlocks::Block block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t body_left_ = 0;
  std::uint64_t exchanges_ = 0;
  bool body_done_ = true;
  bool usable_ = true;
  bool close_asked_ = false;
};

}  // namespace ringpull::inline v0::http
