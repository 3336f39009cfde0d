#include <cerrno>
#include <cstddef>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <unistd.h>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/tcp.hpp>

namespace ringpull::inline v0::engine {

namespace {

void set_option(int fd, int level, int name, int value) noexcept {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

void apply(const TcpOptions& options, int fd) noexcept {
  if (options.no_delay) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.user_timeout_ms != 0) {
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(options.user_timeout_ms));
  }
  if (options.keepalive_idle_s != 0) {
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(options.keepalive_idle_s));
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(options.keepalive_interval_s));
  }
}

}  // namespace

ConnectTcp::ConnectTcp(const SocketAddress& remote, const TcpOptions& options) noexcept
    : IoAwaiter(OpCode::connect, -1), remote_(remote) {
  Loop& loop = Loop::current();
  int type = SOCK_STREAM | SOCK_CLOEXEC | loop.backend().socket_flags();
  fd = ::socket(remote.family(), type, 0);
  if (fd < 0) {
    settled_ = -errno;
    return;
  }
  socket_ = Fd(fd);
  apply(options, fd);
  address = remote_.get();
  length = remote_.length();
}

Result<TcpStream> ConnectTcp::await_resume() {
  if (result < 0) {
    socket_.reset();
    return fail(failure("connect " + remote_.to_string()));
  }
  return TcpStream(std::move(socket_));
}

Result<SocketAddress> TcpStream::local_address() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd(), address, &size) != 0)
    return fail(Error::from_errno(errno, "getsockname"));
  return SocketAddress(address, size);
}

Result<SocketAddress> TcpStream::remote_address() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (::getpeername(fd(), address, &size) != 0)
    return fail(Error::from_errno(errno, "getpeername"));
  return SocketAddress(address, size);
}

std::uint64_t TcpStream::bytes_received() const noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  if (size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) return 0;
  return info.tcpi_bytes_received;
}

void TcpStream::set_receive_low_water(std::size_t bytes) noexcept {
  set_option(fd(), SOL_SOCKET, SO_RCVLOWAT, static_cast<int>(bytes));
}

AcceptTcp::AcceptTcp(int listener) noexcept : IoAwaiter(OpCode::accept, listener) {
  flags = SOCK_CLOEXEC | static_cast<std::uint32_t>(Loop::current().backend().socket_flags());
}

Result<TcpStream> AcceptTcp::await_resume() const {
  if (result < 0) return fail(failure("accept"));
  set_option(result, IPPROTO_TCP, TCP_NODELAY, 1);
  return TcpStream(Fd(result));
}

Result<TcpListener> TcpListener::bind(const SocketAddress& address, const ListenOptions& options) {
  int type = SOCK_STREAM | SOCK_CLOEXEC | Loop::current().backend().socket_flags();
  Fd fd(::socket(address.family(), type, 0));
  if (!fd) return fail(Error::from_errno(errno, "socket for " + address.to_string()));
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (::bind(fd.get(), address.get(), address.length()) != 0) {
    return fail(Error::from_errno(errno, "bind " + address.to_string()));
  }
  if (::listen(fd.get(), options.backlog) != 0) {
    return fail(Error::from_errno(errno, "listen on " + address.to_string()));
  }
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* bound = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd.get(), bound, &size) != 0)
    return fail(Error::from_errno(errno, "getsockname"));
  TcpListener listener;
  listener.fd_ = std::move(fd);
  listener.address_ = SocketAddress(bound, size);
  return listener;
}

}  // namespace ringpull::inline v0::engine
