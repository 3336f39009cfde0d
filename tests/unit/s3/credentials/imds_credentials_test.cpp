// EC2's metadata service, played by a script.
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/s3/imds_credentials.hpp>

#include "tests/unit/s3/credentials/credentials_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_request;
using ringpull::testing::repeated;
using ringpull::testing::reset;
using ringpull::testing::write;
using testing::answer;
using testing::CredentialsBed;
using testing::expect_failure;
using testing::expect_keys;
using testing::Script;
using testing::service_document;

constexpr const char* kEndpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const std::string kTokenAnswer =
    answer(200, "the-canary-of-the-service", "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n");

ImdsOptions patient() {
  ImdsOptions options;
  options.try_time = 60s;
  return options;
}

/// For services that never answer.
ImdsOptions impatient() {
  ImdsOptions options;
  options.try_time = 20ms;
  return options;
}

Task<Result<Credentials>> load(CredentialsBed& bed, ImdsOptions options) {
  bed.environment[kEndpoint] = bed.url();
  ImdsSource source(bed.services(), options);
  auto loaded = co_await source.load();
  co_return loaded;
}

Task<Result<Credentials>> load(CredentialsBed& bed) { return load(bed, patient()); }

TEST(ImdsCredentials, AreFetchedWithAToken) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(kTokenAnswer), read_request(), write(answer(200, "app\n")),
                  read_request(), write(answer(200, service_document())), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b);
    expect_keys(loaded);
    EXPECT_EQ(loaded->source, "EC2 metadata service, role app");
    EXPECT_EQ(b.line(0), "PUT /latest/api/token HTTP/1.1");
    EXPECT_NE(b.head(0).find("X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"), std::string::npos);
    EXPECT_EQ(b.line(1), "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1");
    EXPECT_EQ(b.line(2), "GET /latest/meta-data/iam/security-credentials/app HTTP/1.1");
    for (std::size_t i : {1u, 2u}) {
      EXPECT_NE(b.head(i).find("X-aws-ec2-metadata-token: the-canary-of-the-service\r\n"),
                std::string::npos);
    }
  });
}

TEST(ImdsCredentials, KeepTheTokenUntilShortlyBeforeItsEnd) {
  CredentialsBed bed;
  std::string short_token = answer(200, "t", "X-aws-ec2-metadata-token-ttl-seconds: 20\r\n");
  bed.scripts = {{read_request(), write(kTokenAnswer), read_request(), write(answer(200, "app")),
                  read_request(), write(answer(200, service_document())), read_request(),
                  write(answer(200, "app")), read_request(),
                  write(answer(200, service_document("SECOND"))), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment[kEndpoint] = b.url();
    ImdsSource source(b.services(), patient());
    auto first = co_await source.load();
    expect_keys(first);
    auto second = co_await source.load();
    expect_keys(second, "SECOND");
    EXPECT_EQ(b.peer->heads().size(), 5u) << "one request for a token";
  });
  CredentialsBed renewing;
  // Twenty seconds are less than the margin: the token is as good as ended at once.
  renewing.scripts = {{read_request(), write(short_token), read_request(),
                       write(answer(200, "app")), read_request(), write(short_token),
                       read_request(), write(answer(200, service_document())), hold()}};
  renewing.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b);
    expect_keys(loaded);
    EXPECT_EQ(b.line(2), "PUT /latest/api/token HTTP/1.1");
  });
}

TEST(ImdsCredentials, RenewATokenThatTheServiceNoLongerTakes) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(kTokenAnswer), read_request(), write(answer(401, "")),
                  read_request(), write(kTokenAnswer), read_request(), write(answer(200, "app")),
                  read_request(), write(answer(200, service_document())), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b);
    expect_keys(loaded);
    EXPECT_EQ(b.line(2), "PUT /latest/api/token HTTP/1.1");
  });
}

