#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/unix_socket.hpp>

namespace ringpull::inline v0::engine {

namespace {

int stream_type() noexcept {
  return SOCK_STREAM | SOCK_CLOEXEC | Loop::current().backend().socket_flags();
}

}  // namespace

ConnectUnix::ConnectUnix(const SocketAddress& remote) noexcept
    : IoAwaiter(OpCode::connect, -1), remote_(remote) {
  fd = ::socket(AF_UNIX, stream_type(), 0);
  if (fd < 0) {
    settled_ = -errno;
    return;
  }
  socket_ = Fd(fd);
  address = remote_.get();
  length = remote_.length();
}

Result<UnixStream> ConnectUnix::await_resume() {
  if (result == 0) return UnixStream(std::move(socket_));
  socket_.reset();
  Error error = failure("connect " + remote_.to_string());
  // A full queue: unlike TCP, nothing is on its way that could be waited for.
  if (result == -EAGAIN) return fail(std::move(error).with_kind(ErrorKind::unavailable));
  return fail(std::move(error));
}

Result<std::pair<UnixStream, UnixStream>> UnixStream::pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, stream_type(), 0, ends.data()) != 0) {
    return fail(Error::from_errno(errno, "socketpair"));
  }
  return std::pair<UnixStream, UnixStream>(UnixStream(Fd(ends[0])), UnixStream(Fd(ends[1])));
}

AcceptUnix::AcceptUnix(int listener) noexcept : IoAwaiter(OpCode::accept, listener) {
  flags = SOCK_CLOEXEC | static_cast<std::uint32_t>(Loop::current().backend().socket_flags());
}

Result<UnixStream> AcceptUnix::await_resume() const {
  if (result < 0) return fail(failure("accept on a unix socket"));
  return UnixStream(Fd(result));
}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::move(other.fd_);
  path_ = std::exchange(other.path_, {});
  return *this;
}

Result<UnixListener> UnixListener::bind(std::string_view path) {
  RINGPULL_TRY(SocketAddress address, SocketAddress::from_unix_path(path));
  Fd fd(::socket(AF_UNIX, stream_type(), 0));
  if (!fd) return fail(Error::from_errno(errno, "socket for " + address.to_string()));
  if (::bind(fd.get(), address.get(), address.length()) != 0) {
    bool taken = errno == EADDRINUSE;
    Error error = Error::from_errno(errno, "bind " + address.to_string());
    if (taken) return fail(std::move(error).with_kind(ErrorKind::already_exists));
    return fail(std::move(error));
  }
  UnixListener listener;
  listener.fd_ = std::move(fd);
  if (path.front() != '@') listener.path_ = path;
  if (::listen(listener.fd(), kBacklog) != 0) {
    return fail(Error::from_errno(errno, "listen on " + address.to_string()));
  }
  return listener;
}

void UnixListener::close() noexcept {
  fd_.reset();
  if (!path_.empty()) ::unlink(path_.c_str());
  path_.clear();
}

}  // namespace ringpull::inline v0::engine
