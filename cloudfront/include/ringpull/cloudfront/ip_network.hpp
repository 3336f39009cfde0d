#pragma once
// IP addresses and networks as values. An IPv4 address is the IPv6 one that it is mapped to
// (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so that one order and one comparison serve both.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpull::inline v0::cloudfront {

class IpAddress {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  IpAddress() = default;
  explicit IpAddress(const Bytes& bytes) noexcept : bytes_(bytes) {}

  /// "192.0.2.1", "2001:db8::1". Nothing for anything else, also names, ports and zones.
  static std::optional<IpAddress> parse(std::string_view text);
  /// As parse, also "192.0.2.1:443", "[2001:db8::1]" and "[2001:db8::1]:443": as sockets and
  /// proxies write it.
  static std::optional<IpAddress> parse_endpoint(std::string_view text);

  bool is_v4() const noexcept;
  const Bytes& bytes() const noexcept { return bytes_; }
  std::string to_string() const;

  auto operator<=>(const IpAddress&) const noexcept = default;

 private:
  Bytes bytes_{};
};

/// All addresses that share their first bits. Host bits are dropped: "192.0.2.77/24" is
/// 192.0.2.0/24.
class IpNetwork {
 public:
  /// One address.
  explicit IpNetwork(const IpAddress& address) noexcept : first_(address), bits_(128) {}

  /// "192.0.2.0/24", "2001:db8::/32", or one address.
  static std::optional<IpNetwork> parse(std::string_view text);

  const IpAddress& first() const noexcept { return first_; }
  IpAddress last() const noexcept;
  /// Of the 128 of the mapped form: 120 for an IPv4 /24.
  int prefix_bits() const noexcept { return bits_; }
  bool contains(const IpAddress& address) const noexcept;
  /// Always with its length: "192.0.2.1/32".
  std::string to_string() const;

  bool operator==(const IpNetwork&) const noexcept = default;

 private:
  IpNetwork(const IpAddress& address, int bits) noexcept;

  IpAddress first_;
  int bits_;
};

}  // namespace ringpull::inline v0::cloudfront
