#include "http/src/client/dialer.hpp"

#include <algorithm>
#include <optional>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>

#include "http/src/client/connection.hpp"
#include "http/src/wire/time_limit.hpp"

namespace ringpull::inline v0::http {

using engine::Deadline;
using engine::SocketAddress;
using engine::Task;
using engine::TcpStream;
using engine::TimePoint;

namespace {

// More addresses than a name in use ever has; beyond, the memory of bad ones starts anew.
constexpr std::size_t kBadAddressesMax = 1024;

/// The address is to blame, not this machine or the caller.
bool blames_address(const Error& error) noexcept {
  return error.is(ErrorKind::unavailable) || error.is(ErrorKind::connection_closed) ||
         (error.is(ErrorKind::timed_out) && error.code());
}

/// Whoever reads the reason would otherwise look for the fault at the server that they named.
Error about_proxy(const Proxy& proxy, const Error& error) {
  if (error.is(ErrorKind::cancelled) || error.is(ErrorKind::timed_out)) return error;
  return Error(error).context("no way to the proxy " + proxy.url.authority() +
                              "; check its address, which is HTTP_PROXY's or HTTPS_PROXY's unless "
                              "the program gives it");
}

}  // namespace

/// What the attempts of one race share. Their tasks end before it does.
class Dialer::Race {
 public:
  std::optional<TcpStream> winner;
  std::optional<Error> error;  // of the last address that failed, or of this machine
  std::size_t running = 0;
  bool hopeless = false;
  engine::Event changed;
};

Task<Result<Transport>> Dialer::dial(const Url& url, const Proxy* proxy) {
  engine::Context& context = co_await engine::current_context();
  engine::Duration time = client_.options.limits.connect;
  Deadline limit = Deadline::after(time);
  std::string_view stage;
  auto transport = co_await engine::with_deadline(limit, dial_within(url, proxy, stage));
  if (!transport && is_own_limit(transport.error(), context)) {
    Error late = limit_passed(stage, time, "TimeLimits::connect");
    if (proxy != nullptr) late = std::move(late).context("by the proxy " + proxy->url.authority());
    co_return fail(std::move(late));
  }
  co_return transport;
}

Task<Result<Transport>> Dialer::dial_within(const Url& url, const Proxy* proxy,
                                            std::string_view& stage) {
  if (url.scheme() == Scheme::https) RINGPULL_CO_CHECK(prepare_tls());
  const Url& peer = proxy != nullptr ? proxy->url : url;
  auto connected = co_await connect(peer, stage);
  if (!connected && proxy != nullptr) co_return fail(about_proxy(*proxy, connected.error()));
  if (!connected) co_return fail(std::move(connected).error());
  TcpStream stream = std::move(*connected);
  if (url.scheme() == Scheme::http) co_return Transport(std::move(stream));
  if (proxy != nullptr) {
    stage = "the proxy opened no tunnel";
    RINGPULL_CO_TRY(stream, co_await tunnel(std::move(stream), url, *proxy));
  }
  stage = "the TLS handshake did not end";
  RINGPULL_CO_TRY(TlsStream secured,
                  co_await TlsStream::connect(std::move(stream), *tls_, url.host(), url.port()));
  co_return Transport(std::move(secured));
}

Result<void> Dialer::prepare_tls() {
  if (tls_) return {};
  RINGPULL_TRY(TlsClientContext made, TlsClientContext::create(client_.options.tls));
  tls_.emplace(std::move(made));
  return {};
}

Task<Result<TcpStream>> Dialer::connect(const Url& peer, std::string_view& stage) {
  stage = "the name was not resolved";
  RINGPULL_CO_TRY(auto addresses, co_await resolver_.resolve(peer.host(), peer.port()));
  stage = "not connected";
  if (addresses.size() == 1) {
    auto stream = co_await TcpStream::connect(addresses.front());
    co_return stream;
  }
  co_return co_await race(in_order(std::move(addresses)));
}

// The families alternate, beginning with the resolver's first; each call starts one further along,
// which spreads the load; addresses that failed lately come last.
std::vector<SocketAddress> Dialer::in_order(std::vector<SocketAddress> addresses) {
  std::vector<SocketAddress> first;
  std::vector<SocketAddress> second;
  for (const SocketAddress& address : addresses) {
    (address.family() == addresses.front().family() ? first : second).push_back(address);
  }
  ++turn_;
  std::vector<SocketAddress> good;
  std::vector<SocketAddress> bad;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    for (const auto* family : {&first, &second}) {
      if (i >= family->size()) continue;
      const SocketAddress& address = (*family)[(i + turn_) % family->size()];
      (is_bad(address) ? bad : good).push_back(address);
    }
  }
  good.insert(good.end(), bad.begin(), bad.end());
  return good;
}

