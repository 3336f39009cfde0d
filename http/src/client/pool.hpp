#pragma once
// The inside of Client: which connection carries a request, who waits for one, what is kept
// afterwards, and whether a request is repeated at once. One loop.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/timer_queue.hpp>
#include <ringpull/http/client.hpp>

#include "http/src/client/client_state.hpp"
#include "http/src/client/connection.hpp"
#include "http/src/client/dialer.hpp"

namespace ringpull::inline v0::http {

/// What connections are kept for: an origin, or a proxy that serves all plain origins.
class OriginKey {
 public:
  OriginKey(Scheme scheme_in, bool proxy_in, std::uint16_t port_in, std::string_view host_in)
      : host(host_in), port(port_in), scheme(scheme_in), proxy(proxy_in) {}
  std::string_view host;
  std::uint16_t port;
  Scheme scheme;
  bool proxy;
  auto operator<=>(const OriginKey&) const = default;
};

class Origin {
 public:
  Origin(const Url& url, bool proxy_in, std::size_t connections)
      : slots(connections),
        host(url.host()),
        authority(url.authority()),
        port(url.port()),
        scheme(url.scheme()),
        proxy(proxy_in) {}
  OriginKey key() const noexcept { return OriginKey(scheme, proxy, port, host); }

  /// One unit per connection that carries a request or is being opened for one. Idle ones need
  /// none: a request takes an idle one before it opens another, so the sum stays within the bound.
  engine::Semaphore slots;
  std::vector<std::unique_ptr<PooledConnection>> idle;  // the newest last
  const std::string host;
  const std::string authority;  // what the Host header says
  const std::uint16_t port;
  const Scheme scheme;
  const bool proxy;
};

/// A connection with what the pool knows of it.
class PooledConnection final : public Connection {
 public:
  PooledConnection(Transport transport, ClientState& client, Pool& pool_in, Origin& origin_in,
                   engine::TimePoint now)
      : Connection(std::move(transport), client), pool(pool_in), origin(origin_in), born(now) {}

  Pool& pool;
  Origin& origin;
  const engine::TimePoint born;
  engine::TimePoint idle_until;
  engine::Semaphore::Permit permit;  // while it carries a request
};

/// The kept connections of one Client, and the way to a usable one.
class Pool {
 public:
  Pool(const ClientOptions& options, engine::Resolver& resolver);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  engine::Task<Result<Response>> send(const Url& url, RequestHead& head, BodySource& body,
                                      SendOptions options);
  engine::Task<Result<Response>> send(const Url& url, RequestHead& head) {
    return send(url, head, nothing_, SendOptions());
  }
  /// The end of a response: keeps the connection where that is possible, closes it otherwise.
  void take_back(std::unique_ptr<PooledConnection> connection) noexcept;

  Result<void> prepare_tls() { return dialer_.prepare_tls(); }
  void close_idle() noexcept;
  std::size_t idle() const noexcept { return idle_; }
  const ClientState& state() const noexcept { return state_; }

 private:
  struct Sweep : engine::TimerEntry {
    explicit Sweep(Pool& pool) noexcept : TimerEntry(&Sweep::on_fire), owner(&pool) {}
    static void on_fire(engine::TimerEntry& entry) noexcept;
    Pool* owner;
  };
  using Lease = std::unique_ptr<PooledConnection>;

  Origin& origin_of(const Url& url, const Proxy* proxy);
  engine::Task<Result<engine::Semaphore::Permit>> wait_for_slot(Origin& origin);
  engine::Task<Result<Lease>> open(Origin& origin, const Url& url, const Proxy* proxy);
  Lease take_idle(Origin& origin) noexcept;
  void make_room(Origin& origin) noexcept;
  void drop(Origin& origin, std::size_t index) noexcept;
  bool worn_out(PooledConnection& connection, engine::TimePoint now) const noexcept;
  void sweep() noexcept;

  ClientState state_;
  Dialer dialer_;
  SpanSource nothing_;
  std::map<OriginKey, std::unique_ptr<Origin>> origins_;  // the keys look into the origins
  Sweep sweep_{*this};
  std::size_t idle_ = 0;
};

}  // namespace ringpull::inline v0::http
