#include "cloudfront/src/network/aws_ip_ranges.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace ringpull::inline v0::cloudfront {
namespace {

using Regions = std::optional<std::span<const std::string>>;

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return text;
}

/// Takes the entries while the text is read, without a tree of it in memory:
///
///     {"prefixes": [{"ip_prefix": "3.5.140.0/22", "region": "ap-northeast-2", ...}, ...],
///      "ipv6_prefixes": [{"ipv6_prefix": "2600:1f00::/40", "region": "...", ...}, ...], ...}
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Reader(Regions wanted) : wanted_(wanted) {}

  std::vector<IpTable::Entry> entries;
  std::set<std::string, std::less<>> regions;

  bool start_object(std::size_t) override { return descend(); }
  bool end_object() override {
    if (depth_ == kEntryDepth && in_list_) take_entry();
    return ascend();
  }
  bool start_array(std::size_t) override {
    if (depth_ == 1) in_list_ = key_ == "prefixes" || key_ == "ipv6_prefixes";
    return descend();
  }
  bool end_array() override {
    if (depth_ == 2) in_list_ = false;
    return ascend();
  }
  bool key(string_t& name) override {
    key_.swap(name);
    return true;
  }
  bool string(string_t& value) override {
    if (depth_ != kEntryDepth || !in_list_) return true;
    if (key_ == "ip_prefix" || key_ == "ipv6_prefix") prefix_.swap(value);
    if (key_ == "region") region_.swap(value);
    return true;
  }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  static constexpr std::size_t kEntryDepth = 3;

  bool descend() {
    ++depth_;
    return true;
  }
  bool ascend() {
    --depth_;
    return true;
  }
  void take_entry() {
    auto network = IpNetwork::parse(prefix_);
    std::string region = lower_case(std::exchange(region_, {}));
    prefix_.clear();
    if (!network) return;
    entries.emplace_back(*network, is_wanted(region));
    if (!region.empty() && region.size() <= kRegionBytesMax) regions.insert(std::move(region));
  }
  bool is_wanted(const std::string& region) const {
    return !wanted_ || std::ranges::find(*wanted_, region) != wanted_->end();
  }

  Regions wanted_;
  std::size_t depth_ = 0;
  bool in_list_ = false;
  std::string key_, prefix_, region_;
};

}  // namespace

Result<AwsIpRanges> read_aws_ip_ranges(std::string_view json, Regions regions) {
  Reader reader(regions);
  if (!nlohmann::json::sax_parse(json, &reader)) {
    return fail(ErrorKind::protocol, "the list of networks is not JSON");
  }
  if (reader.entries.empty()) {
    return fail(ErrorKind::protocol,
                "the list holds no network; it must have prefixes or ipv6_prefixes, as "
                "ip-ranges.json has");
  }
  AwsIpRanges ranges;
  ranges.table = IpTable(std::move(reader.entries));
  ranges.regions = std::move(reader.regions);
  return ranges;
}

}  // namespace ringpull::inline v0::cloudfront