TEST(ImdsCredentials, UseVersion1ForGoodWhereThereAreNoTokens) {
  for (int status : {403, 404, 405}) {
    CredentialsBed bed;
    bed.scripts = {{read_request(), write(answer(status, "")), read_request(),
                    write(answer(200, "app")), read_request(),
                    write(answer(200, service_document())), read_request(),
                    write(answer(200, "app")), read_request(),
                    write(answer(200, service_document("SECOND"))), hold()}};
    bed.run([](CredentialsBed& b) -> Task<void> {
      b.environment[kEndpoint] = b.url();
      ImdsSource source(b.services(), patient());
      auto first = co_await source.load();
      expect_keys(first);
      auto second = co_await source.load();
      expect_keys(second, "SECOND");
      EXPECT_EQ(b.peer->heads().size(), 5u);
      EXPECT_EQ(b.head(1).find("X-aws-ec2-metadata-token:"), std::string::npos);
    });
  }
}

TEST(ImdsCredentials, DoNotFallBackWhereVersion1IsForbidden) {
  CredentialsBed bed;
  bed.environment["AWS_EC2_METADATA_V1_DISABLED"] = "true";
  bed.scripts = {{read_request(), write(answer(405, "")), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b);
    expect_failure(loaded, ErrorKind::unauthenticated, "AWS_EC2_METADATA_V1_DISABLED forbids");
  });
}

TEST(ImdsCredentials, FallBackToVersion1ForOnceAfterASilence) {
  CredentialsBed bed;
  Script silence = {read_request(), hold()};
  bed.scripts = {silence,
                 silence,
                 silence,
                 {read_request(), write(answer(200, "app")), read_request(),
                  write(answer(200, service_document())), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    ImdsOptions options = impatient();
    options.try_time = 500ms;  // for the part that is answered
    auto loaded = co_await load(b, options);
    expect_keys(loaded);
    EXPECT_EQ(b.line(2), "PUT /latest/api/token HTTP/1.1");
    EXPECT_EQ(b.line(3), "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1");
  });
}

TEST(ImdsCredentials, HintAtTheHopLimitOfContainers) {
  CredentialsBed bed;
  Script silence = {read_request(), hold()};
  bed.scripts = {silence, silence, silence, {read_request(), write(answer(401, "")), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    ImdsOptions options = impatient();
    options.try_time = 500ms;
    auto loaded = co_await load(b, options);
    expect_failure(loaded, ErrorKind::unauthenticated, "--http-put-response-hop-limit 2");
  });
  CredentialsBed without_version_1;
  without_version_1.environment["AWS_EC2_METADATA_V1_DISABLED"] = "TRUE";
  without_version_1.scripts = {silence, silence, silence};
  without_version_1.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b, impatient());
    expect_failure(loaded, ErrorKind::not_found, "--http-put-response-hop-limit 2");
  });
}

TEST(ImdsCredentials, AreAbsentWhereNobodyAnswers) {
  CredentialsBed silent;
  silent.scripts = repeated(4, {read_request(), hold()});
  silent.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b, impatient());
    expect_failure(loaded, ErrorKind::not_found, "is no EC2 instance");
    EXPECT_EQ(b.http->stats().requests, 4u) << "three tries for a token, one without";
  });
  CredentialsBed refusing;
  refusing.run([](CredentialsBed& b) -> Task<void> {
    b.environment[kEndpoint] = "http://127.0.0.1:1";
    ImdsSource source(b.services(), patient());
    auto loaded = co_await source.load();
    expect_failure(loaded, ErrorKind::not_found, "http://127.0.0.1:1");
  });
}

TEST(ImdsCredentials, AreAbsentWithoutARole) {
  for (const std::string& roles : {answer(404, "not found"), answer(200, "")}) {
    CredentialsBed bed;
    bed.scripts = {{read_request(), write(kTokenAnswer), read_request(), write(roles), hold()}};
    bed.run([](CredentialsBed& b) -> Task<void> {
      auto loaded = co_await load(b);
      expect_failure(loaded, ErrorKind::not_found, "no IAM role is attached");
    });
  }
}

