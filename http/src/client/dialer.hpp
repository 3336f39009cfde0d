#pragma once
// The way to a new connection, for the pool when it keeps none that serves. One per client, since
// it remembers which addresses failed.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/tcp.hpp>
#include <ringpull/http/client.hpp>

#include "http/src/client/client_state.hpp"
#include "http/src/wire/transport.hpp"

namespace ringpull::inline v0::http {

/// Opens connections: resolves, races the addresses (RFC 8305), remembers the ones that failed,
/// goes through proxies, shakes hands.
class Dialer {
 public:
  /// Both outlive the dialer.
  Dialer(ClientState& client, engine::Resolver& resolver) noexcept
      : client_(client), resolver_(resolver) {}

  /// A transport to the origin of `url`, through `proxy` unless null. `timed_out` after
  /// TimeLimits::connect.
  engine::Task<Result<Transport>> dial(const Url& url, const Proxy* proxy);

  /// Loads authorities and certificates; else the first https connection does. Reading the system's
  /// authorities takes tens of milliseconds, which a client of plain HTTP is spared.
  Result<void> prepare_tls();

 private:
  class Race;

  engine::Task<Result<Transport>> dial_within(const Url& url, const Proxy* proxy,
                                              std::string_view& stage);
  engine::Task<Result<engine::TcpStream>> connect(const Url& peer, std::string_view& stage);
  engine::Task<Result<engine::TcpStream>> race(std::vector<engine::SocketAddress> addresses);
  engine::Task<void> attempt(Race& race, engine::SocketAddress address);
  engine::Task<Result<engine::TcpStream>> tunnel(engine::TcpStream stream, const Url& url,
                                                 const Proxy& proxy);
  std::vector<engine::SocketAddress> in_order(std::vector<engine::SocketAddress> addresses);
  void mark_bad(const engine::SocketAddress& address);
  bool is_bad(const engine::SocketAddress& address);

  ClientState& client_;
  engine::Resolver& resolver_;
  std::optional<TlsClientContext> tls_;
  std::unordered_map<std::string, engine::TimePoint> bad_until_;
  std::size_t turn_ = 0;
};

}  // namespace ringpull::inline v0::http
