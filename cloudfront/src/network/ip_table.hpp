#pragma once
// Which networks an address belongs to, for thousands of them.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ringpull/cloudfront/ip_network.hpp>

namespace ringpull::inline v0::cloudfront {

/// Answers by the longest prefix: of all networks that contain an address the smallest decides.
/// Immutable.
///
/// The networks are cut into spans that do not overlap, sorted by their first addresses, so that a
/// question is one binary search in an array instead of one per prefix length.
class IpTable {
 public:
  struct Entry {
    Entry(const IpNetwork& network_in, bool wanted_in) : network(network_in), wanted(wanted_in) {}
    IpNetwork network;
    bool wanted;
  };

  IpTable() = default;
  /// A network that stands there twice is wanted where one of them is.
  explicit IpTable(std::vector<Entry> entries);

  /// False also for an address that no network contains.
  bool wants(const IpAddress& address) const noexcept;
  /// How many different networks it was made of.
  std::size_t networks() const noexcept { return networks_; }

 private:
  class Builder;
  // Of the span that begins here and ends before the next one.
  struct Span {
    IpAddress first;
    bool wanted;
  };
  std::vector<Span> spans_;
  std::size_t networks_ = 0;
};

}  // namespace ringpull::inline v0::cloudfront
