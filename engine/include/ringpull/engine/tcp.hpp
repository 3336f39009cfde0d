#pragma once
// Connections and listeners of TCP. Made on the thread of a running loop, whose backend decides how
// a socket is set up, and used there.

#include <cstdint>

#include <ringpull/engine/stream.hpp>

namespace ringpull::inline v0::engine {

class TcpOptions {
 public:
  TcpOptions() = default;
  /// TCP_NODELAY. On: a request is written in one piece, and Nagle's delay would only cost latency.
  bool no_delay = true;
  /// TCP_USER_TIMEOUT in ms: unacknowledged data older than this ends the connection. 30 s: well
  /// over a retransmission series on a live path; 0 leaves the system's (about 15 minutes).
  std::uint32_t user_timeout_ms = 30'000;
  /// SO_KEEPALIVE: a connection on which nothing arrives is probed after TCP_KEEPIDLE and then
  /// every TCP_KEEPINTVL, in seconds up to 32767 (tcp(7)); an idle time of 0 leaves it off. A peer
  /// may work for minutes before it answers, while NAT gateways and balancers forget silent
  /// connections without a word: probes keep them known.
  ///
  /// A connection whose probes are not answered ends with `timed_out`: where nothing has come for
  /// user_timeout_ms and a probe is out, or by net.ipv4.tcp_keepalive_probes where that is 0. 15
  /// and 5 s: dead after 30 s, when three probes are lost. With an idle time above user_timeout_ms
  /// the loss of one probe would end a live connection.
  std::uint32_t keepalive_idle_s = 15;
  std::uint32_t keepalive_interval_s = 5;
};

class TcpStream;

class [[nodiscard]] ConnectTcp final : public IoAwaiter {
 public:
  ConnectTcp(const SocketAddress& address, const TcpOptions& options) noexcept;
  [[nodiscard]] Result<TcpStream> await_resume();

 private:
  SocketAddress remote_;
  Fd socket_;
};

/// A TCP connection. Receive and send buffers are left to the kernel's autotuning (setting a size
/// turns it off).
class TcpStream : public StreamSocket {
 public:
  TcpStream() noexcept = default;
  explicit TcpStream(Fd fd) noexcept : StreamSocket(std::move(fd)) {}

  /// Completes when connected. `unavailable` (refused, unreachable), `timed_out`, `cancelled`,
  /// `resource_exhausted`. A failed or stopped attempt leaves no descriptor.
  static ConnectTcp connect(const SocketAddress& address,
                            const TcpOptions& options = TcpOptions()) noexcept {
    return ConnectTcp(address, options);
  }

  Result<SocketAddress> local_address() const;
  Result<SocketAddress> remote_address() const;
  /// Bytes of the stream that arrived at this host, read by us or not
  /// (TCP_INFO.tcpi_bytes_received): moves even while a pending read_exact shows nothing, so it
  /// tells a stall from a slow transfer. The peer's end of stream counts as one byte more. 0 when
  /// the kernel does not say.
  std::uint64_t bytes_received() const noexcept;
  /// wait_readable() completes when this much can be read, or the stream has ended (SO_RCVLOWAT,
  /// socket(7)); 1 at first. The kernel takes half of its largest receive buffer at most. Only as
  /// much as the peer is bound to send, or it waits for ever.
  void set_receive_low_water(std::size_t bytes) noexcept;
};

class [[nodiscard]] AcceptTcp final : public IoAwaiter {
 public:
  explicit AcceptTcp(int fd) noexcept;
  [[nodiscard]] Result<TcpStream> await_resume() const;
};

class ListenOptions {
 public:
  ListenOptions() = default;
  /// Connections that wait for accept(). 1024: the kernel caps it at net.core.somaxconn.
  int backlog = 1024;
  /// SO_REUSEPORT: several listeners share the port and the kernel spreads connections over them.
  bool reuse_port = false;
};

class TcpListener {
 public:
  TcpListener() noexcept = default;
  /// Port 0 takes a free one. Does not block, needs the loop on whose thread it will accept.
  static Result<TcpListener> bind(const SocketAddress& address,
                                  const ListenOptions& options = ListenOptions());
  /// The next connection, TCP_NODELAY set. One accept at a time.
  AcceptTcp accept() noexcept { return AcceptTcp(fd_.get()); }
  const SocketAddress& address() const noexcept { return address_; }
  int fd() const noexcept { return fd_.get(); }
  void close() noexcept { fd_.reset(); }

 private:
  Fd fd_;
  SocketAddress address_;
};

}  // namespace ringpull::inline v0::engine
