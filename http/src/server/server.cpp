#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/http/server.hpp>

#include "http/src/server/server_connection.hpp"

namespace ringpull::inline v0::http {

using engine::Task;

const RequestHead& Exchange::request() const noexcept { return connection_.request(); }

std::optional<std::uint64_t> Exchange::body_size() const noexcept {
  const RequestHead& head = request();
  if (head.framing == Framing::chunked) return std::nullopt;
  return head.framing == Framing::content_length ? head.content_length : 0;
}

Task<Result<std::size_t>> Exchange::read_some(MutableBytes out) {
  return connection_.read_some(out);
}
Task<Result<void>> Exchange::read_exact(MutableBytes out) { return connection_.read_exact(out); }
bool Exchange::body_done() const noexcept { return connection_.body_done(); }

Task<Result<void>> Exchange::respond(ResponseHead& head, std::span<const ConstBytes> pieces) {
  return connection_.respond(head, pieces);
}

Task<Result<void>> Exchange::respond(ResponseHead& head, ConstBytes body) {
  std::span<const ConstBytes> pieces(&body, 1);
  auto sent = co_await connection_.respond(head, pieces);
  co_return sent;
}

Task<Result<void>> Exchange::respond(ResponseHead& head, std::string_view body) {
  ConstBytes bytes = std::as_bytes(std::span<const char>(body.data(), body.size()));
  std::span<const ConstBytes> pieces(&bytes, 1);
  auto sent = co_await connection_.respond(head, pieces);
  co_return sent;
}

Task<Result<void>> Exchange::begin_chunked(ResponseHead& head) {
  return connection_.begin_chunked(head);
}
Task<Result<void>> Exchange::write_chunk(ConstBytes piece) {
  return connection_.write_chunk(piece);
}
Task<Result<void>> Exchange::end_chunked() { return connection_.end_chunked(); }
bool Exchange::responded() const noexcept { return connection_.responded(); }
void Exchange::close() noexcept { connection_.close(); }

Task<Result<void>> Server::run() {
  engine::Context& context = co_await engine::current_context();
  engine::Semaphore slots(options_.connections_max);
  engine::Scope scope(context);
  Result<void> outcome;
  while (!context.stop_requested()) {
    auto slot = co_await slots.acquire();
    if (!slot) break;
    auto accepted = co_await listener_.accept();
    if (accepted) {
      scope.spawn(serve(std::move(*accepted), std::move(*slot)));
      continue;
    }
    if (context.stop_requested()) break;
    ErrorKind kind = accepted.error().kind();
    if (kind == ErrorKind::connection_closed) continue;  // the client gave up in the backlog
    if (kind == ErrorKind::resource_exhausted) {
      // Out of descriptors or memory: wait for a connection to end rather than spin.
      auto slept = co_await engine::sleep_for(std::chrono::milliseconds(50));
      if (!slept) break;
      continue;
    }
    outcome = fail(std::move(accepted).error());
    scope.request_stop();
    break;
  }
  auto joined = co_await scope.join();
  (void)joined;  // connections report nothing
  co_return outcome;
}

Task<void> Server::serve(engine::TcpStream stream,
                         [[maybe_unused]] engine::Semaphore::Permit slot) {
  if (options_.tls == nullptr) {
    ServerConnection connection(Transport(std::move(stream)), options_);
    co_await connection.run(handler_);
    co_return;
  }
  engine::Deadline limit = engine::Deadline::after(options_.stall);
  auto secured =
      co_await engine::with_deadline(limit, TlsStream::accept(std::move(stream), *options_.tls));
  if (!secured) co_return;
  ServerConnection connection(Transport(std::move(*secured)), options_);
  co_await connection.run(handler_);
}

}  // namespace ringpull::inline v0::http
