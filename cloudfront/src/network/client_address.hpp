#pragma once
// Who a request really comes from.

#include <optional>
#include <span>

#include <ringpull/cloudfront/ip_network.hpp>
#include <ringpull/s3/storage_driver.hpp>

namespace ringpull::inline v0::cloudfront {

/// The peer; where that is trusted, the last address of X-Forwarded-For that is not, else its first
/// one: each proxy appends the address that it saw, so what stands in front of an untrusted one is
/// anybody's invention. X-Real-Ip only without X-Forwarded-For. Nothing where the deciding value is
/// no address.
std::optional<IpAddress> client_address(const s3::ClientFacts& client,
                                        std::span<const IpNetwork> trusted);

}  // namespace ringpull::inline v0::cloudfront
