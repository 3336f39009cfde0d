#pragma once
// Names to addresses. HTTP clients take any Resolver, so that a test or a host can have names of
// its own; CaresResolver is the one that asks DNS.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ringpull/engine/address.hpp>
#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/task.hpp>

namespace ringpull::inline v0::engine {

/// Turns names into addresses without blocking the loop.
class Resolver {
 public:
  virtual ~Resolver() = default;

  /// All addresses of a host, with that port, never empty: a numeric address answers itself.
  /// `not_found` when the name does not exist, `unavailable` when no server could tell, `timed_out`
  /// and `cancelled` when stopped first.
  virtual Task<Result<std::vector<SocketAddress>>> resolve(std::string host,
                                                           std::uint16_t port) = 0;
};

class ResolverOptions {
 public:
  ResolverOptions() = default;

  /// "127.0.0.1:5353", comma-separated; empty: the servers of /etc/resolv.conf.
  std::string servers;
  /// One try at one server, and how many times each server is tried.
  Duration try_time = std::chrono::seconds(2);
  int tries = 3;
  /// An answer is used for its TTL, held within these: a TTL of 0 would ask for every connection,
  /// and S3's addresses change within minutes.
  Duration ttl_min = std::chrono::seconds(1);
  Duration ttl_max = std::chrono::minutes(5);
  /// "No such name" is believed for this long.
  Duration negative_ttl = std::chrono::seconds(1);
  /// When nobody answers, the last good addresses are used for this long after their TTL.
  Duration stale_max = std::chrono::minutes(10);
  /// Names remembered; beyond, the one that expires first is forgotten.
  std::size_t cache_entries_max = 1024;
};

/// DNS by c-ares: A and AAAA side by side, /etc/hosts honoured, names below .localhost are the
/// loopback addresses (RFC 6761 section 6.3), one question under way per name whoever asks. A
/// question whose askers have all been stopped runs on and fills the cache. Lives and dies on one
/// loop, outside of any resolve().
class CaresResolver final : public Resolver {
 public:
  /// `io` when c-ares cannot read the system's configuration, `invalid_argument` for bad `servers`.
  static Result<std::unique_ptr<CaresResolver>> create(
      const ResolverOptions& options = ResolverOptions());
  ~CaresResolver() override;

  Task<Result<std::vector<SocketAddress>>> resolve(std::string host, std::uint16_t port) override;

  /// Questions sent to c-ares so far; the rest came from the cache or shared one.
  std::uint64_t lookups() const noexcept;

 private:
  class Impl;
  explicit CaresResolver(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpull::inline v0::engine
