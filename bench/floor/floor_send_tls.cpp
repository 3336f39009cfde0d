// HTTPS PUT: head and body of one part on one connection, then the next connection. OpenSSL writes
// its records into one buffer that all connections share and that stays in the cache; what it holds
// leaves by one blocking send() whenever it is full. A response is read just before its connection
// is used again.
#include <cerrno>
#include <deque>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/floor/tls_session.hpp"

namespace ringpull::bench {

namespace {

// A response and the server's session tickets are small.
constexpr std::size_t kReceiveBufferSize = 16u << 10;

/// One keep-alive HTTPS connection.
class TlsUpload {
 public:
  TlsUpload(const FloorOptions& options, const TlsContext& context, const Endpoint& endpoint)
      : buffer_(kReceiveBufferSize), fd_(connect_to(endpoint)) {
    session_ =
        std::make_unique<TlsSession>(context, endpoint, !options.ca_file.empty(), fd_, buffer_);
  }
  TlsUpload(const TlsUpload&) = delete;
  TlsUpload& operator=(const TlsUpload&) = delete;
  ~TlsUpload() { close(fd_); }

  void put(const std::string& head, std::span<const std::byte> body, CipherBuffer& outgoing) {
    session_->gather_into(outgoing);
    session_->write(std::as_bytes(std::span(head)));
    session_->write(body);
    session_->flush();
    awaits_response_ = true;
  }

  void finish() {
    if (!awaits_response_) return;
    awaits_response_ = false;
    head_.reset();
    while (!head_.feed(read(head_.room()))) {
    }
    head_.expect_accepted();
    std::byte bin[4096];
    for (std::uint64_t left = head_.body_left(); left > 0;) {
      left -= read(std::span(bin).first(std::min<std::uint64_t>(left, sizeof bin)));
    }
  }

  std::uint64_t enters() const { return receives_ + session_->sends(); }

 private:
  std::size_t read(std::span<std::byte> into) {
    while (true) {
      if (const std::size_t count = session_->read(into); count > 0) return count;
      const std::span<std::byte> room = buffer_.memory.bytes();
      ++receives_;
      const ssize_t count = recv(fd_, room.data(), room.size(), 0);
      if (count < 0) throw_errno(errno, "recv");
      if (count == 0) throw_errno(ECONNRESET, "the server closed the connection");
      buffer_.received(static_cast<std::size_t>(count));
    }
  }

  CipherBuffer buffer_;
  int fd_;
  std::unique_ptr<TlsSession> session_;
  ResponseHead head_;
  bool awaits_response_ = false;
  std::uint64_t receives_ = 0;
};

void floor_send_tls(const FloorOptions& options, FloorResult& result) {
  PrefaultedMemory source(options.size);
  load_object(options, source);
  const Meter meter;
  const Endpoint endpoint = parse_url(options.url);
  const TlsContext context(options.ca_file);
  CipherBuffer outgoing(options.tls_buffer_size);
  std::deque<TlsUpload> uploads;
  for (unsigned i = 0; i < options.connections; ++i) {
    uploads.emplace_back(options, context, endpoint);
  }
  PartPlan plan(options);
  Part part;
  for (std::size_t i = 0; plan.next(part); i = (i + 1) % uploads.size()) {
    uploads[i].finish();
    uploads[i].put(put_request_head(options, endpoint, part),
                   source.bytes().subspan(part.offset, part.size), outgoing);
  }
  std::uint64_t enters = 0;
  for (TlsUpload& upload : uploads) {
    upload.finish();
    enters += upload.enters();
  }
  store_usage(meter, plan.total_bytes(), enters, result);
}

}  // namespace

int run_floor_send_tls(const FloorOptions& options, FloorResult& result) {
  return report_errors(result, floor_send_tls, options);
}

}  // namespace ringpull::bench
