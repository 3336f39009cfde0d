#include "tests/unit/cloudfront/middleware/middleware_bed.hpp"

#include <filesystem>
#include <fstream>
#include <utility>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/timer.hpp>

namespace ringpull::cloudfront::testing {

using engine::Task;
using ringpull::testing::ScriptedPeer;
using ringpull::testing::ShiftedClock;

std::string golden(const std::string& name) {
  return RINGPULL_SOURCE_DIR "/tests/golden/cloudfront/" + name;
}

MiddlewareBed::MiddlewareBed() {
  options.base_url = http::Url::parse("https://cdn.example.com/").value();
  options.keys.emplace_back(golden("rsa2048-pkcs1.pem"), "K2JCJMDEHXQW5F");
  options.clock = [this] { return now; };
  options.on_notice = [this](std::string_view text) { notices.emplace_back(text); };
}

void MiddlewareBed::run(Body body) {
  auto clock =
      std::make_unique<ShiftedClock>(engine::make_backend(engine::BackendOptions()).value());
  clock_ = clock.get();
  auto loop = engine::Loop::create(std::move(clock), engine::LoopOptions());
  loop->run([&] { return both(body); });
}

Task<void> MiddlewareBed::both(Body body) {
  peer = std::make_unique<ScriptedPeer>(ScriptedPeer::create(std::move(scripts)).value());
  http::ClientOptions http_options;
  http_ = http::Client::create(http_options, resolver_).value();
  options.http = http_.get();
  options.ip_ranges_url = http::Url::parse(peer->url("/ip-ranges.json")).value();
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(peer->run());
  auto created = CloudFrontMiddleware::create(options, driver);
  EXPECT_TRUE(created) << created.error().message();
  if (created) {
    middleware = std::move(*created);
    co_await body(*this);
    co_await middleware->close();
    middleware.reset();
  }
  http_.reset();
  scope.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  peer.reset();
}

Task<void> MiddlewareBed::advance(std::chrono::seconds by) {
  now += by;
  clock_->advance(by);
  // Some turns of the loop: whatever is ready happens, and the moved clock is seen.
  for (int i = 0; i < 4; ++i) {
    auto slept = co_await engine::sleep_for(std::chrono::microseconds(1));
    EXPECT_TRUE(slept);
  }
}

Task<std::string> MiddlewareBed::redirect(std::string path, std::string client) {
  s3::RedirectOptions redirect_options;
  redirect_options.client.peer_address = std::move(client);
  auto url = co_await redirect(std::move(path), redirect_options);
  co_return url;
}

Task<std::string> MiddlewareBed::redirect(std::string path, const s3::RedirectOptions& redirect) {
  auto url = co_await middleware->redirect_url(path, redirect);
  if (!url) co_return "[" + std::string(to_string(url.error().kind())) + "]";
  co_return url->value_or("none");
}

Task<void> MiddlewareBed::ready() {
  auto is_ready = co_await middleware->ready();
  EXPECT_TRUE(is_ready);
}

void MiddlewareBed::put_key(const std::string& name, const std::string& golden_key) {
  std::filesystem::copy_file(golden(golden_key), files.file(name + ".new"));
  std::filesystem::rename(files.file(name + ".new"), files.file(name));
}

void MiddlewareBed::put_file(const std::string& name, const std::string& text) {
  std::ofstream(files.file(name + ".new"), std::ios::binary) << text;
  std::filesystem::rename(files.file(name + ".new"), files.file(name));
}

std::string MiddlewareBed::signed_url(const std::string& url, std::chrono::seconds expiry) const {
  UrlSignerOptions signer_options;
  signer_options.key_pair_id = options.keys.front().key_pair_id;
  signer_options.hash = options.hash;
  auto key = PrivateKey::from_pem_file(options.keys.front().path);
  auto signer = UrlSigner::create(key.value(), signer_options);
  return signer->sign(url, now + expiry).value();
}

std::string answer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string list_of(const std::string& network) {
  return R"({"syncToken": "1", "prefixes": [{"ip_prefix": ")" + network +
         R"(", "region": "us-east-1", "service": "EC2"}], "ipv6_prefixes": []})";
}

std::string parameter(const std::string& url, const std::string& name) {
  auto begin = url.find(name + "=");
  EXPECT_NE(begin, std::string::npos) << url;
  if (begin == std::string::npos) return "";
  begin += name.size() + 1;
  return url.substr(begin, url.find('&', begin) - begin);
}

}  // namespace ringpull::cloudfront::testing
