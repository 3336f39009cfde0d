#pragma once
// The inside of Server and Exchange: one accepted connection, its requests one after the other, and
// an end that lets the client see the last response.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <ringpull/http/parser.hpp>
#include <ringpull/http/server.hpp>

#include "http/src/wire/transport.hpp"

namespace ringpull::inline v0::http {

/// The server's side of one connection.
class ServerConnection {
 public:
  ServerConnection(Transport transport, const ServerOptions& options);
  ~ServerConnection() { transport_.close(); }
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  /// Requests until the connection ends.
  engine::Task<void> run(Handler& handler);

  const RequestHead& request() const noexcept { return parser_.head(); }
  engine::Task<Result<std::size_t>> read_some(MutableBytes out);
  engine::Task<Result<void>> read_exact(MutableBytes out);
  engine::Task<Result<void>> respond(ResponseHead& head, std::span<const ConstBytes> pieces);
  engine::Task<Result<void>> begin_chunked(ResponseHead& head);
  engine::Task<Result<void>> write_chunk(ConstBytes piece);
  engine::Task<Result<void>> end_chunked();
  bool body_done() const noexcept { return body_done_; }
  bool responded() const noexcept { return answer_ != Answer::none; }
  void close() noexcept { keep_ = false; }

 private:
  /// How far the response is.
  enum class Answer : std::uint8_t { none, chunked, until_close, done };

  static constexpr std::size_t kReceiveBytes = 16 * 1024;

  engine::Task<Result<void>> receive_request();
  engine::Task<Result<void>> exchange(Handler& handler);
  engine::Task<Result<void>> refuse(const Error& error);
  engine::Task<Result<void>> drain();
  engine::Task<void> linger();
  engine::Task<Result<void>> fill(engine::Duration limit);
  engine::Task<Result<void>> write(std::span<const ConstBytes> pieces);
  Result<void> write_wire(ResponseHead& head);
  bool body_suppressed(int status) const noexcept;
  std::size_t take_buffered(std::size_t size_max, std::byte* out) noexcept;
  void count_body(std::uint64_t bytes) noexcept;
  ConstBytes buffered() const noexcept {
    return ConstBytes(receive_.get() + begin_, end_ - begin_);
  }

  Transport transport_;
  const ServerOptions& options_;
  RequestParser parser_;
  std::string wire_;
  std::unique_ptr<std::byte[]> receive_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t body_left_ = 0;
  Answer answer_ = Answer::none;
  bool body_done_ = true;
  bool body_suppressed_ = false;
  bool continue_due_ = false;
  bool keep_ = true;
};

}  // namespace ringpull::inline v0::http
