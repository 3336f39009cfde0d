#pragma once
// The stream half of unix(7), made and used like tcp.hpp: on the thread of a running loop. Neither
// datagrams nor descriptors can be sent.

#include <string>
#include <string_view>
#include <utility>

#include <ringpull/engine/stream.hpp>

namespace ringpull::inline v0::engine {

class UnixStream;

class [[nodiscard]] ConnectUnix final : public IoAwaiter {
 public:
  explicit ConnectUnix(const SocketAddress& address) noexcept;
  [[nodiscard]] Result<UnixStream> await_resume();

 private:
  SocketAddress remote_;
  Fd socket_;
};

/// A connection over a Unix-domain stream socket (unix(7)).
class UnixStream : public StreamSocket {
 public:
  UnixStream() noexcept = default;
  explicit UnixStream(Fd fd) noexcept : StreamSocket(std::move(fd)) {}

  /// `address` is SocketAddress::from_unix_path's. `not_found` when there is no such socket,
  /// `unavailable` when nobody listens or its queue is full, `cancelled`, `timed_out`.
  static ConnectUnix connect(const SocketAddress& address) noexcept { return ConnectUnix(address); }
  /// Two ends of one connection, for the loop of the calling thread.
  static Result<std::pair<UnixStream, UnixStream>> pair();
};

class [[nodiscard]] AcceptUnix final : public IoAwaiter {
 public:
  explicit AcceptUnix(int fd) noexcept;
  [[nodiscard]] Result<UnixStream> await_resume() const;
};

/// Removes its socket file when it closes.
class UnixListener {
 public:
  /// Connections that wait for accept(). 1024: the kernel caps it at net.core.somaxconn.
  static constexpr int kBacklog = 1024;

  UnixListener() noexcept = default;
  UnixListener(UnixListener&& other) noexcept
      : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})) {}
  UnixListener& operator=(UnixListener&& other) noexcept;
  ~UnixListener() { close(); }

  /// A path, or an abstract name that starts with '@'. `already_exists` when the path does: a
  /// socket file that a dead process left is the caller's to remove. Does not block, needs the loop
  /// on whose thread it will accept.
  static Result<UnixListener> bind(std::string_view path);
  /// The next connection. One accept at a time.
  AcceptUnix accept() noexcept { return AcceptUnix(fd_.get()); }
  int fd() const noexcept { return fd_.get(); }
  void close() noexcept;

 private:
  Fd fd_;
  std::string path_;  // to remove; empty for an abstract name
};

}  // namespace ringpull::inline v0::engine
