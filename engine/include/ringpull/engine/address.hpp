#pragma once
// Where sockets connect to and listen. Plain values, any thread. Names become addresses in
// resolver.hpp.

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::engine {

/// An IPv4, IPv6 or Unix-domain socket address.
class SocketAddress {
 public:
  SocketAddress() noexcept = default;
  /// Copies a kernel address of `length` bytes.
  SocketAddress(const sockaddr* address, socklen_t length) noexcept;
  /// A numeric address, without brackets ("127.0.0.1", "::1", "fe80::1%eth0"); names go to the
  /// Resolver.
  static Result<SocketAddress> from_ip(std::string_view ip, std::uint16_t port);
  /// A path, or an abstract name that starts with '@' (unix(7)); at most 107 bytes.
  static Result<SocketAddress> from_unix_path(std::string_view path);

  int family() const noexcept { return storage_.ss_family; }
  bool is_ip() const noexcept { return family() == AF_INET || family() == AF_INET6; }
  std::uint16_t port() const noexcept;
  SocketAddress with_port(std::uint16_t port) const noexcept;
  /// "127.0.0.1:80", "[::1]:80", "unix:/run/x.sock".
  std::string to_string() const;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const noexcept { return length_; }

  friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace ringpull::inline v0::engine
