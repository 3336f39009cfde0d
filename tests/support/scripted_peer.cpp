#include "tests/support/scripted_peer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <sys/socket.h>

#include <ringpull/engine/timer.hpp>

namespace ringpull::testing {

using engine::Task;

Result<ScriptedPeer> ScriptedPeer::create(std::vector<Script> scripts) {
  RINGPULL_TRY(auto any, engine::SocketAddress::from_ip("127.0.0.1", 0));
  ScriptedPeer peer;
  RINGPULL_TRY(peer.listener_, engine::TcpListener::bind(any));
  peer.scripts_ = std::move(scripts);
  return peer;
}

Task<void> ScriptedPeer::run() {
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  while (!context.stop_requested()) {
    auto stream = co_await listener_.accept();
    if (!stream && stream.error().is(ErrorKind::resource_exhausted)) {
      auto slept = co_await engine::sleep_for(std::chrono::milliseconds(1));
      (void)slept;
      continue;
    }
    if (!stream) break;
    if (accepted_ == scripts_.size()) continue;  // no script: closed at once
    scope.spawn(serve(std::move(*stream), scripts_[accepted_++]));
  }
  auto joined = co_await scope.join();
  (void)joined;
}

Task<void> ScriptedPeer::serve(engine::TcpStream stream, const Script& script) {
  for (const Step& step : script) {
    auto played = co_await play(stream, step);
    if (!played) break;
  }
  ++ended_;
}

Task<Result<void>> ScriptedPeer::play(engine::TcpStream& stream, const Step& step) {
  switch (step.kind) {
    case Step::Kind::read_head: co_return co_await take_head(stream);
    case Step::Kind::read_request: {
      RINGPULL_CO_CHECK(co_await take_head(stream));
      const std::string& head = heads_.back();
      constexpr std::string_view kLength = "Content-Length: ";
      std::size_t field = head.find(kLength);
      if (field == std::string::npos) co_return Result<void>();
      co_return co_await take_body(stream, std::stoul(head.substr(field + kLength.size())));
    }
    case Step::Kind::read_bytes: co_return co_await take_body(stream, step.count);
    case Step::Kind::read_to_end: co_return co_await take_body(stream, SIZE_MAX);
    case Step::Kind::write:
      co_return co_await stream.write_all(std::as_bytes(std::span(step.bytes)));
    case Step::Kind::drip:
      for (const char& byte : step.bytes) {
        RINGPULL_CO_CHECK(co_await stream.write_all(std::as_bytes(std::span(&byte, 1))));
        RINGPULL_CO_CHECK(co_await engine::sleep_for(step.interval));
      }
      co_return Result<void>();
    case Step::Kind::half_close: stream.shutdown_write(); co_return Result<void>();
    case Step::Kind::reset: {
      linger abort{1, 0};
      ::setsockopt(stream.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
      co_return fail(ErrorKind::connection_closed, "the script ends here");
    }
    case Step::Kind::close: co_return fail(ErrorKind::connection_closed, "the script ends here");
    case Step::Kind::hold: co_return co_await engine::sleep_until(engine::Deadline::never());
  }
  co_return Result<void>();
}

Task<Result<void>> ScriptedPeer::take_head(engine::TcpStream& stream) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    char byte = 0;
    RINGPULL_CO_CHECK(co_await stream.read_exact(std::as_writable_bytes(std::span(&byte, 1))));
    head += byte;
  }
  heads_.push_back(std::move(head));
  co_return Result<void>();
}

Task<Result<void>> ScriptedPeer::take_body(engine::TcpStream& stream, std::size_t count_max) {
  std::vector<char> buffer(64 * 1024);
  while (count_max > 0) {
    std::span<char> space(buffer.data(), std::min(buffer.size(), count_max));
    RINGPULL_CO_TRY(std::size_t count, co_await stream.read_some(std::as_writable_bytes(space)));
    if (count == 0) break;
    bodies_.append(buffer.data(), count);
    count_max -= count;
  }
  co_return Result<void>();
}

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace ringpull::testing
