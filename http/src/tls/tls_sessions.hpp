#pragma once
// What spares a client full handshakes with servers it knows. In memory only; one per
// TlsClientContext, so for one loop.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "http/src/tls/tls_openssl.hpp"

namespace ringpull::inline v0::http::detail {

/// Sessions that a client may resume, by origin ("host:port"); the caller keeps apart what was
/// verified differently. Bounded both ways: the oldest of an origin, and the origin not used for
/// longest, go first.
class TlsSessions {
 public:
  TlsSessions(std::size_t per_origin_max, std::size_t origins_max)
      : per_origin_max_(per_origin_max), origins_max_(origins_max) {}

  void put(const std::string& origin, SslSessionPtr session);
  /// The newest one that is still good, or null. A TLS 1.3 ticket is given out once (RFC 8446
  /// C.4: reuse lets an observer link connections); a TLS 1.2 session stays.
  SslSessionPtr take(const std::string& origin);
  std::size_t size() const noexcept;

 private:
  struct Origin {
    std::deque<SslSessionPtr> sessions;
    std::uint64_t used = 0;
  };
  void evict_oldest_origin();

  std::unordered_map<std::string, Origin> origins_;
  std::size_t per_origin_max_;
  std::size_t origins_max_;
  std::uint64_t clock_ = 0;
};

}  // namespace ringpull::inline v0::http::detail
