#include "cloudfront/src/network/ip_table.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

namespace ringpull::inline v0::cloudfront {
namespace {

/// Nothing behind the last address of all.
std::optional<IpAddress> next(const IpAddress& address) {
  IpAddress::Bytes bytes = address.bytes();
  for (std::size_t i = bytes.size(); i-- > 0;) {
    if (++bytes[i] != 0) return IpAddress(bytes);
  }
  return std::nullopt;
}

/// Larger networks before those inside them.
bool comes_before(const IpTable::Entry& a, const IpTable::Entry& b) {
  return std::make_tuple(a.network.first(), a.network.prefix_bits(), !a.wanted) <
         std::make_tuple(b.network.first(), b.network.prefix_bits(), !b.wanted);
}

}  // namespace

/// Goes through the networks in order and keeps those that contain the current place.
class IpTable::Builder {
 public:
  explicit Builder(std::vector<Span>& spans) : spans_(spans) {}

  void enter(const Entry& entry) {
    leave_until(entry.network.first());
    open_.push_back(&entry);
    begin(entry.network.first(), entry.wanted);
  }
  void finish() {
    while (!open_.empty()) leave();
  }

 private:
  void leave_until(const IpAddress& place) {
    while (!open_.empty() && open_.back()->network.last() < place) leave();
  }
  void leave() {
    auto behind = next(open_.back()->network.last());
    open_.pop_back();
    if (behind) begin(*behind, !open_.empty() && open_.back()->wanted);
  }
  void begin(const IpAddress& first, bool wanted) {
    if (!spans_.empty() && spans_.back().first == first) spans_.pop_back();
    bool before = !spans_.empty() && spans_.back().wanted;
    if (before != wanted) spans_.push_back(Span{first, wanted});
  }

  std::vector<Span>& spans_;
  std::vector<const Entry*> open_;
};

IpTable::IpTable(std::vector<Entry> entries) {
  std::ranges::sort(entries, comes_before);
  auto repeated = std::ranges::unique(entries, {}, &Entry::network);
  entries.erase(repeated.begin(), repeated.end());
  networks_ = entries.size();
  Builder builder(spans_);
  for (const Entry& entry : entries) builder.enter(entry);
  builder.finish();
  spans_.shrink_to_fit();
}

bool IpTable::wants(const IpAddress& address) const noexcept {
  auto behind = std::ranges::upper_bound(spans_, address, {}, &Span::first);
  return behind != spans_.begin() && std::prev(behind)->wanted;
}

}  // namespace ringpull::inline v0::cloudfront
