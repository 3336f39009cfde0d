#pragma once
// What TCP and Unix-domain connections have in common, and the awaiters that their functions
// return. TLS is in ringpull/http/tls.hpp.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>

#include <ringpull/engine/address.hpp>
#include <ringpull/engine/fd.hpp>
#include <ringpull/engine/io.hpp>

namespace ringpull::inline v0::engine {

using MutableBytes = std::span<std::byte>;
using ConstBytes = std::span<const std::byte>;

enum class ReadHint : std::uint8_t {
  none,
  expect_empty,  ///< nothing can have arrived yet (a request was just sent): wait first, then
                 ///< receive
};

class [[nodiscard]] ReadSome final : public IoAwaiter {
 public:
  ReadSome(int fd, MutableBytes out, ReadHint hint) noexcept;
  [[nodiscard]] Result<std::size_t> await_resume() const;
};

class [[nodiscard]] WaitReadable final : public IoAwaiter {
 public:
  explicit WaitReadable(int fd) noexcept;
  Result<void> await_resume() const;
};

class [[nodiscard]] ReadExact final : public IoAwaiter {
 public:
  ReadExact(int fd, MutableBytes out) noexcept;
  [[nodiscard]] Result<void> await_resume() const;

 private:
  static bool advance(IoAwaiter& self) noexcept;
  MutableBytes out_;
  std::size_t done_ = 0;
};

class [[nodiscard]] WriteAll final : public IoAwaiter {
 public:
  WriteAll(int fd, ConstBytes bytes) noexcept;
  [[nodiscard]] Result<void> await_resume() const;

 private:
  static bool advance(IoAwaiter& self) noexcept;
  ConstBytes bytes_;
  std::size_t done_ = 0;
};

class [[nodiscard]] WriteVectors final : public IoAwaiter {
 public:
  static constexpr std::size_t kVectorsMax =
      16;  // 256 bytes in the awaiter; heads plus a few body pieces
  WriteVectors(int fd, std::span<const ConstBytes> pieces) noexcept;
  [[nodiscard]] Result<void> await_resume() const;

 private:
  static bool advance(IoAwaiter& self) noexcept;
  std::array<iovec, kVectorsMax> vectors_;
  msghdr message_{};
  std::size_t done_ = 0;
};

enum class Liveness : std::uint8_t {
  quiet,     ///< open, and nothing to read
  has_data,  ///< bytes wait to be read
  closed,    ///< the peer closed or reset it
};

/// A connected stream socket. One read and one write may be in flight at a time, side by side.
/// Moved only while none is. A cancelled or timed-out transfer leaves the stream usable, with an
/// unknown number of bytes on the wire: a protocol on top normally closes it.
class StreamSocket {
 public:
  StreamSocket() noexcept = default;
  explicit StreamSocket(Fd fd) noexcept : fd_(std::move(fd)) {}

  int fd() const noexcept { return fd_.get(); }
  bool is_open() const noexcept { return static_cast<bool>(fd_); }

  /// At least one byte, at most the span; 0 at the end of the stream. `connection_closed` on a
  /// reset.
  ReadSome read_some(MutableBytes out, ReadHint hint = ReadHint::none) noexcept {
    return ReadSome(fd(), out, hint);
  }
  /// Fills the span (MSG_WAITALL: the kernel refills it without waking us). `connection_closed`
  /// when the stream ends or is reset before; every failure carries bytes_done(), and those bytes
  /// are in the span. An empty span completes at once. At most 2^31-1 bytes per call are asked of
  /// the kernel at a time; any size may be given.
  ReadExact read_exact(MutableBytes out) noexcept { return ReadExact(fd(), out); }
  /// All bytes are with the kernel when it completes; the failure's bytes_done() counts those that
  /// were before it.
  WriteAll write_all(ConstBytes bytes) noexcept { return WriteAll(fd(), bytes); }
  /// The same for up to WriteVectors::kVectorsMax pieces in one call; the array of pieces is
  /// copied, the bytes not.
  WriteVectors write_vectors(std::span<const ConstBytes> pieces) noexcept {
    return WriteVectors(fd(), pieces);
  }

  /// Completes when try_read() will have an answer: bytes, the end, or an error. Pins no buffer, so
  /// that any number of idle connections cost none. Counts as a read in flight.
  WaitReadable wait_readable() noexcept { return WaitReadable(fd()); }
  /// What has arrived already, without waiting: nullopt when nothing has, 0 at the end of the
  /// stream.
  Result<std::optional<std::size_t>> try_read(MutableBytes out) noexcept;
  /// Hands over what the kernel takes without waiting; 0 when it takes nothing now.
  Result<std::size_t> try_write(ConstBytes bytes) noexcept;

  /// Looks without taking (MSG_PEEK|MSG_DONTWAIT): what a pool asks before it reuses a connection.
  Liveness probe() const noexcept;
  /// shutdown(2) for writing: the peer reads an end of stream.
  void shutdown_write() noexcept;
  /// Ends transfers in flight (they complete with `connection_closed`) and makes the descriptor
  /// useless.
  void shutdown_both() noexcept;
  void close() noexcept { fd_.reset(); }

 private:
  Fd fd_;
};

}  // namespace ringpull::inline v0::engine
