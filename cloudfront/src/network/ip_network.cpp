#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <netinet/in.h>

#include <ringpull/cloudfront/ip_network.hpp>

namespace ringpull::inline v0::cloudfront {
namespace {

constexpr std::size_t kMappedBytes = 12;  // ::ffff: in front of an IPv4 address
constexpr int kMappedBits = 96;
constexpr IpAddress::Bytes kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// The bits of byte `index` that belong to a prefix.
std::uint8_t mask(int prefix_bits, std::size_t index) {
  int bits = std::clamp(prefix_bits - static_cast<int>(8 * index), 0, 8);
  return static_cast<std::uint8_t>(0xff00U >> bits);
}

std::optional<int> parse_bits(std::string_view text, int most) {
  int bits = 0;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), bits);
  bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  bool plain = whole && (text.size() == 1 || text.front() != '0');
  if (!plain || bits < 0 || bits > most) return std::nullopt;
  return bits;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton(3) wants a terminated text, and nothing longer is an address.
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::ranges::copy(text, terminated.begin());
  Bytes bytes{};
  if (inet_pton(AF_INET6, terminated.data(), bytes.data()) == 1) return IpAddress(bytes);
  bytes = kMappedPrefix;
  if (inet_pton(AF_INET, terminated.data(), bytes.data() + kMappedBytes) != 1) return std::nullopt;
  return IpAddress(bytes);
}

std::optional<IpAddress> IpAddress::parse_endpoint(std::string_view text) {
  if (text.starts_with('[')) {
    auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view behind = text.substr(end + 1);
    if (!behind.empty() && behind.front() != ':') return std::nullopt;
    return parse(text.substr(1, end - 1));
  }
  bool with_port = std::ranges::count(text, ':') == 1;
  return parse(with_port ? text.substr(0, text.find(':')) : text);
}

bool IpAddress::is_v4() const noexcept {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.begin() + kMappedBytes, bytes_.begin());
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    inet_ntop(AF_INET, bytes_.data() + kMappedBytes, text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  }
  return text.data();
}

IpNetwork::IpNetwork(const IpAddress& address, int bits) noexcept : bits_(bits) {
  IpAddress::Bytes bytes = address.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] &= mask(bits, i);
  first_ = IpAddress(bytes);
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  auto slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return IpNetwork(*address);
  // By its spelling: "::ffff:192.0.2.0/120" counts IPv6's bits.
  bool dotted = text.find(':') == std::string_view::npos;
  int family_bits = dotted ? 128 - kMappedBits : 128;
  auto bits = parse_bits(text.substr(slash + 1), family_bits);
  if (!bits) return std::nullopt;
  return IpNetwork(*address, *bits + (dotted ? kMappedBits : 0));
}

IpAddress IpNetwork::last() const noexcept {
  IpAddress::Bytes bytes = first_.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(bytes[i] | static_cast<std::uint8_t>(~mask(bits_, i)));
  }
  return IpAddress(bytes);
}

bool IpNetwork::contains(const IpAddress& address) const noexcept {
  return first_ <= address && address <= last();
}

std::string IpNetwork::to_string() const {
  bool v4 = first_.is_v4() && bits_ >= kMappedBits;
  return first_.to_string() + "/" + std::to_string(v4 ? bits_ - kMappedBits : bits_);
}

}  // namespace ringpull::inline v0::cloudfront
