// What a redirect to CloudFront costs: a signature of each kind, one that is reused, a look at the
// list of networks, and reading that list.
#include <benchmark/benchmark.h>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/cloudfront/url_signer.hpp>

#include "cloudfront/src/network/aws_ip_ranges.hpp"
#include "cloudfront/src/network/client_address.hpp"
#include "cloudfront/src/signing/signature_cache.hpp"

namespace {

using namespace ringpull;
using cloudfront::HashAlgorithm;
using cloudfront::IpAddress;
using cloudfront::Policy;
using cloudfront::PrivateKey;
using cloudfront::UrlSigner;

const std::string kUrl =
    "https://d111111abcdef8.cloudfront.net/registry/docker/registry/v2/blobs/sha256/ab/"
    "ab5df5f6a09e0ba09da1a1bbd13bc7e4b2a7b4f4cd5e6a0e6f9d3d2f1c0b9a88/data";
const cloudfront::WallTime kExpires(std::chrono::seconds(1'767'323'045));

UrlSigner make_signer(const char* key, HashAlgorithm hash) {
  cloudfront::UrlSignerOptions options;
  options.key_pair_id = "K2JCJMDEHXQW5F";
  options.hash = hash;
  std::string path = std::string(RINGPULL_SOURCE_DIR "/tests/golden/cloudfront/") + key;
  return UrlSigner::create(PrivateKey::from_pem_file(path).value(), options).value();
}

void sign(benchmark::State& state, const char* key, HashAlgorithm hash) {
  UrlSigner signer = make_signer(key, hash);
  for (auto _ : state) {
    auto url = signer.sign(kUrl, kExpires);
    benchmark::DoNotOptimize(url);
  }
}
BENCHMARK_CAPTURE(sign, rsa2048_sha1, "rsa2048-pkcs8.pem", HashAlgorithm::sha1);
BENCHMARK_CAPTURE(sign, rsa2048_sha256, "rsa2048-pkcs8.pem", HashAlgorithm::sha256);
BENCHMARK_CAPTURE(sign, p256_sha1, "p256-pkcs8.pem", HashAlgorithm::sha1);
BENCHMARK_CAPTURE(sign, p256_sha256, "p256-pkcs8.pem", HashAlgorithm::sha256);

void sign_reused(benchmark::State& state) {
  UrlSigner signer = make_signer("rsa2048-pkcs8.pem", HashAlgorithm::sha1);
  cloudfront::SignatureCache cache(10'000);
  std::vector<Policy> policies;
  for (int i = 0; i < 100; ++i) policies.emplace_back(kUrl + std::to_string(i), kExpires);
  for (const Policy& policy : policies) {
    if (!cache.query(signer, policy)) return state.SkipWithError("not signed");
  }
  std::size_t next = 0;
  for (auto _ : state) {
    const Policy& policy = policies[next++ % policies.size()];
    auto query = cache.query(signer, policy);
    std::string url = cloudfront::with_query(policy.resource, **query);
    benchmark::DoNotOptimize(url);
  }
  if (cache.made() != policies.size()) state.SkipWithError("signed again");
}
BENCHMARK(sign_reused);

/// As long as AWS's: some ten thousand networks in 2 MiB of text.
std::string make_list() {
  std::mt19937 random(20260102);
  std::string list = R"({"syncToken": "1767323045", "prefixes": [)";
  for (int i = 0; i < 10'000; ++i) {
    if (i > 0) list += ",";
    list += "\n    {\n      \"ip_prefix\": \"" + std::to_string(3 + random() % 200) + "." +
            std::to_string(random() % 256) + "." + std::to_string(random() % 256) + ".0/" +
            std::to_string(12 + random() % 16) + "\",\n      \"region\": \"eu-west-" +
            std::to_string(random() % 4) +
            "\",\n      \"service\": \"AMAZON\",\n      \"network_border_group\": \"eu-west-3\""
            "\n    }";
  }
  return list + "]}";
}

void read_list(benchmark::State& state) {
  std::string list = make_list();
  std::vector<std::string> regions = {"eu-west-3"};
  for (auto _ : state) {
    auto ranges = cloudfront::read_aws_ip_ranges(list, regions);
    benchmark::DoNotOptimize(ranges);
  }
  state.counters["list_bytes"] = static_cast<double>(list.size());
}
BENCHMARK(read_list)->Unit(benchmark::kMillisecond);

void find_client(benchmark::State& state) {
  std::vector<std::string> regions = {"eu-west-3"};
  auto table = cloudfront::read_aws_ip_ranges(make_list(), regions).value().table;
  std::vector<cloudfront::IpNetwork> proxies = {cloudfront::IpNetwork::parse("10.0.0.0/8").value()};
  s3::ClientFacts client;
  client.peer_address = "10.0.0.1:5000";
  std::mt19937 random(1);
  std::vector<std::string> addresses;
  for (int i = 0; i < 1000; ++i) {
    addresses.push_back(std::to_string(random() % 224) + "." + std::to_string(random() % 256) +
                        ".7.9");
  }
  std::size_t next = 0;
  for (auto _ : state) {
    client.forwarded_for = addresses[next++ % addresses.size()];
    auto address = cloudfront::client_address(client, proxies);
    bool near = address && table.wants(*address);
    benchmark::DoNotOptimize(near);
  }
  state.counters["networks"] = static_cast<double>(table.networks());
}
BENCHMARK(find_client);

}  // namespace

BENCHMARK_MAIN();