TEST(ImdsCredentials, AreAskedForAgainAfterServerErrorsAndResets) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(kTokenAnswer), read_request(), write(answer(503, "")),
                  read_request(), reset()},
                 {read_request(), write(answer(200, "app")), read_request(),
                  write(answer(200, service_document())), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b);
    expect_keys(loaded);
  });
}

TEST(ImdsCredentials, AreUnavailableWhenTheServiceStaysDown) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(kTokenAnswer), read_request(), write(answer(500, "canary")),
                  read_request(), write(answer(503, "canary")), read_request(),
                  write(answer(500, "canary")), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b);
    expect_failure(loaded, ErrorKind::unavailable, "HTTP 500");
    EXPECT_EQ(b.peer->heads().size(), 4u);
  });
}

struct Refusal {
  const char* name;
  std::string token_answer;
  std::string role_answer;
  ErrorKind kind;
  const char* text;
};

TEST(ImdsCredentials, SayWhatTheServiceRefusedOrGarbled) {
  std::string truncated = service_document().substr(0, 120);
  const Refusal refusals[] = {
      {"token refused as malformed", answer(400, "canary"), "", ErrorKind::unauthenticated,
       "/latest/api/token: HTTP 400"},
      {"token with a line break", answer(200, "a\r\nb"), "", ErrorKind::protocol, "fits no header"},
      {"role refused", kTokenAnswer,
       answer(200, R"({"Code": "AssumeRoleUnauthorizedAccess", "Message": "no trust\ncanary"})"),
       ErrorKind::unauthenticated, "AssumeRoleUnauthorizedAccess: no trust"},
      {"no JSON", kTokenAnswer, answer(200, "<html>canary</html>"), ErrorKind::protocol,
       "no JSON object"},
      {"cut JSON", kTokenAnswer, answer(200, truncated), ErrorKind::protocol, "no JSON object"},
      {"no secret", kTokenAnswer, answer(200, R"({"Code": "Success", "AccessKeyId": "A"})"),
       ErrorKind::protocol, "has no SecretAccessKey"},
      {"numbers for strings", kTokenAnswer,
       answer(200, R"({"Code": "Success", "AccessKeyId": 1, "SecretAccessKey": ["canary"]})"),
       ErrorKind::protocol, "has no AccessKeyId"},
      {"no date", kTokenAnswer,
       answer(200, R"({"Code": "Success", "AccessKeyId": "A", "SecretAccessKey": "canary",)"
                   R"( "Expiration": "soon"})"),
       ErrorKind::protocol, "Expiration that is no date"},
      {"too long", kTokenAnswer, answer(200, std::string(100'000, ' ')), ErrorKind::too_large, ""},
      {"switched off", kTokenAnswer, answer(403, ""), ErrorKind::unauthenticated,
       "switched off for this instance"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    CredentialsBed bed;
    bed.scripts = {{read_request(), write(refusal.token_answer), read_request(),
                    write(answer(200, "app")), read_request(), write(refusal.role_answer), hold()}};
    static const Refusal* current;
    current = &refusal;
    bed.run([](CredentialsBed& b) -> Task<void> {
      auto loaded = co_await load(b);
      expect_failure(loaded, current->kind, current->text);
    });
  }
}

TEST(ImdsCredentials, AreLeftOutOnDemand) {
  CredentialsBed bed;
  bed.environment["AWS_EC2_METADATA_DISABLED"] = "true";
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b);
    expect_failure(loaded, ErrorKind::not_found, "AWS_EC2_METADATA_DISABLED is set");
    EXPECT_EQ(b.peer->accepted(), 0u);
  });
}

TEST(ImdsCredentials, SayWhatIsWrongWithTheirVariables) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    ImdsSource source(b.services(), impatient());
    b.environment[kEndpoint] = "169.254.169.254";
    auto no_url = co_await source.load();
    expect_failure(no_url, ErrorKind::unauthenticated, kEndpoint);
    b.environment = {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"}};
    auto no_mode = co_await source.load();
    expect_failure(no_mode, ErrorKind::unauthenticated, "neither IPv4 nor IPv6");
  });
}

}  // namespace
}  // namespace ringpull::s3
