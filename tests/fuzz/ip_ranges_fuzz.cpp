// The list of AWS's networks, with a reader of whole documents as the second opinion, and the texts
// of addresses and networks.

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloudfront/src/network/aws_ip_ranges.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace ringpull;
using cloudfront::IpAddress;
using cloudfront::IpNetwork;
using nlohmann::json;
using testing::require;

namespace {

/// The networks of a document; nothing for what is none. Of a member that is given twice the last
/// counts here and the first and last there, so such documents are not compared.
std::optional<std::vector<IpNetwork>> networks_of(std::string_view text) {
  std::vector<std::set<std::string>> names;
  bool repeated = false;
  auto look = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key) {
      repeated = repeated || !names.back().insert(value.get<std::string>()).second;
    }
    return true;
  };
  json document = json::parse(text, look, false);
  if (document.is_discarded() || repeated) return std::nullopt;
  std::vector<IpNetwork> networks;
  if (!document.is_object()) return networks;
  for (const char* list : {"prefixes", "ipv6_prefixes"}) {
    if (!document.contains(list) || !document[list].is_array()) continue;
    for (const json& entry : document[list]) {
      if (!entry.is_object()) continue;
      for (const char* name : {"ip_prefix", "ipv6_prefix"}) {
        if (!entry.contains(name) || !entry[name].is_string()) continue;
        auto network = IpNetwork::parse(entry[name].get<std::string>());
        if (network && !(entry.contains("ip_prefix") && entry.contains("ipv6_prefix"))) {
          networks.push_back(*network);
        }
      }
    }
  }
  return networks;
}

void check_list(std::string_view text) {
  auto all = cloudfront::read_aws_ip_ranges(text, std::nullopt);
  std::vector<std::string> regions = {"eu-west-3"};
  auto some = cloudfront::read_aws_ip_ranges(text, regions);
  require(all.has_value() == some.has_value(), "regions do not decide whether it is a list");
  if (all)
    require(all->table.networks() == some->table.networks() && all->regions == some->regions,
            "nor of how many networks, and of which regions");
  auto networks = networks_of(text);
  if (!networks) return;
  for (const IpNetwork& network : *networks) {
    require(all.has_value(), "a document with networks is a list");
    for (const IpAddress& address : {network.first(), network.last()}) {
      require(all->table.wants(address), "each network is found");
    }
  }
}

void check_texts(std::string_view text) {
  if (auto network = IpNetwork::parse(text)) {
    require(IpNetwork::parse(network->to_string()) == network, "a network is its text");
    require(network->contains(network->first()) && network->contains(network->last()),
            "a network contains its ends");
  }
  if (auto address = IpAddress::parse(text)) {
    require(IpAddress::parse(address->to_string()) == address, "an address is its text");
    require(IpAddress::parse_endpoint(text) == address, "an endpoint may have no port");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = testing::as_text(data, size);
  check_list(text);
  check_texts(text);
  return 0;
}
