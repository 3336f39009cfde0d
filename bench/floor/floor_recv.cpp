// GET by one-shot RECV + MSG_WAITALL: the kernel gathers a whole part in task work and wakes us
// once for it. No pipelining: a connection asks for its next part when the last byte has come.
#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "bench/floor/http.hpp"
#include "bench/floor/ring.hpp"

namespace ringpull::bench {

namespace {

enum class Step : std::uint64_t { request_sent, head_received, body_received };
constexpr unsigned kStepBits = 2;

struct Connection {
  int fd = -1;
  Part part;
  std::uint64_t received = 0;
  std::string request;
  ResponseHead head;
};

class Receiver {
 public:
  Receiver(const FloorOptions& options, std::span<std::byte> destination)
      : options_(options),
        endpoint_(parse_url(options.url)),
        destination_(destination),
        plan_(options),
        ring_(options.connections * 2),
        connections_(options.connections) {}
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() {
    for (Connection& connection : connections_) {
      if (connection.fd >= 0) close(connection.fd);
    }
  }

  void run() {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      connections_[i].fd = connect_to(endpoint_);
      ask_for_next_part(i);
    }
    while (active_ > 0) {
      ring_.submit_and_wait();
      ring_.drain([this](std::uint64_t tag, int count) { on_completion(tag, count); });
    }
  }

  std::uint64_t bytes() const { return plan_.total_bytes(); }
  std::uint64_t enters() const { return ring_.enters(); }

 private:
  void ask_for_next_part(std::size_t index) {
    Connection& connection = connections_[index];
    if (!plan_.next(connection.part)) return;
    ++active_;
    connection.request = get_request(options_, endpoint_, connection.part);
    connection.received = 0;
    connection.head.reset();
    io_uring_sqe* entry = ring_.next_entry();
    io_uring_prep_send(entry, connection.fd, connection.request.data(), connection.request.size(),
                       MSG_NOSIGNAL | MSG_WAITALL);
    tag(entry, index, Step::request_sent);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    receive_head(index, IORING_RECVSEND_POLL_FIRST);
  }

  void receive_head(std::size_t index, unsigned flags) {
    Connection& connection = connections_[index];
    const std::span<std::byte> room = connection.head.room();
    io_uring_sqe* entry = ring_.next_entry();
    io_uring_prep_recv(entry, connection.fd, room.data(), room.size(), 0);
    entry->ioprio = static_cast<std::uint16_t>(flags);
    tag(entry, index, Step::head_received);
  }

  void receive_body(std::size_t index) {
    Connection& connection = connections_[index];
    std::byte* at = destination_.data() + connection.part.offset + connection.received;
    io_uring_sqe* entry = ring_.next_entry();
    io_uring_prep_recv(entry, connection.fd, at, next_receive_size(connection), MSG_WAITALL);
    tag(entry, index, Step::body_received);
  }

  /// The rest of the part; with a low-water mark, all but the last bytes, for which the mark has to
  /// be down again: they might never fill it.
  std::uint64_t next_receive_size(const Connection& connection) const {
    const std::uint64_t left = connection.part.size - connection.received;
    if (options_.low_water == 0) return left;
    const bool far_from_end = left > 2 * options_.low_water;
    const int mark = far_from_end ? static_cast<int>(options_.low_water) : 1;
    setsockopt(connection.fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark);
    return far_from_end ? left - options_.low_water : left;
  }

  static void tag(io_uring_sqe* entry, std::size_t index, Step step) {
    io_uring_sqe_set_data64(entry, index << kStepBits | static_cast<std::uint64_t>(step));
  }

  void on_completion(std::uint64_t tag, int count) {
    const std::size_t index = tag >> kStepBits;
    const Step step = static_cast<Step>(tag & ((1u << kStepBits) - 1));
    if (count < 0) throw_errno(-count, step == Step::request_sent ? "send" : "recv");
    switch (step) {
      case Step::request_sent: on_sent(connections_[index], count); break;
      case Step::head_received: on_head(index, count); break;
      case Step::body_received: on_body(index, count); break;
    }
  }

  static void on_sent(const Connection& connection, int count) {
    if (static_cast<std::size_t>(count) != connection.request.size()) {
      throw_errno(EPIPE, "send of a request was cut short");
    }
  }

  void on_head(std::size_t index, int count) {
    Connection& connection = connections_[index];
    if (count == 0) throw_errno(ECONNRESET, "the server closed the connection before its answer");
    if (!connection.head.feed(static_cast<std::size_t>(count))) return receive_head(index, 0);
    connection.head.expect_part(connection.part);
    connection.received = connection.head.copy_surplus(destination_, connection.part);
    continue_body(index);
  }

  void on_body(std::size_t index, int count) {
    if (count == 0) throw_errno(ECONNRESET, "the server closed the connection inside a body");
    connections_[index].received += static_cast<std::uint64_t>(count);
    continue_body(index);
  }

  void continue_body(std::size_t index) {
    Connection& connection = connections_[index];
    if (connection.received < connection.part.size) return receive_body(index);
    --active_;
    ask_for_next_part(index);
  }

  const FloorOptions& options_;
  const Endpoint endpoint_;
  const std::span<std::byte> destination_;
  PartPlan plan_;
  Ring ring_;
  std::vector<Connection> connections_;
  std::size_t active_ = 0;
};

void floor_recv(const FloorOptions& options, FloorResult& result) {
  PrefaultedMemory destination(options.size);
  const Meter meter;
  Receiver receiver(options, destination.bytes());
  receiver.run();
  store_usage(meter, receiver.bytes(), receiver.enters(), result);
  expect_object(options, destination.bytes());
}

}  // namespace

int run_floor_recv(const FloorOptions& options, FloorResult& result) {
  return report_errors(result, floor_recv, options);
}

}  // namespace ringpull::bench
