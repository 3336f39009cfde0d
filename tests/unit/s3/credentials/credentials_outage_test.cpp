// A source of credentials that is configured and cannot be asked just now: no other one takes its
// place, and nobody hears that something is missing.
#include <gtest/gtest.h>
#include <memory>
#include <vector>

#include <ringpull/engine/loop.hpp>
#include <ringpull/s3/container_credentials.hpp>
#include <ringpull/s3/credentials_chain.hpp>
#include <ringpull/s3/sts_credentials.hpp>

#include "tests/unit/s3/credentials/credentials_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using testing::CredentialsBed;
using testing::expect_failure;

/// Has credentials once.
class FadingSource final : public CredentialsSource {
 public:
  std::string name() const override { return "fading"; }
  Task<Result<Credentials>> load() override {
    if (asked_++ == 0) co_return Credentials("AKIDTEST", Secret("canary"));
    co_return fail(ErrorKind::not_found, "this machine is no EC2 instance");
  }

 private:
  int asked_ = 0;
};

Task<Result<Credentials>> load_twice(CredentialsChain& chain) {
  auto first = co_await chain.load();
  EXPECT_TRUE(first);
  auto second = co_await chain.load();
  co_return second;
}

TEST(CredentialsOutage, ASourceThatAnsweredBeforeIsUnavailable) {
  std::vector<std::unique_ptr<CredentialsSource>> sources;
  sources.push_back(std::make_unique<FadingSource>());
  CredentialsChain chain(std::move(sources));
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  auto second = loop->run([&] { return load_twice(chain); });
  expect_failure(second, ErrorKind::unavailable, "fading: this machine is no EC2 instance");
}

TEST(CredentialsOutage, AContainersServiceWithoutAnAddressIsUnavailable) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    for (const char* url : {"http://agent.invalid/c", "https://agent.invalid/c"}) {
      b.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
      ContainerOptions options;
      options.tries = 1;
      ContainerSource source(b.services(), options);
      auto loaded = co_await source.load();
      expect_failure(loaded, ErrorKind::unavailable, "agent.invalid");
    }
  });
}

TEST(CredentialsOutage, ATokenServiceWithoutAnAddressIsUnavailable) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE", b.file("token", "canary")},
                     {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"},
                     {"AWS_ENDPOINT_URL_STS", "http://sts.invalid"}};
    StsOptions options;
    options.tries = 1;
    WebIdentitySource source(b.services(), options);
    auto loaded = co_await source.load();
    expect_failure(loaded, ErrorKind::unavailable, "sts.invalid");
  });
}

}  // namespace
}  // namespace ringpull::s3
