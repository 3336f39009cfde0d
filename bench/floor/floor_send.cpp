// PUT by blocking send(): head and body of one part on one connection, then the next connection.
// A response is read just before its connection is used again, so the server has had time for it.
#include <cerrno>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

#include "bench/floor/http.hpp"

namespace ringpull::bench {

namespace {

struct Connection {
  int fd = -1;
  bool awaits_response = false;
};

class Sender {
 public:
  Sender(const FloorOptions& options, std::span<std::byte> source)
      : options_(options),
        endpoint_(parse_url(options.url)),
        source_(source),
        plan_(options),
        connections_(options.connections) {}
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  ~Sender() {
    for (const Connection& connection : connections_) {
      if (connection.fd >= 0) close(connection.fd);
    }
  }

  void run() {
    for (Connection& connection : connections_) connection.fd = connect_to(endpoint_);
    Part part;
    for (std::size_t i = 0; plan_.next(part); i = (i + 1) % connections_.size()) {
      finish(connections_[i]);
      put(connections_[i], part);
    }
    for (Connection& connection : connections_) finish(connection);
  }

  std::uint64_t bytes() const { return plan_.total_bytes(); }
  std::uint64_t enters() const { return enters_; }

 private:
  void put(Connection& connection, const Part& part) {
    std::string head = put_request_head(options_, endpoint_, part);
    iovec pieces[2] = {{head.data(), head.size()}, {source_.data() + part.offset, part.size}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    while (message.msg_iovlen > 0) {
      ++enters_;
      const ssize_t sent = sendmsg(connection.fd, &message, MSG_NOSIGNAL);
      if (sent < 0) throw_errno(errno, "send");
      advance(message, static_cast<std::size_t>(sent));
    }
    connection.awaits_response = true;
  }

  static void advance(msghdr& message, std::size_t count) {
    while (message.msg_iovlen > 0 && count >= message.msg_iov->iov_len) {
      count -= message.msg_iov->iov_len;
      ++message.msg_iov;
      --message.msg_iovlen;
    }
    if (message.msg_iovlen > 0) {
      message.msg_iov->iov_base = static_cast<char*>(message.msg_iov->iov_base) + count;
      message.msg_iov->iov_len -= count;
    }
  }

  void finish(Connection& connection) {
    if (!connection.awaits_response) return;
    connection.awaits_response = false;
    head_.reset();
    bool done = false;
    while (!done) {
      const auto room = head_.room();
      ++enters_;
      const ssize_t count = recv(connection.fd, room.data(), room.size(), 0);
      if (count < 0) throw_errno(errno, "recv");
      if (count == 0) throw_errno(ECONNRESET, "the server closed the connection");
      done = head_.feed(static_cast<std::size_t>(count));
    }
    head_.expect_accepted();
    discard(connection, head_.body_left());
  }

  void discard(Connection& connection, std::uint64_t left) {
    std::byte bin[4096];
    while (left > 0) {
      ++enters_;
      const ssize_t count = recv(connection.fd, bin, std::min<std::uint64_t>(left, sizeof bin), 0);
      if (count <= 0) throw_errno(count < 0 ? errno : ECONNRESET, "recv of a response body");
      left -= static_cast<std::uint64_t>(count);
    }
  }

  const FloorOptions& options_;
  const Endpoint endpoint_;
  const std::span<std::byte> source_;
  PartPlan plan_;
  std::vector<Connection> connections_;
  ResponseHead head_;
  std::uint64_t enters_ = 0;
};

void floor_send(const FloorOptions& options, FloorResult& result) {
  PrefaultedMemory source(options.size);
  load_object(options, source);
  const Meter meter;
  Sender sender(options, source.bytes());
  sender.run();
  store_usage(meter, sender.bytes(), sender.enters(), result);
}

}  // namespace

int run_floor_send(const FloorOptions& options, FloorResult& result) {
  return report_errors(result, floor_send, options);
}

}  // namespace ringpull::bench
