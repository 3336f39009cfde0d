#include "http/src/client/pool.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <ringpull/engine/loop.hpp>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http {

using engine::Duration;
using engine::Task;
using engine::TimePoint;

namespace {

constexpr auto kSweepInterval = std::chrono::seconds(1);
// A server counts from when it has sent, we from when we have read: be this much earlier.
constexpr auto kKeepAliveMargin = std::chrono::seconds(1);

/// RFC 9110 9.2.2.
bool is_idempotent(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

/// The query may hold a signature, so errors leave it out.
std::string describe(const RequestHead& head, const Url& url) {
  std::string text = head.method + " " + url.origin();
  std::string_view target = head.target;
  if (target.starts_with('/')) text += target.substr(0, target.find('?'));
  return text;
}

void add_number(Headers& headers, std::string_view name, std::uint64_t value) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  headers.add(name, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

/// Adds what frames the body, or holds what the caller wrote against the body: a request whose
/// length is not the announced one would be read as two.
Result<void> frame(RequestHead& head, const BodySource& body) {
  std::optional<std::uint64_t> size = body.size();
  auto announced = head.headers.get("Content-Length");
  bool encoded = head.headers.contains("Transfer-Encoding");
  if (announced) {
    std::uint64_t length = 0;
    if (!encoded && parse_decimal(*announced, length) && size == length) return {};
    return fail(ErrorKind::invalid_argument,
                "the Content-Length given is not the size of the request body");
  }
  if (encoded) {
    if (head.headers.get("Transfer-Encoding") == "chunked") return {};
    return fail(ErrorKind::invalid_argument, "Transfer-Encoding can only be \"chunked\"");
  }
  if (!size) {
    head.headers.add("Transfer-Encoding", "chunked");
  } else if (*size > 0 || head.method == "PUT" || head.method == "POST") {
    add_number(head.headers, "Content-Length", *size);
  }
  return {};
}

/// "Keep-Alive: timeout=5, max=100", as Apache and nginx send it; `otherwise` where it says
/// nothing.
Duration announced_idle(const Headers& headers, Duration otherwise) {
  auto field = headers.get("Keep-Alive");
  if (!field) return otherwise;
  for_each_list_member(*field, [&](std::string_view member) {
    constexpr std::string_view kTimeout = "timeout=";
    std::uint64_t seconds = 0;
    bool counts = member.size() > kTimeout.size() &&
                  equal_ignoring_case(member.substr(0, kTimeout.size()), kTimeout) &&
                  parse_decimal(member.substr(kTimeout.size()), seconds);
    if (!counts || seconds > 86'400) return;
    otherwise = std::min<Duration>(otherwise, std::chrono::seconds(seconds) - kKeepAliveMargin);
  });
  return otherwise;
}

}  // namespace

Pool::Pool(const ClientOptions& options, engine::Resolver& resolver)
    : state_(options), dialer_(state_, resolver) {}

Pool::~Pool() {
  RINGPULL_ASSERT(state_.busy == 0,
                  "an http::Client was destroyed while a request or Response lives");
  close_idle();
}

Task<Result<Response>> Pool::send(const Url& url, RequestHead& head, BodySource& body,
                                  SendOptions options) {
  const Proxy* proxy = state_.options.proxies.select(url.scheme(), url.host(), url.port());
  Origin& origin = origin_of(url, proxy);
  if (!head.headers.contains("Host")) {
    head.headers.add("Host", origin.proxy ? url.authority() : origin.authority);
  }
  RINGPULL_CO_CHECK(frame(head, body));
  std::optional<RequestHead> for_proxy;
  if (origin.proxy) {
    for_proxy.emplace(head);
    for_proxy->target = url.origin() + head.target;  // RFC 9112 3.2.2, absolute-form
    if (!proxy->authorization.empty())
      for_proxy->headers.set("Proxy-Authorization", proxy->authorization);
  }
  RequestHead& sent_head = for_proxy ? *for_proxy : head;
  ++state_.stats.requests;

  auto slot = origin.slots.try_acquire();
  if (!slot) {
    auto waited = co_await wait_for_slot(origin);
    if (!waited) co_return fail(std::move(waited).error().context(describe(head, url)));
    slot.emplace(std::move(*waited));
  }
  bool fresh = false;
  while (true) {
    Lease lease;
    if (!fresh) lease = take_idle(origin);
    bool kept = lease != nullptr;
    if (!kept) {
      auto opened = co_await open(origin, url, proxy);
      if (!opened) co_return fail(std::move(opened).error().context(describe(head, url)));
      lease = std::move(*opened);
    }
    ExchangeState state;
    ++state_.busy;
    auto answered = co_await lease->exchange(sent_head, body, options, state);
    if (answered) {
      // RFC 9110 10.1.1: again without the expectation, where that can be.
      bool refused = lease->head().status == 417 && sent_head.headers.contains("Expect") &&
                     (!state.body_taken || body.rewindable());
      if (!refused) {
        lease->permit = std::move(*slot);
        co_return Response(std::move(lease));
      }
      --state_.busy;
      sent_head.headers.remove("Expect");
      head.headers.remove("Expect");
      if (state.body_taken) RINGPULL_CO_CHECK(co_await body.rewind());
      fresh = true;
      continue;
    }
    --state_.busy;
    lease.reset();
    Error error = std::move(answered).error();
    bool stale = kept && !state.received_any &&
                 (error.is(ErrorKind::connection_closed) || error.is(ErrorKind::truncated));
    bool harmless = is_idempotent(head.method) || !state.sent_any;
    if (stale && harmless && body.rewindable()) {
      ++state_.stats.stale_retries;
      fresh = true;
      RINGPULL_CO_CHECK(co_await body.rewind());
      continue;
    }
    co_return fail(
        std::move(error).with_maybe_applied(state.sent_any).context(describe(head, url)));
  }
}

Origin& Pool::origin_of(const Url& url, const Proxy* proxy) {
  bool by_proxy = proxy != nullptr && url.scheme() == Scheme::http;
  const Url& peer = by_proxy ? proxy->url : url;
  auto found = origins_.find(OriginKey(peer.scheme(), by_proxy, peer.port(), peer.host()));
  if (found != origins_.end()) return *found->second;
  auto made = std::make_unique<Origin>(peer, by_proxy, state_.options.connections_per_origin_max);
  OriginKey key = made->key();
  return *origins_.emplace(key, std::move(made)).first->second;
}

Task<Result<engine::Semaphore::Permit>> Pool::wait_for_slot(Origin& origin) {
  const ClientOptions& options = state_.options;
  if (origin.slots.waiting() >= options.waiting_per_origin_max) {
    co_return fail(ErrorKind::resource_exhausted,
                   std::to_string(options.waiting_per_origin_max) +
                       " requests wait for a connection already (waiting_per_origin_max)");
  }
  auto permit = co_await origin.slots.acquire();
  if (!permit) {
    co_return fail(std::move(permit).error().context(
        "all " + std::to_string(options.connections_per_origin_max) +
        " connections are in use (connections_per_origin_max)"));
  }
  co_return permit;
}

Task<Result<Pool::Lease>> Pool::open(Origin& origin, const Url& url, const Proxy* proxy) {
  make_room(origin);
  auto transport = co_await dialer_.dial(url, proxy);
  if (!transport && transport.error().is(ErrorKind::resource_exhausted) && idle_ > 0) {
    close_idle();  // their descriptors may be what is missing
    transport = co_await dialer_.dial(url, proxy);
  }
  if (!transport) co_return fail(std::move(transport).error());
  ++state_.stats.connections_opened;
  TimePoint now = engine::Loop::current().now();
  co_return std::make_unique<PooledConnection>(std::move(*transport), state_, *this, origin, now);
}

/// With a repeated request on a fresh connection, idle ones may be left: they count too.
void Pool::make_room(Origin& origin) noexcept {
  while (origin.idle.size() > origin.slots.available()) drop(origin, 0);
}

Pool::Lease Pool::take_idle(Origin& origin) noexcept {
  TimePoint now = engine::Loop::current().now();
  while (!origin.idle.empty()) {
    Lease lease = std::move(origin.idle.back());
    origin.idle.pop_back();
    --idle_;
    if (worn_out(*lease, now)) continue;
    ++state_.stats.connections_reused;
    return lease;
  }
  return nullptr;
}

void Pool::take_back(Lease connection) noexcept {
  --state_.busy;
  engine::Semaphore::Permit permit = std::move(connection->permit);
  if (!connection->keeps()) return;
  connection->rest();
  TimePoint now = engine::Loop::current().now();
  Duration idle = announced_idle(connection->head().headers, state_.options.idle);
  connection->idle_until = now + idle;
  connection->origin.idle.push_back(std::move(connection));
  ++idle_;
  if (!sweep_.armed()) engine::Loop::current().timers().arm(sweep_, now + kSweepInterval);
}

bool Pool::worn_out(PooledConnection& connection, TimePoint now) const noexcept {
  // The jitter comes from the address: no two connections of a burst retire together.
  auto spread = reinterpret_cast<std::uintptr_t>(&connection) / 64 % 100;
  Duration age = state_.options.age - state_.options.age / 1000 * static_cast<int>(spread);
  if (now >= connection.idle_until || now - connection.born > age) return true;
  return !connection.quiet();
}

void Pool::drop(Origin& origin, std::size_t index) noexcept {
  origin.idle.erase(origin.idle.begin() + static_cast<std::ptrdiff_t>(index));
  --idle_;
}

void Pool::sweep() noexcept {
  TimePoint now = engine::Loop::current().now();
  for (auto at = origins_.begin(); at != origins_.end();) {
    Origin& origin = *at->second;
    idle_ -= std::erase_if(origin.idle, [&](const Lease& idle) { return worn_out(*idle, now); });
    bool used = !origin.idle.empty() || origin.slots.waiting() > 0 ||
                origin.slots.available() < state_.options.connections_per_origin_max;
    at = used ? std::next(at) : origins_.erase(at);
  }
  if (!origins_.empty()) engine::Loop::current().timers().arm(sweep_, now + kSweepInterval);
}

void Pool::Sweep::on_fire(engine::TimerEntry& entry) noexcept {
  static_cast<Sweep&>(entry).owner->sweep();
}

void Pool::close_idle() noexcept {
  if (sweep_.armed()) engine::Loop::current().timers().disarm(sweep_);
  for (auto& [key, origin] : origins_) origin->idle.clear();
  idle_ = 0;
}

}  // namespace ringpull::inline v0::http
