#include "cloudfront/src/aws_ip_ranges.hpp"

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
  explicit Reader(Regions regions) : regions_(regions) {}

  std::vector<IpTable::Entry> entries;

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
    if (network) entries.emplace_back(*network, is_wanted());
    prefix_.clear();
    region_.clear();
  }
  bool is_wanted() {
    return !regions_ || std::ranges::find(*regions_, lower_case(region_)) != regions_->end();
  }

  Regions regions_;
  std::size_t depth_ = 0;
  bool in_list_ = false;
  std::string key_, prefix_, region_;
};

}  // namespace

Result<IpTable> read_aws_ip_ranges(std::string_view json, Regions regions) {
  Reader reader(regions);
  if (!nlohmann::json::sax_parse(json, &reader)) {
    return fail(ErrorKind::protocol, "the list of networks is not JSON");
  }
  if (reader.entries.empty()) {
    return fail(ErrorKind::protocol,
                "the list holds no network; it must have prefixes or ipv6_prefixes, as "
                "ip-ranges.json has");
  }
  return IpTable(std::move(reader.entries));
}

}  // namespace ringpull::inline v0::cloudfront
