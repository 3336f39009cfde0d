// A server that takes PUTs and drops the bodies, as cheaply as a server can that answers only once
// it has read all of one: nginx's `return 204` answers at once, and a client that takes an answer
// for the end of its exchange stops sending. Loopback only; one thread; no error handling beyond
// closing the connection.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::size_t kHeadSizeMax = 16u << 10;

struct Connection {
  explicit Connection(int descriptor) : fd(descriptor) {}
  int fd;
  std::string head;
  std::uint64_t body_left = 0;
  bool in_body = false;
};

/// The Content-Length of a request head that ends in an empty line; 0 where there is none.
std::uint64_t content_length(std::string_view head) {
  constexpr std::string_view kName = "content-length:";
  for (std::size_t at = head.find("\r\n"); at + 4 <= head.size(); at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2);
    if (line.size() < kName.size() || strncasecmp(line.data(), kName.data(), kName.size()) != 0) {
      continue;
    }
    std::uint64_t length = 0;
    const std::size_t digits = line.find_first_not_of(' ', kName.size());
    std::from_chars(line.data() + digits, line.data() + line.size(), length);
    return length;
  }
  return 0;
}

bool answer_if_done(Connection& connection) {
  if (!connection.in_body || connection.body_left > 0) return true;
  connection.in_body = false;
  return send(connection.fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(kAnswer.size());
}

/// Takes what was received; false when the connection is to be closed.
bool take(Connection& connection, std::string_view received) {
  while (!received.empty()) {
    if (connection.in_body) {
      const std::size_t dropped = std::min<std::uint64_t>(received.size(), connection.body_left);
      connection.body_left -= dropped;
      received.remove_prefix(dropped);
    } else {
      const std::size_t before = connection.head.size();
      connection.head += received.substr(0, kHeadSizeMax);
      const std::size_t end = connection.head.find("\r\n\r\n");
      if (end == std::string::npos) return connection.head.size() < kHeadSizeMax;
      received.remove_prefix(end + 4 - before);
      connection.head.resize(end + 4);
      connection.body_left = content_length(connection.head);
      connection.in_body = true;
      connection.head.clear();
    }
    if (!answer_if_done(connection)) return false;
  }
  return true;
}

int listen_on(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, SOMAXCONN) != 0) {
    std::perror("bench_sink: cannot listen");
    std::exit(1);
  }
  return fd;
}

void watch(int epoll, int fd, void* owner) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = owner;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void accept_one(int epoll, int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch(epoll, fd, new Connection(fd));
}

void receive(Connection* connection, std::vector<char>& buffer) {
  const ssize_t count = recv(connection->fd, buffer.data(), buffer.size(), 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count > 0 && take(*connection, {buffer.data(), static_cast<std::size_t>(count)})) return;
  close(connection->fd);
  delete connection;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bench_sink PORT\n");
    return 2;
  }
  const int listener = listen_on(static_cast<std::uint16_t>(std::atoi(argv[1])));
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener, nullptr);
  std::vector<char> buffer(256u << 10);
  std::array<epoll_event, 64> events;
  while (true) {
    const int ready = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      void* owner = events[static_cast<std::size_t>(i)].data.ptr;
      owner == nullptr ? accept_one(epoll, listener)
                       : receive(static_cast<Connection*>(owner), buffer);
    }
  }
}
