#pragma once
// For tests of the engine that need a peer without a loop: its calls are plain ones and never
// block.

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>

#include <ringpull/engine/backend.hpp>
#include <ringpull/engine/fd.hpp>

namespace ringpull::testing {

/// Two connected stream sockets (AF_UNIX) as a backend wants them: one for the code under test, one
/// for the test's own plain calls.
struct SocketPair {
  explicit SocketPair(const engine::Backend& backend) {
    std::array<int, 2> fds{};
    int type = SOCK_STREAM | SOCK_CLOEXEC | backend.socket_flags();
    if (::socketpair(AF_UNIX, type, 0, fds.data()) != 0) {
      throw std::system_error(errno, std::system_category(), "socketpair");
    }
    ours = engine::Fd(fds[0]);
    peer = engine::Fd(fds[1]);
  }

  /// The peer sends; the text must fit the socket's buffer.
  void put(std::string_view text) const {
    ssize_t sent = ::send(peer.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(text.size())) {
      throw std::system_error(errno, std::system_category(), "send");
    }
  }
  /// Leaves no room for our side to send.
  void fill() const {
    std::array<char, 4096> bytes{};
    while (::send(ours.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
  }
  /// The peer takes what there is, 64 KiB at most; how much.
  std::size_t take() const {
    std::array<char, 65536> bytes{};
    ssize_t got = ::recv(peer.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  /// The peer takes all there is; how much.
  std::size_t drain() const {
    std::array<char, 65536> bytes{};
    std::size_t total = 0;
    for (;;) {
      ssize_t got = ::recv(peer.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (got <= 0) return total;
      total += static_cast<std::size_t>(got);
    }
  }

  engine::Fd ours;
  engine::Fd peer;
};

}  // namespace ringpull::testing
