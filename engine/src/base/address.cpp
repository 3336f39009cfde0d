#include <algorithm>
#include <arpa/inet.h>
#include <cstddef>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <ringpull/engine/address.hpp>

namespace ringpull::inline v0::engine {

SocketAddress::SocketAddress(const sockaddr* address, socklen_t length) noexcept
    : length_(std::min<socklen_t>(length, sizeof storage_)) {
  std::memcpy(&storage_, address, length_);
}

Result<SocketAddress> SocketAddress::from_ip(std::string_view ip, std::uint16_t port) {
  std::string text(ip);
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  std::size_t percent = text.find('%');
  if (percent != std::string::npos) {
    v6.sin6_scope_id = ::if_nametoindex(text.c_str() + percent + 1);
    text.resize(percent);
    if (v6.sin6_scope_id == 0) {
      return fail(ErrorKind::invalid_argument,
                  "no network interface has the scope of address " + std::string(ip));
    }
  }
  if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  }
  return fail(ErrorKind::invalid_argument, "not a numeric IP address: '" + std::string(ip) + "'");
}

Result<SocketAddress> SocketAddress::from_unix_path(std::string_view path) {
  sockaddr_un unix_address{};
  unix_address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof unix_address.sun_path) {
    return fail(ErrorKind::invalid_argument,
                "a socket path needs 1 to 107 bytes: '" + std::string(path) + "'");
  }
  std::memcpy(unix_address.sun_path, path.data(), path.size());
  std::size_t length = offsetof(sockaddr_un, sun_path) + path.size();
  if (path.front() == '@') {
    unix_address.sun_path[0] = '\0';  // abstract: the length counts, no terminator
  } else {
    ++length;
  }
  return SocketAddress(reinterpret_cast<const sockaddr*>(&unix_address),
                       static_cast<socklen_t>(length));
}

std::uint16_t SocketAddress::port() const noexcept {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port);
  return 0;
}

SocketAddress SocketAddress::with_port(std::uint16_t port) const noexcept {
  SocketAddress copy = *this;
  if (family() == AF_INET) reinterpret_cast<sockaddr_in&>(copy.storage_).sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6&>(copy.storage_).sin6_port = htons(port);
  return copy;
}

std::string SocketAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage_);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(port());
  }
  if (family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage_);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(port());
  }
  if (family() == AF_UNIX) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(storage_);
    std::size_t size = length_ - offsetof(sockaddr_un, sun_path);
    if (size == 0) return "unix:(unnamed)";
    if (local.sun_path[0] == '\0') return "unix:@" + std::string(local.sun_path + 1, size - 1);
    return "unix:" + std::string(local.sun_path);
  }
  return "(no address)";
}

bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
  return a.length_ == b.length_ && std::memcmp(&a.storage_, &b.storage_, a.length_) == 0;
}

}  // namespace ringpull::inline v0::engine
