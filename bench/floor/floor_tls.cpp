// HTTPS GET two ways that differ only in how the ciphertext arrives: io_uring RECV into a buffer
// for each connection, or epoll and recv() into one buffer that all connections share and that
// stays in the cache. README.md says why the first is the floor.
#include <array>
#include <cerrno>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "bench/floor/ring.hpp"
#include "bench/floor/tls_session.hpp"

namespace ringpull::bench {

namespace {

/// One keep-alive HTTPS connection that works through the plan's parts.
class TlsDownload {
 public:
  TlsDownload(const FloorOptions& options, const TlsContext& context, const Endpoint& endpoint,
              PartPlan& plan, std::span<std::byte> destination, CipherBuffer& buffer)
      : options_(options),
        endpoint_(endpoint),
        plan_(plan),
        destination_(destination),
        buffer_(buffer),
        fd_(connect_to(endpoint)) {
    session_ =
        std::make_unique<TlsSession>(context, endpoint, !options.ca_file.empty(), fd_, buffer);
    ask_for_next_part();
  }
  TlsDownload(const TlsDownload&) = delete;
  TlsDownload& operator=(const TlsDownload&) = delete;
  ~TlsDownload() { close(fd_); }

  int fd() const { return fd_; }
  bool done() const { return done_; }
  CipherBuffer& buffer() { return buffer_; }

  /// Decrypts all that the buffer holds.
  void consume() {
    while (!done_) {
      const std::size_t count = session_->read(head_done_ ? body_left() : head_.room());
      if (count == 0) return;
      head_done_ ? void(received_ += count) : on_head_bytes(count);
      if (head_done_ && received_ == part_.size) ask_for_next_part();
    }
  }

 private:
  std::span<std::byte> body_left() {
    return destination_.subspan(part_.offset + received_, part_.size - received_);
  }

  void on_head_bytes(std::size_t count) {
    if (!head_.feed(count)) return;
    head_.expect_part(part_);
    received_ = head_.copy_surplus(destination_, part_);
    head_done_ = true;
  }

  void ask_for_next_part() {
    done_ = !plan_.next(part_);
    if (done_) return;
    received_ = 0;
    head_done_ = false;
    head_.reset();
    session_->send_request(get_request(options_, endpoint_, part_));
  }

  const FloorOptions& options_;
  const Endpoint& endpoint_;
  PartPlan& plan_;
  const std::span<std::byte> destination_;
  CipherBuffer& buffer_;
  int fd_;
  std::unique_ptr<TlsSession> session_;
  Part part_;
  std::uint64_t received_ = 0;
  bool head_done_ = false;
  bool done_ = false;
  ResponseHead head_;
};

std::uint64_t download_by_epoll(const FloorOptions& options, PartPlan& plan,
                                std::span<std::byte> destination) {
  const Endpoint endpoint = parse_url(options.url);
  const TlsContext context(options.ca_file);
  CipherBuffer buffer(options.tls_buffer_size);
  std::deque<TlsDownload> downloads;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const std::unique_ptr<const int, void (*)(const int*)> closer(&epoll,
                                                                [](const int* fd) { close(*fd); });
  std::size_t active = 0;
  for (unsigned i = 0; i < options.connections; ++i) {
    TlsDownload& download =
        downloads.emplace_back(options, context, endpoint, plan, destination, buffer);
    if (download.done()) continue;
    // What came behind the handshake belongs to this session: take it before the buffer is reused.
    download.consume();
    fcntl(download.fd(), F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &download;
    epoll_ctl(epoll, EPOLL_CTL_ADD, download.fd(), &event);
    ++active;
  }
  std::uint64_t enters = 0;
  std::array<epoll_event, 64> events;
  while (active > 0) {
    const int ready = epoll_wait(epoll, events.data(), events.size(), -1);
    ++enters;
    for (int i = 0; i < ready; ++i) {
      auto& download = *static_cast<TlsDownload*>(events[static_cast<std::size_t>(i)].data.ptr);
      const auto room = buffer.memory.bytes();
      const ssize_t count = recv(download.fd(), room.data(), room.size(), 0);
      ++enters;
      if (count < 0 && errno == EAGAIN) continue;
      if (count <= 0) throw_errno(count < 0 ? errno : ECONNRESET, "recv");
      buffer.received(static_cast<std::size_t>(count));
      download.consume();
      if (!download.done()) continue;
      epoll_ctl(epoll, EPOLL_CTL_DEL, download.fd(), nullptr);
      --active;
    }
  }
  return enters;
}

void receive_into_buffer(Ring& ring, TlsDownload& download) {
  const auto room = download.buffer().memory.bytes();
  io_uring_sqe* entry = ring.next_entry();
  io_uring_prep_recv(entry, download.fd(), room.data(), room.size(), 0);
  io_uring_sqe_set_data(entry, &download);
}

std::uint64_t download_by_uring(const FloorOptions& options, PartPlan& plan,
                                std::span<std::byte> destination) {
  const Endpoint endpoint = parse_url(options.url);
  const TlsContext context(options.ca_file);
  Ring ring(options.connections);
  std::deque<CipherBuffer> buffers;
  std::deque<TlsDownload> downloads;
  std::size_t active = 0;
  for (unsigned i = 0; i < options.connections; ++i) {
    CipherBuffer& buffer = buffers.emplace_back(options.tls_buffer_size);
    TlsDownload& download =
        downloads.emplace_back(options, context, endpoint, plan, destination, buffer);
    if (download.done()) continue;
    download.consume();
    receive_into_buffer(ring, download);
    ++active;
  }
  while (active > 0) {
    ring.submit_and_wait();
    ring.drain([&](std::uint64_t tag, int count) {
      auto& download = *reinterpret_cast<TlsDownload*>(tag);
      if (count <= 0) throw_errno(count < 0 ? -count : ECONNRESET, "recv");
      download.buffer().received(static_cast<std::size_t>(count));
      download.consume();
      download.done() ? void(--active) : receive_into_buffer(ring, download);
    });
  }
  return ring.enters();
}

using Download = std::uint64_t (*)(const FloorOptions&, PartPlan&, std::span<std::byte>);

template <Download download>
void floor_tls(const FloorOptions& options, FloorResult& result) {
  PrefaultedMemory destination(options.size);
  const Meter meter;
  PartPlan plan(options);
  const std::uint64_t enters = download(options, plan, destination.bytes());
  store_usage(meter, plan.total_bytes(), enters, result);
  expect_object(options, destination.bytes());
}

}  // namespace

int run_floor_tls(const FloorOptions& options, FloorResult& result) {
  return report_errors(result, floor_tls<download_by_uring>, options);
}

int run_floor_tls_epoll(const FloorOptions& options, FloorResult& result) {
  return report_errors(result, floor_tls<download_by_epoll>, options);
}

}  // namespace ringpull::bench
