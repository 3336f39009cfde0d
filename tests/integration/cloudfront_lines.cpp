// Signs for CloudFront: one JSON object per line in, one out.
//
//     cloudfront_lines                        {"key": FILE, "id": "K1", "hash": "sha1", "url": ...,
//                                             "resource": ..., "expires": 1, "not_before": 1,
//                                             "source": "192.0.2.0/24"}
//                                             -> {"policy": ..., "url": ..., "cookies": ...}
//     cloudfront_lines CONFIG.YML             {"path": "/a", "method": "HEAD",
//                                             "peer": "192.0.2.1:80", "forwarded_for": ...}
//                                             -> {"url": ...}
//
// The first form is for cloudfront_signer_test.py; the second opens the storage that a registry's
// configuration describes, for the clients in cloudfront_edge_test.py that stand behind proxies. A
// failure is {"error": text}.

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include <ringpull/cloudfront/open_registry_storage.hpp>
#include <ringpull/cloudfront/url_signer.hpp>
#include <ringpull/engine/loop.hpp>

namespace {

using nlohmann::json;
using namespace ringpull;
using engine::Task;

std::string text(const json& line, const char* name) { return line.value(name, std::string()); }

json refused(const Error& error) { return json{{"error", error.message()}}; }

json pairs_of(const std::vector<cloudfront::Cookie>& cookies) {
  json pairs = json::array();
  for (const auto& cookie : cookies) pairs.push_back({cookie.name, cookie.value});
  return pairs;
}

cloudfront::WallTime time_of(const json& seconds) {
  return cloudfront::WallTime(std::chrono::seconds(seconds.get<std::int64_t>()));
}

Result<json> sign(const json& line) {
  RINGPULL_TRY(auto key, cloudfront::PrivateKey::from_pem_file(text(line, "key")));
  cloudfront::UrlSignerOptions options;
  options.key_pair_id = text(line, "id");
  if (text(line, "hash") == "sha256") options.hash = cloudfront::HashAlgorithm::sha256;
  RINGPULL_TRY(auto signer, cloudfront::UrlSigner::create(std::move(key), options));
  std::string url = text(line, "url");
  cloudfront::Policy policy(text(line, "resource"), time_of(line.at("expires")));
  if (line.contains("not_before")) policy.not_before = time_of(line.at("not_before"));
  if (line.contains("source")) {
    policy.source_ip = cloudfront::IpNetwork::parse(text(line, "source"));
  }
  bool custom = cloudfront::needs_custom_policy(policy, url);
  json answer;
  answer["policy"] =
      custom ? cloudfront::custom_policy(policy) : cloudfront::canned_policy(url, policy.expires);
  RINGPULL_TRY(answer["url"], signer.sign(url, policy));
  RINGPULL_TRY(auto cookies, signer.sign_cookies(policy));
  answer["cookies"] = pairs_of(cookies);
  return answer;
}

Task<Result<json>> redirect(cloudfront::OpenedRegistryStorage& storage, const json& line) {
  s3::RedirectOptions options;
  if (text(line, "method") == "HEAD") options.method = s3::RedirectMethod::head;
  options.client.peer_address = text(line, "peer");
  options.client.forwarded_for = text(line, "forwarded_for");
  std::string path = text(line, "path");
  json answer;
  RINGPULL_CO_TRY(auto url, co_await storage.driver().redirect_url(path, options));
  answer["url"] = url.value_or("");
  co_return answer;
}

void print(const Result<json>& answer) {
  std::cout << (answer ? *answer : refused(answer.error())).dump() << std::endl;
}

Task<void> answer_lines(cloudfront::OpenedRegistryStorage& storage) {
  if (storage.cloudfront() != nullptr) {
    auto ready = co_await storage.cloudfront()->ready();
    if (!ready) std::cerr << ready.error().message() << '\n';
  }
  std::string input;
  while (std::getline(std::cin, input)) {
    json line = json::parse(input);
    auto answer = co_await redirect(storage, line);
    print(answer);
  }
}

Task<int> serve(std::string path) {
  cloudfront::OpenRegistryStorageOptions options;
  options.on_notice = [](std::string_view notice) { std::cerr << notice << '\n'; };
  auto opened = co_await cloudfront::open_registry_storage(path, options);
  if (!opened) {
    std::cerr << opened.error().message() << '\n';
    co_return 1;
  }
  co_await answer_lines(**opened);
  co_await (*opened)->close();
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    for (std::string input; std::getline(std::cin, input);) print(sign(json::parse(input)));
    return 0;
  }
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  return loop->run([&] { return serve(argv[1]); });
}
