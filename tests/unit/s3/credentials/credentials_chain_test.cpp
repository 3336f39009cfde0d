// The order of the sources, who ends the search, and what is said when nobody has credentials.
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include <ringpull/s3/credentials_chain.hpp>

#include "tests/unit/s3/credentials/credentials_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_request;
using ringpull::testing::write;
using testing::answer;
using testing::CredentialsBed;
using testing::expect_failure;
using testing::expect_keys;
using testing::service_document;

/// Answers as told.
class ToldSource final : public CredentialsSource {
 public:
  ToldSource(std::string name, const ErrorKind* failure, int& asked)
      : name_(std::move(name)), failure_(failure), asked_(asked) {}
  std::string name() const override { return name_; }
  Task<Result<Credentials>> load() override {
    ++asked_;
    if (failure_ != nullptr)
      co_return fail(*failure_, "it has " + std::string(to_string(*failure_)));
    co_return Credentials(name_, Secret("canary"));
  }

 private:
  std::string name_;
  const ErrorKind* failure_;
  int& asked_;
};

const ErrorKind kAbsent = ErrorKind::not_found;
const ErrorKind kDown = ErrorKind::unavailable;

struct Told {
  int asked[3] = {0, 0, 0};
  std::unique_ptr<CredentialsChain> chain(const ErrorKind* a, const ErrorKind* b,
                                          const ErrorKind* c) {
    std::vector<std::unique_ptr<CredentialsSource>> sources;
    sources.push_back(std::make_unique<ToldSource>("A", a, asked[0]));
    sources.push_back(std::make_unique<ToldSource>("B", b, asked[1]));
    sources.push_back(std::make_unique<ToldSource>("C", c, asked[2]));
    return std::make_unique<CredentialsChain>(std::move(sources));
  }
};

Result<Credentials> load(CredentialsSource& source) {
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  return loop->run([&] { return source.load(); });
}

TEST(CredentialsChain, TakesTheFirstThatHasCredentialsAndStaysWithIt) {
  Told told;
  ErrorKind changing = ErrorKind::not_found;
  auto chain = told.chain(&changing, nullptr, nullptr);
  auto loaded = load(*chain);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->access_key_id, "B");
  EXPECT_EQ(loaded->source, "B");
  auto again = load(*chain);
  ASSERT_TRUE(again);
  EXPECT_EQ(told.asked[0], 1);
  EXPECT_EQ(told.asked[1], 2);
  EXPECT_EQ(told.asked[2], 0);
}

TEST(CredentialsChain, IsEndedByASourceThatIsThereAndFails) {
  Told told;
  auto chain = told.chain(&kAbsent, &kDown, nullptr);
  expect_failure(load(*chain), ErrorKind::unavailable, "B: it has unavailable");
  EXPECT_EQ(told.asked[2], 0);
}

TEST(CredentialsChain, SaysOfEachSourceWhyItHasNone) {
  Told told;
  auto chain = told.chain(&kAbsent, &kAbsent, &kAbsent);
  auto loaded = load(*chain);
  expect_failure(loaded, ErrorKind::unauthenticated, "no credentials were found; set AWS_ACCESS");
  for (const char* source : {"A: it has not_found; ", "B: it has not_found; ", "C: it has"}) {
    EXPECT_NE(loaded.error().message().find(source), std::string::npos) << loaded.error().message();
  }
}

ProfileOptions options_for(CredentialsBed& bed) {
  bed.environment["HOME"] = bed.files.path().string();
  bed.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = bed.url();
  ProfileOptions options;
  options.imds.try_time = 60s;
  options.container.try_time = 60s;
  options.container.relative_base = bed.url();
  return options;
}

TEST(DefaultChain, AsksTheEnvironmentTheProfileTheContainerAndTheMachine) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(answer(200, service_document("CONTAINER"))), read_request(),
                  write(answer(200, "token")), read_request(), write(answer(200, "role")),
                  read_request(), write(answer(200, service_document("MACHINE"))), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    ProfileOptions options = options_for(b);
    b.environment["AWS_ACCESS_KEY_ID"] = "ENVIRONMENT";
    b.environment["AWS_SECRET_ACCESS_KEY"] = "canary";
    b.environment["AWS_SHARED_CREDENTIALS_FILE"] = b.file("credentials",
                                                          "[default]\naws_access_key_id = PROFILE\n"
                                                          "aws_secret_access_key = canary\n"
                                                          "[other]\naws_access_key_id = OTHER\n"
                                                          "aws_secret_access_key = canary\n");
    b.environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/c";

    auto first = default_credentials_chain(b.services(), options);
    auto environment = co_await first->load();
    EXPECT_EQ(environment->access_key_id, "ENVIRONMENT");
    EXPECT_EQ(environment->source, "environment");

    ProfileOptions named = options;
    named.name = "other";
    auto second = default_credentials_chain(b.services(), named);
    auto by_name = co_await second->load();
    EXPECT_EQ(by_name->access_key_id, "OTHER") << "a profile named on purpose comes first";

    b.environment.erase("AWS_ACCESS_KEY_ID");
    b.environment.erase("AWS_SECRET_ACCESS_KEY");
    auto third = default_credentials_chain(b.services(), options);
    auto profile = co_await third->load();
    EXPECT_EQ(profile->access_key_id, "PROFILE");

    b.environment["AWS_SHARED_CREDENTIALS_FILE"] = "/nonexistent";
    auto fourth = default_credentials_chain(b.services(), options);
    auto container = co_await fourth->load();
    EXPECT_EQ(container->access_key_id, "CONTAINER");

    b.environment.erase("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    auto fifth = default_credentials_chain(b.services(), options);
    auto machine = co_await fifth->load();
    expect_keys(machine, "MACHINE");
  });
}

TEST(DefaultChain, SaysWhereItLooked) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    ProfileOptions options = options_for(b);
    b.environment["AWS_EC2_METADATA_DISABLED"] = "true";
    auto chain = default_credentials_chain(b.services(), options);
    auto loaded = co_await chain->load();
    for (const char* text : {"environment: no credentials in the environment",
                             "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
                             "profile \"default\": it is not in",
                             "container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                             "EC2 metadata service: AWS_EC2_METADATA_DISABLED is set"}) {
      expect_failure(loaded, ErrorKind::unauthenticated, text);
    }
  });
}

TEST(DefaultChain, DoesNotHideHalfAKeyBehindAnotherSource) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    ProfileOptions options = options_for(b);
    b.environment["AWS_SECRET_ACCESS_KEY"] = "canary";
    auto chain = default_credentials_chain(b.services(), options);
    auto loaded = co_await chain->load();
    expect_failure(loaded, ErrorKind::unauthenticated, "environment: AWS_SECRET_ACCESS_KEY is set");
  });
}

}  // namespace
}  // namespace ringpull::s3
