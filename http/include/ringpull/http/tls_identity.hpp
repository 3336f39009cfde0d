#pragma once

// Certificates made on the spot, for a sandbox and for tests.

#include <span>
#include <string>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::http {

/// A server certificate with its key, and the authority that signed it.
struct TlsIdentity {
  TlsIdentity() = default;
  std::string certificate_pem;
  std::string key_pem;
  /// What a client passes as its CA bundle. The authority's key is gone: it signs nothing else.
  std::string ca_pem;
};

class TlsIdentityOptions {
 public:
  TlsIdentityOptions() = default;
  /// Days from now; it begins an hour ago, for clocks that differ. 30: long for a sandbox, short
  /// for a leak.
  int valid_days = 30;
};

/// A fresh authority and a server certificate for `names` (host names, wildcards, IP addresses;
/// at least one), P-256 keys. `invalid_argument` for no names, `tls` when OpenSSL refuses.
Result<TlsIdentity> make_tls_identity(std::span<const std::string> names,
                                      const TlsIdentityOptions& options = TlsIdentityOptions());

}  // namespace ringpull::inline v0::http
