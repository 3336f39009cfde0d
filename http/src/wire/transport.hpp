#pragma once
// Where TCP and TLS become one for the connections of client and server. It adds the limit on
// stalls to exact reads and to writes; other limits are the caller's.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/http/body.hpp>
#include <ringpull/http/tls.hpp>

namespace ringpull::inline v0::http {

/// One read of a Transport, to be put under a deadline: on TCP the engine's own awaiter, without a
/// coroutine around it.
class [[nodiscard]] TransportRead {
 public:
  TransportRead(engine::TcpStream& tcp, MutableBytes out, engine::ReadHint hint) noexcept {
    tcp_.emplace(tcp.fd(), out, hint);
  }
  TransportRead(TlsStream& tls, MutableBytes out) { tls_.emplace(tls.read_some(out)); }
  TransportRead(const TransportRead&) = delete;
  TransportRead& operator=(const TransportRead&) = delete;

  bool start(std::coroutine_handle<> waiter, engine::Context& context) noexcept {
    return tcp_ ? tcp_->start(waiter, context) : tls_->start(waiter, context);
  }
  [[nodiscard]] Result<std::size_t> await_resume() {
    return tcp_ ? tcp_->await_resume() : tls_->await_resume();
  }

 private:
  std::optional<engine::ReadSome> tcp_;
  std::optional<engine::detail::OwnedTask<Result<std::size_t>>> tls_;
};

/// Plain TCP or TLS under one HTTP connection. One read and one write may run side by side.
class Transport {
 public:
  explicit Transport(engine::TcpStream stream) noexcept : tcp_(std::move(stream)) {}
  explicit Transport(TlsStream stream) noexcept : tls_(std::move(stream)) {}

  /// At least one byte, 0 at the end; awaited under a deadline in the same expression.
  TransportRead read_some(MutableBytes out, engine::ReadHint hint = engine::ReadHint::none) {
    if (tls_) return TransportRead(*tls_, out);
    return TransportRead(tcp_, out, hint);
  }
  /// Fills the span, as long as something arrives in every `stall`. Failures carry bytes_done().
  engine::Task<Result<void>> read_exact(MutableBytes out, engine::Duration stall);
  /// Sends the pieces, any number, as long as something leaves in every `stall` (over TLS: a piece
  /// of kTlsPieceBytes). Failures carry bytes_done(), over TLS possibly fewer than left. The array
  /// stays until completion.
  engine::Task<Result<void>> write(std::span<const ConstBytes> pieces, engine::Duration stall);
  /// Hands over what the kernel takes without waiting; always 0 over TLS.
  Result<std::size_t> try_write(ConstBytes bytes) noexcept;

  bool is_tls() const noexcept { return tls_.has_value(); }
  engine::TcpStream& tcp() noexcept { return tls_ ? tls_->tcp() : tcp_; }
  engine::Liveness probe() noexcept { return tls_ ? tls_->probe() : tcp_.probe(); }
  /// Says that nothing more will be written, close_notify included, without waiting for anything.
  void finish_writing() noexcept;
  /// The same, then closes.
  void close() noexcept;

  /// A TLS write that was stopped cannot go on, so one limit each for pieces of this size: 8 KiB/s
  /// under the default stall limit. 15 full records: what fits into one block of ciphertext.
  static constexpr std::size_t kTlsPieceBytes = 15 * 16 * 1024;

 private:
  engine::TcpStream tcp_;
  std::optional<TlsStream> tls_;
};

inline ConstBytes bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

}  // namespace ringpull::inline v0::http
