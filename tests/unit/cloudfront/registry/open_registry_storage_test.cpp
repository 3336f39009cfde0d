// Storage made of a configuration alone. Nothing listens: redirects take no request.
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringpull/cloudfront/open_registry_storage.hpp>
#include <ringpull/engine/loop.hpp>

#include "tests/support/temp_dir.hpp"

namespace ringpull::cloudfront {
namespace {

using engine::Task;
using Opened = std::unique_ptr<OpenedRegistryStorage>;

constexpr const char* kKey = RINGPULL_SOURCE_DIR "/tests/golden/cloudfront/rsa2048-pkcs1.pem";
constexpr const char* kPath = "/docker/registry/v2/blobs/x";

std::string configuration(const std::string& more) {
  return R"(storage:
  s3:
    region: eu-west-3
    regionendpoint: http://127.0.0.1:1
    bucket: images
    rootdirectory: /reg
    accesskey: AKIDEXAMPLE
    secretkey: secret
)" + more;
}

std::string middlewares(const std::string& list) {
  return configuration("middleware:\n  storage:\n" + list);
}

std::string cloudfront(const std::string& key_file = kKey) {
  return "    - {name: cloudfront, options: {baseurl: cdn.example, privatekey: " + key_file +
         ", keypairid: K2}}\n";
}

/// What a test does with the storage, inside its loop.
using Body = Task<void> (*)(OpenedRegistryStorage&);

Task<Result<void>> with_storage(const std::string& text, Body body) {
  OpenRegistryStorageOptions options;
  options.clock = [] { return std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000)); };
  auto parsed = parse_registry_configuration(text, "config.yml", {});
  if (!parsed) co_return fail(std::move(parsed).error());
  RINGPULL_CO_TRY(Opened storage, co_await open_registry_storage(*parsed, options));
  co_await body(*storage);
  co_await storage->close();
  co_return Result<void>();
}

Result<void> run(const std::string& text, Body body) {
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  return loop->run([&] { return with_storage(text, body); });
}

Task<std::string> redirect(OpenedRegistryStorage& storage) {
  s3::RedirectOptions options;
  auto url = co_await storage.driver().redirect_url(kPath, options);
  if (!url) co_return url.error().message();
  co_return url->value_or("none");
}

TEST(OpenRegistryStorage, IsTheDriverWhereThereIsNoMiddleware) {
  auto ran = run(configuration(""), [](OpenedRegistryStorage& storage) -> Task<void> {
    EXPECT_EQ(&storage.driver(), &storage.s3().driver());
    EXPECT_EQ(storage.cloudfront(), nullptr);
    std::string url = co_await redirect(storage);
    EXPECT_TRUE(url.starts_with("http://127.0.0.1:1/images/reg/docker/registry/v2/blobs/x?"))
        << url;
    EXPECT_NE(url.find("X-Amz-Date=20231114T221320Z"), std::string::npos) << url;
  });
  EXPECT_TRUE(ran) << ran.error().message();
}

TEST(OpenRegistryStorage, PutsEachMiddlewareAroundThoseBeforeIt) {
  auto text = middlewares(cloudfront() +
                          "    - {name: rewrite, options: {host: proxy.example, scheme: http}}\n");
  auto ran = run(text, [](OpenedRegistryStorage& storage) -> Task<void> {
    EXPECT_NE(storage.cloudfront(), nullptr);
    std::string url = co_await redirect(storage);
    EXPECT_TRUE(url.starts_with("http://proxy.example/reg/docker/registry/v2/blobs/x?")) << url;
    EXPECT_NE(url.find("Expires=1700001200&"), std::string::npos) << url;
  });
  EXPECT_TRUE(ran) << ran.error().message();
}

TEST(OpenRegistryStorage, FindsKeysThroughOtherMiddlewares) {
  auto text = middlewares("    - {name: rewrite, options: {host: proxy.example}}\n" + cloudfront());
  auto ran = run(text, [](OpenedRegistryStorage& storage) -> Task<void> {
    std::string url = co_await redirect(storage);
    EXPECT_TRUE(url.starts_with("https://cdn.example/reg/docker/registry/v2/blobs/x?")) << url;
  });
  EXPECT_TRUE(ran) << ran.error().message();
}

TEST(OpenRegistryStorage, TheLastMiddlewareHasTheLastWord) {
  auto text = middlewares(cloudfront() +
                          "    - {name: redirect, options: {baseurl: http://m.example/b}}\n");
  auto ran = run(text, [](OpenedRegistryStorage& storage) -> Task<void> {
    std::string url = co_await redirect(storage);
    EXPECT_EQ(url, "http://m.example/b/docker/registry/v2/blobs/x");
  });
  EXPECT_TRUE(ran) << ran.error().message();
}

TEST(OpenRegistryStorage, GivesNoRedirectWhereTheyAreDisabled) {
  auto text =
      configuration("  redirect: {disable: true}\nmiddleware:\n  storage:\n" + cloudfront());
  auto ran = run(text, [](OpenedRegistryStorage& storage) -> Task<void> {
    EXPECT_FALSE(storage.driver().capabilities().redirects);
    std::string url = co_await redirect(storage);
    EXPECT_EQ(url, "none");
  });
  EXPECT_TRUE(ran) << ran.error().message();
}

TEST(OpenRegistryStorage, SaysWhichMiddlewareFailed) {
  // The first one has tasks of its own by then.
  auto text = middlewares(cloudfront() + cloudfront("/nowhere/key.pem"));
  auto ran = run(text, [](OpenedRegistryStorage&) -> Task<void> { co_return; });
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().kind(), ErrorKind::not_found);
  EXPECT_TRUE(ran.error().message().starts_with("config.yml:12: middleware.storage[1]: "))
      << ran.error().message();
}

}  // namespace
}  // namespace ringpull::cloudfront
