#pragma once

// Absolute http and https URLs, and percent-encoding. Pure values: any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::http {

enum class Scheme : std::uint8_t { http, https };

std::string_view to_string(Scheme scheme) noexcept;
/// 80 or 443.
std::uint16_t default_port(Scheme scheme) noexcept;

/// An address as the resolver and TLS need to tell them apart: no DNS and no SNI for literals.
enum class HostKind : std::uint8_t { name, ipv4, ipv6 };

/// A parsed URL. Scheme and host are lower-cased; path and query stay byte for byte as given, since
/// a signature covers them ("//", "..", "%2F" and "+" all mean something to S3).
class Url {
 public:
  /// `http://localhost/`.
  Url() = default;

  /// RFC 3986 absolute form, scheme http or https. `invalid_argument` for anything else, and for
  /// user information, a fragment, control characters, spaces, bytes outside ASCII, port 0, an
  /// IPv6 zone, and the short or octal spellings of IPv4 addresses. The message quotes no query,
  /// which may hold a signature.
  static Result<Url> parse(std::string_view text);

  Scheme scheme() const noexcept { return scheme_; }
  /// Without the brackets of an IPv6 literal: what resolver, TLS and connect take.
  const std::string& host() const noexcept { return host_; }
  HostKind host_kind() const noexcept { return host_kind_; }
  /// The written port or the scheme's default.
  std::uint16_t port() const noexcept { return port_; }

  /// Path and query as they go into the request line; begins with '/'.
  const std::string& target() const noexcept { return target_; }
  /// The part of target() before the first '?'.
  std::string_view path() const noexcept;
  /// The part of target() after the first '?'; empty when there is none.
  std::string_view query() const noexcept;

  /// The Host header: IPv6 in brackets, the port only where it is not the scheme's default.
  std::string authority() const;
  /// scheme://authority: equal for URLs that may share a connection.
  std::string origin() const;
  std::string to_string() const { return origin() + target_; }

  /// The same origin with another path and query, held to the rules of parse().
  Result<Url> with_target(std::string_view target) const;

  friend bool operator==(const Url&, const Url&) = default;

 private:
  Result<void> parse_authority(std::string_view text);

  Scheme scheme_ = Scheme::http;
  HostKind host_kind_ = HostKind::name;
  std::uint16_t port_ = 80;
  std::string host_ = "localhost";
  std::string target_ = "/";
};

/// Whether '/' separates path segments (kept) or is data (%2F).
enum class Slash : std::uint8_t { encode, keep };

/// Every byte but RFC 3986's unreserved (letters, digits, "-._~") becomes %XX with capital digits:
/// SigV4's UriEncode (AWS, "Create a canonical request"), which wants '/' kept in object keys and
/// encoded in query parameters.
std::string percent_encode(std::string_view text, Slash slash);
/// As above, appended to `out`.
void percent_encode(std::string_view text, Slash slash, std::string& out);
/// `invalid_argument` for a '%' without two hexadecimal digits. '+' stays '+'.
Result<std::string> percent_decode(std::string_view text);

}  // namespace ringpull::inline v0::http
