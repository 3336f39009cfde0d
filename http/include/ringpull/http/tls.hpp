#pragma once

// TLS over a TCP stream of the engine.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <ringpull/engine/result.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/http/tls_context.hpp>

namespace ringpull::inline v0::http {

namespace detail {
class TlsConnection;
}

struct TlsInfo {
  TlsInfo() = default;
  std::string version;  ///< "TLSv1.3"
  std::string cipher;   ///< "TLS_AES_128_GCM_SHA256"
  std::string alpn;     ///< "http/1.1", or empty when the peer chose none
  bool resumed = false;
};

/// An encrypted connection, either side. One read and one write may be in flight at a time, side by
/// side; what one direction needs of the other (a KeyUpdate, a message that was cut) is done
/// within. Moved and destroyed only while neither is. One loop.
///
/// Errors: `tls` names what is wrong with the peer, its certificate or ours; `truncated` is an end
/// of the TCP stream without close_notify, `connection_closed` a reset; `timed_out` and `cancelled`
/// as everywhere. After an error of the reading direction every later read gives the same one,
/// except after a stop: reading may go on behind the bytes_done() of the stopped read. A stopped
/// write leaves an unknown part of a record on the wire, so that later writes fail.
class TlsStream {
 public:
  /// Shakes hands as a client. `host` is checked against the certificate and sent as SNI unless it
  /// is an IP address, which is checked against the certificate's addresses; write IPv6 without
  /// brackets. Takes the stream and closes it on failure, before any byte of a request. `tls` says
  /// in its message what failed, on which host, and what to do. Has no time limit of its own: a
  /// peer that stalls is ended by the deadline of the task.
  ///
  /// A server that dislikes our client certificate, or misses one, says so after a TLS 1.3
  /// handshake: the first read, or a write, fails with `tls` then.
  static engine::Task<Result<TlsStream>> connect(engine::TcpStream stream,
                                                 TlsClientContext& context, std::string host,
                                                 std::uint16_t port);
  /// Shakes hands as a server. As connect().
  static engine::Task<Result<TlsStream>> accept(engine::TcpStream stream,
                                                TlsServerContext& context);

  TlsStream(TlsStream&&) noexcept;
  TlsStream& operator=(TlsStream&&) noexcept;
  ~TlsStream();

  /// At least one byte, at most the span; 0 when the peer ended the stream by close_notify.
  engine::Task<Result<std::size_t>> read_some(engine::MutableBytes out);
  /// Fills the span, decrypting in place. `connection_closed` when close_notify comes before,
  /// `truncated` when the TCP stream ends before; every failure carries bytes_done(), and those
  /// bytes are in the span, authenticated.
  engine::Task<Result<void>> read_exact(engine::MutableBytes out);
  /// All bytes are with the kernel when it completes. bytes_done() of a failure counts bytes of
  /// records handed to the kernel in full, never too many.
  engine::Task<Result<void>> write_all(engine::ConstBytes bytes);
  /// The same for several pieces; small ones share a record. The array stays until completion.
  engine::Task<Result<void>> write_vectors(std::span<const engine::ConstBytes> pieces);

  /// Says close_notify and FIN: nothing more will be written, reading goes on. Not while a write is
  /// in flight.
  engine::Task<Result<void>> shutdown_write();
  /// Says close_notify, without waiting for the peer's, and closes the socket. Bounded by
  /// kCloseTimeMax whatever the task's deadline, and not ended by a stop. Neither a read nor a
  /// write may be in flight.
  engine::Task<void> close();
  /// Says close_notify as far as the kernel takes it at once. Nothing can be written afterwards.
  /// Not while a write is in flight.
  void say_close() noexcept;

  TlsInfo info() const;
  /// For options and addresses; reading or writing here breaks the stream.
  engine::TcpStream& tcp() noexcept;
  /// What a pool asks before it reuses the connection: takes in what has arrived without waiting,
  /// so that session tickets do not count as data. `has_data`: the peer said something.
  /// `closed`: it is of no further use. Not while a read is in flight.
  engine::Liveness probe();
  /// Bytes were received and not read yet: a message has surplus bytes behind it, or a part of a
  /// record.
  bool has_buffered() const noexcept;

  /// A close_notify of 31 bytes waits only behind a full send buffer.
  static constexpr auto kCloseTimeMax = std::chrono::seconds(1);

 private:
  explicit TlsStream(std::unique_ptr<detail::TlsConnection> connection) noexcept;
  std::unique_ptr<detail::TlsConnection> connection_;
};

}  // namespace ringpull::inline v0::http
