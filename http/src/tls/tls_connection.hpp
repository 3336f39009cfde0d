#pragma once
// The half of TLS that waits for the socket; the other, tls_codec.hpp, never does. TlsStream hands
// its calls on to this. One read and one write side by side.

#include <memory>
#include <string>

#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/http/tls.hpp>

#include "http/src/tls/tls_codec.hpp"
#include "http/src/tls/tls_state.hpp"

namespace ringpull::inline v0::http::detail {

/// Moves bytes between a codec and its socket.
///
/// A receive waits for the socket without a buffer, then takes what is there at once and decrypts
/// it before anything else runs: that way one buffer serves all connections of a loop and stays in
/// the cache.
class TlsConnection {
 public:
  /// `state` is what the context shares with its streams, kept alive here.
  TlsConnection(engine::TcpStream tcp, SslPtr ssl, std::string who, std::shared_ptr<void> state,
                TlsBlocks& blocks);

  engine::Task<Result<void>> handshake();
  engine::Task<Result<std::size_t>> read_some(engine::MutableBytes out);
  engine::Task<Result<void>> read_exact(engine::MutableBytes out);
  engine::Task<Result<void>> write(engine::ConstBytes first,
                                   std::span<const engine::ConstBytes> rest);
  engine::Task<Result<void>> shutdown_write();
  engine::Task<void> close();
  void say_close() noexcept;
  engine::Liveness probe();

  TlsCodec& codec() noexcept { return codec_; }
  const TlsCodec& codec() const noexcept { return codec_; }
  engine::TcpStream& tcp() noexcept { return tcp_; }

 private:
  engine::Task<Result<void>> receive(std::size_t least = 1);
  engine::Task<Result<void>> flush();
  Result<bool> take_received();
  void send_messages_now() noexcept;
  /// Why a read could not go on, as an Error with the bytes it had got.
  Error read_failure(TlsStep step, std::uint64_t bytes_done) const;
  Error handshake_failure(Error error);
  Error write_failure(Error error, std::uint64_t bytes_done);

  std::shared_ptr<void> state_;
  engine::TcpStream tcp_;
  TlsCodec codec_;
  // Bodies are waited for in this much at a time: half the block that they are received into, so
  // that what comes while the thread wakes up fits too.
  const std::size_t low_water_bulk_;
  std::size_t low_water_ = 1;  // of the socket
  // One task at a time waits for the socket: normally the reader, a writer only where a message in
  // the middle must be read first. The other one waits for `received_`.
  engine::Event received_;
  std::optional<Error> receive_failure_;
  bool receiving_ = false;
  bool sending_ = false;
  bool write_broken_ = false;
};

}  // namespace ringpull::inline v0::http::detail
