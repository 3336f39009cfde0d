#include "cloudfront/src/network/client_address.hpp"

#include <algorithm>

namespace ringpull::inline v0::cloudfront {
namespace {

bool is_trusted(const IpAddress& address, std::span<const IpNetwork> trusted) {
  return std::ranges::any_of(trusted,
                             [&](const IpNetwork& network) { return network.contains(address); });
}

/// Cuts the last member off a comma-separated list.
std::string_view take_last(std::string_view& list) {
  auto comma = list.rfind(',');
  std::string_view member = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
  while (member.starts_with(' ') || member.starts_with('\t')) member.remove_prefix(1);
  while (member.ends_with(' ') || member.ends_with('\t')) member.remove_suffix(1);
  return member;
}

}  // namespace

std::optional<IpAddress> client_address(const s3::ClientFacts& client,
                                        std::span<const IpNetwork> trusted) {
  auto address = IpAddress::parse_endpoint(client.peer_address);
  if (!address || !is_trusted(*address, trusted)) return address;
  if (client.forwarded_for.empty()) {
    return client.real_ip.empty() ? address : IpAddress::parse_endpoint(client.real_ip);
  }
  std::string_view list = client.forwarded_for;
  while (!list.empty() && address && is_trusted(*address, trusted)) {
    address = IpAddress::parse_endpoint(take_last(list));
  }
  return address;
}

}  // namespace ringpull::inline v0::cloudfront