Task<Result<TcpStream>> Dialer::race(std::vector<SocketAddress> addresses) {
  engine::Context& context = co_await engine::current_context();
  Race state;
  engine::Scope scope(context);
  std::size_t next = 0;
  while (!state.winner && !state.hopeless && !context.stop_requested()) {
    bool more = next < addresses.size();
    if (!more && state.running == 0) break;
    if (more) {
      ++state.running;
      scope.spawn(attempt(state, addresses[next++]));
    }
    Deadline patience = next < addresses.size() ? Deadline::after(client_.options.attempt_delay)
                                                : Deadline::never();
    state.changed.reset();
    auto waited = co_await engine::with_deadline(patience, state.changed.wait());
    (void)waited;  // a winner, a failure, or time for the next address: the loop looks
  }
  scope.request_stop();
  auto joined = co_await scope.join();
  (void)joined;
  if (state.winner) co_return std::move(*state.winner);
  if (context.stop_requested()) co_return fail(stop_error(context.stop_reason(), "connect"));
  if (state.hopeless) co_return fail(std::move(*state.error));
  co_return fail(
      std::move(*state.error)
          .context("none of " + std::to_string(addresses.size()) + " addresses can be reached"));
}

Task<void> Dialer::attempt(Race& race, SocketAddress address) {
  TimePoint begun = engine::Loop::current().now();
  auto stream = co_await TcpStream::connect(address);
  --race.running;
  race.changed.set();
  if (stream) {
    bad_until_.erase(address.to_string());
    if (!race.winner) race.winner.emplace(std::move(*stream));
    co_return;
  }
  // Stopped because another one won, or because the time was over: slow enough to come last next
  // time.
  bool slow = engine::Loop::current().now() - begun >= client_.options.attempt_delay;
  bool refused = blames_address(stream.error());
  if (refused || slow) mark_bad(address);
  race.hopeless = race.hopeless || stream.error().is(ErrorKind::resource_exhausted);
  race.error.emplace(std::move(stream).error());
}

Task<Result<TcpStream>> Dialer::tunnel(TcpStream stream, const Url& url, const Proxy& proxy) {
  bool v6 = url.host_kind() == HostKind::ipv6;
  RequestHead head("CONNECT",
                   (v6 ? "[" + url.host() + "]" : url.host()) + ":" + std::to_string(url.port()));
  head.headers.add("Host", head.target);
  if (!proxy.authorization.empty()) head.headers.add("Proxy-Authorization", proxy.authorization);
  std::string who = "proxy " + proxy.url.authority();
  Connection connection(Transport(std::move(stream)), client_);
  SpanSource nothing;
  SendOptions defaults;
  ExchangeState state;
  auto answered = co_await connection.exchange(head, nothing, defaults, state);
  if (!answered) co_return fail(std::move(answered).error().context(who));
  int status = connection.head().status;
  if (status < 200 || status > 299) {
    std::string text =
        who + " refused the tunnel to " + head.target + " with status " + std::to_string(status);
    ErrorKind kind = ErrorKind::unavailable;
    if (status == 407) {
      kind = ErrorKind::unauthenticated;
      text += proxy.authorization.empty() ? ": it wants a user and password in the proxy's URL"
                                          : ": it does not take the user and password given";
    }
    co_return fail(Error(kind, std::move(text)).with_http_status(status));
  }
  auto tunnel = connection.release_tunnel();
  if (!tunnel) co_return fail(std::move(tunnel).error().context(who));
  co_return tunnel;
}

void Dialer::mark_bad(const SocketAddress& address) {
  if (bad_until_.size() >= kBadAddressesMax) bad_until_.clear();
  bad_until_[address.to_string()] = engine::Loop::current().now() + client_.options.bad_address;
}

bool Dialer::is_bad(const SocketAddress& address) {
  auto found = bad_until_.find(address.to_string());
  if (found == bad_until_.end()) return false;
  if (found->second > engine::Loop::current().now()) return true;
  bad_until_.erase(found);
  return false;
}

}  // namespace ringpull::inline v0::http
