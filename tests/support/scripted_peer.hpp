#pragma once
// For HTTP clients that must meet one exact behaviour, right or wrong. Runs in the test's own loop;
// a connection beyond the scripts is closed at once.

#include <cstddef>
#include <string>
#include <vector>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/tcp.hpp>

namespace ringpull::testing {

/// What one accepted connection does, step by step; the end of the script closes it.
struct Step {
  enum class Kind {
    read_head,
    read_request,
    read_bytes,
    read_to_end,
    write,
    drip,
    half_close,
    reset,
    close,
    hold
  };
  Step(Kind kind_in, std::string bytes_in = {}, std::size_t count_in = 0)
      : kind(kind_in), bytes(std::move(bytes_in)), count(count_in) {}

  Kind kind;
  std::string bytes;      // write, drip
  std::size_t count = 0;  // read_bytes
  engine::Duration interval{};
};

inline Step read_head() { return Step(Step::Kind::read_head); }
/// Head and body, as long as Content-Length says.
inline Step read_request() { return Step(Step::Kind::read_request); }
inline Step read_bytes(std::size_t count) { return Step(Step::Kind::read_bytes, {}, count); }
/// Until the client ends its direction.
inline Step read_to_end() { return Step(Step::Kind::read_to_end); }
inline Step write(std::string bytes) { return Step(Step::Kind::write, std::move(bytes)); }
/// One byte per interval.
inline Step drip(std::string bytes, engine::Duration interval) {
  Step step(Step::Kind::drip, std::move(bytes));
  step.interval = interval;
  return step;
}
/// FIN, and goes on.
inline Step half_close() { return Step(Step::Kind::half_close); }
/// RST, and the end of the script.
inline Step reset() { return Step(Step::Kind::reset); }
/// FIN, and the end of the script.
inline Step close() { return Step(Step::Kind::close); }
/// Keeps the connection open, silent, until the test ends. It does not read either.
inline Step hold() { return Step(Step::Kind::hold); }

using Script = std::vector<Step>;
/// The same for each of `count` connections.
inline std::vector<Script> repeated(std::size_t count, const Script& script) {
  return std::vector<Script>(count, script);
}

/// A server on 127.0.0.1 that plays the n-th script on the n-th connection, side by side.
class ScriptedPeer {
 public:
  static Result<ScriptedPeer> create(std::vector<Script> scripts);

  std::uint16_t port() const noexcept { return listener_.address().port(); }
  const engine::SocketAddress& address() const noexcept { return listener_.address(); }
  std::string url(const std::string& target = "/") const {
    return "http://127.0.0.1:" + std::to_string(port()) + target;
  }
  /// Request heads as they came, in the order of their arrival.
  const std::vector<std::string>& heads() const noexcept { return heads_; }
  /// What read_bytes and read_to_end took, all connections together.
  const std::string& bodies() const noexcept { return bodies_; }
  std::size_t accepted() const noexcept { return accepted_; }
  /// Connections whose script has ended.
  std::size_t ended() const noexcept { return ended_; }

  /// Spawn it beside the client; ends when stopped.
  engine::Task<void> run();

 private:
  engine::Task<void> serve(engine::TcpStream stream, const Script& script);
  engine::Task<Result<void>> play(engine::TcpStream& stream, const Step& step);
  engine::Task<Result<void>> take_head(engine::TcpStream& stream);
  engine::Task<Result<void>> take_body(engine::TcpStream& stream, std::size_t count_max);

  engine::TcpListener listener_;
  std::vector<Script> scripts_;
  std::vector<std::string> heads_;
  std::string bodies_;
  std::size_t accepted_ = 0;
  std::size_t ended_ = 0;
};

/// "HTTP/1.1 200 OK" with a Content-Length.
std::string ok(const std::string& body);

}  // namespace ringpull::testing
