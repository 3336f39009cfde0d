// GET by blocking recv(), the connections served in turn. A request is out on every connection, so
// that the server never waits for us; the others' bytes gather in their socket buffers meanwhile.
#include <algorithm>
#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "bench/floor/http.hpp"

namespace ringpull::bench {

namespace {

/// One recv() takes at most this much before it is the next connection's turn. Larger ones leave
/// the other sockets full and the server idle; smaller ones cost more calls.
constexpr std::size_t kTurnSize = 1u << 20;

struct Connection {
  int fd = -1;
  Part part;
  std::uint64_t received = 0;
  bool head_done = false;
  ResponseHead head;
};

class BlockingReceiver {
 public:
  BlockingReceiver(const FloorOptions& options, std::span<std::byte> destination)
      : options_(options),
        endpoint_(parse_url(options.url)),
        destination_(destination),
        plan_(options),
        connections_(options.connections) {}
  BlockingReceiver(const BlockingReceiver&) = delete;
  BlockingReceiver& operator=(const BlockingReceiver&) = delete;
  ~BlockingReceiver() {
    for (const Connection& connection : connections_) {
      if (connection.fd >= 0) close(connection.fd);
    }
  }

  void run() {
    std::vector<Connection*> active;
    for (Connection& connection : connections_) {
      connection.fd = connect_to(endpoint_);
      if (ask_for_next_part(connection)) active.push_back(&connection);
    }
    while (!active.empty()) {
      std::erase_if(active, [this](Connection* connection) { return !take_turn(*connection); });
    }
  }

  std::uint64_t bytes() const { return plan_.total_bytes(); }
  std::uint64_t enters() const { return enters_; }

 private:
  bool ask_for_next_part(Connection& connection) {
    if (!plan_.next(connection.part)) return false;
    connection.received = 0;
    connection.head_done = false;
    connection.head.reset();
    const std::string request = get_request(options_, endpoint_, connection.part);
    ++enters_;
    const ssize_t sent = send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0) throw_errno(errno, "send");
    return true;
  }

  /// One receive; false when the connection has nothing left to do.
  bool take_turn(Connection& connection) {
    if (!connection.head_done) {
      const std::size_t count = receive(connection.fd, connection.head.room());
      if (!connection.head.feed(count)) return true;
      connection.head.expect_part(connection.part);
      connection.received = connection.head.copy_surplus(destination_, connection.part);
      connection.head_done = true;
    } else {
      const std::size_t wanted =
          std::min<std::size_t>(kTurnSize, connection.part.size - connection.received);
      connection.received +=
          receive(connection.fd,
                  destination_.subspan(connection.part.offset + connection.received, wanted));
    }
    return connection.received < connection.part.size || ask_for_next_part(connection);
  }

  std::size_t receive(int fd, std::span<std::byte> into) {
    ++enters_;
    const ssize_t count = recv(fd, into.data(), into.size(), 0);
    if (count < 0) throw_errno(errno, "recv");
    if (count == 0) throw_errno(ECONNRESET, "the server closed the connection");
    return static_cast<std::size_t>(count);
  }

  const FloorOptions& options_;
  const Endpoint endpoint_;
  const std::span<std::byte> destination_;
  PartPlan plan_;
  std::vector<Connection> connections_;
  std::uint64_t enters_ = 0;
};

void floor_recv_blocking(const FloorOptions& options, FloorResult& result) {
  PrefaultedMemory destination(options.size);
  const Meter meter;
  BlockingReceiver receiver(options, destination.bytes());
  receiver.run();
  store_usage(meter, receiver.bytes(), receiver.enters(), result);
  expect_object(options, destination.bytes());
}

}  // namespace

int run_floor_recv_blocking(const FloorOptions& options, FloorResult& result) {
  return report_errors(result, floor_recv_blocking, options);
}

}  // namespace ringpull::bench
