#include <algorithm>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/http/client.hpp>

#include "http/src/client/body_limit.hpp"
#include "http/src/client/pool.hpp"

namespace ringpull::inline v0::http {

using engine::Task;

namespace {

constexpr std::size_t kDrainStep = 16 * 1024;

}  // namespace

Response::Response(std::unique_ptr<PooledConnection> connection) noexcept
    : connection_(std::move(connection)) {}
Response::Response(Response&&) noexcept = default;
Response& Response::operator=(Response&& other) noexcept {
  if (this != &other) {
    release();
    connection_ = std::move(other.connection_);
  }
  return *this;
}
Response::~Response() { release(); }

void Response::release() noexcept {
  if (!connection_) return;
  Pool& pool = connection_->pool;
  pool.take_back(std::move(connection_));
}

const ResponseHead& Response::head() const noexcept { return connection_->head(); }
bool Response::body_done() const noexcept { return connection_->body_done(); }

std::optional<std::uint64_t> Response::body_left() const noexcept {
  Framing framing = head().framing;
  bool unknown = framing == Framing::chunked || framing == Framing::until_close;
  if (unknown && !body_done()) return std::nullopt;
  return connection_->body_left();
}

Task<Result<std::size_t>> Response::read_some(MutableBytes out) {
  return connection_->read_body_some(out);
}

Task<Result<void>> Response::read_exact(MutableBytes out) {
  return connection_->read_body_exact(out);
}

Task<Result<std::size_t>> Response::read_all(MutableBytes out) {
  if (auto left = body_left()) {
    if (*left > out.size()) co_return fail(body_too_large(out.size()));
    auto size = static_cast<std::size_t>(*left);
    RINGPULL_CO_CHECK(co_await read_exact(out.first(size)));
    co_return size;
  }
  std::size_t done = 0;
  while (!body_done()) {
    std::byte beyond{};
    MutableBytes space = done < out.size() ? out.subspan(done) : MutableBytes(&beyond, 1);
    RINGPULL_CO_TRY(std::size_t received, co_await read_some(space));
    if (received > 0 && done == out.size()) co_return fail(body_too_large(out.size()));
    done += received;
  }
  co_return done;
}

Task<Result<std::string>> Response::read_text(std::size_t limit_bytes) {
  constexpr std::size_t kStep = 16 * 1024;
  std::string text;
  if (auto left = body_left()) {
    if (*left > limit_bytes) co_return fail(body_too_large(limit_bytes));
    text.resize(static_cast<std::size_t>(*left));
    RINGPULL_CO_CHECK(co_await read_exact(std::as_writable_bytes(std::span(text))));
    co_return text;
  }
  while (!body_done()) {
    std::size_t size = text.size();
    text.resize(size + std::min(kStep, limit_bytes - std::min(size, limit_bytes) + 1));
    auto received = co_await read_some(std::as_writable_bytes(std::span(text).subspan(size)));
    if (!received) co_return fail(std::move(received).error());
    text.resize(size + *received);
    if (text.size() > limit_bytes) co_return fail(body_too_large(limit_bytes));
  }
  co_return text;
}

Task<void> Response::finish() {
  if (body_done()) co_return;
  engine::Deadline limit =
      engine::Deadline::after(connection_->pool.state().options.drain_time_max);
  auto drained = co_await engine::with_deadline(limit, drain());
  if (!drained) connection_->abandon();
}

Task<Result<void>> Response::drain() {
  std::size_t left = connection_->pool.state().options.drain_bytes_max;
  if (body_left() > left) co_return fail(body_too_large(left));
  std::vector<std::byte> sink(std::clamp<std::size_t>(left, 1, kDrainStep));
  while (!body_done()) {
    RINGPULL_CO_TRY(std::size_t received, co_await read_some(sink));
    if (received > left) co_return fail(body_too_large(left));
    left -= received;
  }
  co_return Result<void>();
}

Client::Client(std::unique_ptr<Pool> pool) noexcept : pool_(std::move(pool)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::create(const ClientOptions& options,
                                               engine::Resolver& resolver) {
  auto pool = std::make_unique<Pool>(options, resolver);
  bool files_named = !options.tls.ca_file.empty() || !options.tls.certificate_file.empty() ||
                     !options.tls.key_file.empty();
  if (files_named) RINGPULL_CHECK(pool->prepare_tls());
  return std::unique_ptr<Client>(new Client(std::move(pool)));
}

Task<Result<Response>> Client::send(const Url& url, RequestHead& head, BodySource& body) {
  return pool_->send(url, head, body, SendOptions());
}
Task<Result<Response>> Client::send(const Url& url, RequestHead& head, BodySource& body,
                                    const SendOptions& options) {
  return pool_->send(url, head, body, options);
}
Task<Result<Response>> Client::send(const Url& url, RequestHead& head) {
  return pool_->send(url, head);
}

void Client::close_idle() noexcept { pool_->close_idle(); }
const ClientStats& Client::stats() const noexcept { return pool_->state().stats; }
std::size_t Client::idle_connections() const noexcept { return pool_->idle(); }

}  // namespace ringpull::inline v0::http
