// A user of the installed package. What matters is that every component compiles and links.
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include <ringpull/cloudfront/registry_configuration.hpp>
#include <ringpull/cloudfront/url_signer.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/sigv4.hpp>

namespace {

ringpull::engine::Task<ringpull::Result<std::string>> host_of(std::string text) {
  auto url = ringpull::http::Url::parse(text);
  if (!url) co_return ringpull::fail(std::move(url).error().context("read the endpoint"));
  co_return url->host();
}

ringpull::engine::Task<ringpull::Result<std::string>> endpoint_host() {
  std::string text = "https://bucket.s3.eu-central-1.amazonaws.com/key";
  auto host = co_await host_of(text);
  co_return host;
}

}  // namespace

int main() {
  auto key = ringpull::cloudfront::PrivateKey::from_pem("not a key");
  if (key || key.error().kind() != ringpull::ErrorKind::invalid_argument) return 1;
  auto configuration = ringpull::cloudfront::parse_registry_configuration(
      "storage: {s3: {region: eu-west-3, bucket: images}}", "config.yml", {});
  if (!configuration || configuration->s3.bucket.str() != "images") return 5;
  if (ringpull::s3::amz_date(std::chrono::sys_seconds{}) != "19700101T000000Z") return 2;

  auto loop = ringpull::engine::Loop::create(ringpull::engine::LoopOptions());
  if (!loop) {
    std::fprintf(stderr, "%s\n", loop.error().message().c_str());
    return 3;
  }
  auto host = (*loop)->run(endpoint_host);
  return host && *host == "bucket.s3.eu-central-1.amazonaws.com" ? 0 : 4;
}
