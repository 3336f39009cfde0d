// The services of ECS and EKS, played by a script.
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/s3/container_credentials.hpp>

#include "tests/unit/s3/credentials/credentials_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::SocketAddress;
using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_request;
using ringpull::testing::repeated;
using ringpull::testing::write;
using testing::answer;
using testing::CredentialsBed;
using testing::expect_failure;
using testing::expect_keys;
using testing::service_document;

constexpr const char* kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr const char* kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr const char* kToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr const char* kTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

Task<Result<Credentials>> load(CredentialsBed& bed, engine::Duration try_time = 60s) {
  ContainerOptions options;
  options.try_time = try_time;
  options.relative_base = bed.url();
  ContainerSource source(bed.services(), options);
  auto loaded = co_await source.load();
  co_return loaded;
}

TEST(ContainerCredentials, ComeFromTheRelativeAddressOfTheAgent) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(answer(200, service_document())), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment[kRelative] = "/v2/credentials/uuid?a=b";
    b.environment[kFull] = "http://192.0.2.1/never";
    auto loaded = co_await load(b);
    expect_keys(loaded);
    EXPECT_EQ(b.line(0), "GET /v2/credentials/uuid?a=b HTTP/1.1");
    EXPECT_EQ(b.head(0).find("Authorization"), std::string::npos);
  });
}

TEST(ContainerCredentials, CarryATokenThatIsReadAtEachLoad) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(answer(200, service_document())), read_request(),
                  write(answer(200, service_document("SECOND"))), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment[kFull] = b.url("/v1/credentials");
    b.environment[kToken] = "not this one";
    b.environment[kTokenFile] = b.file("token", "canary-one\n");
    auto first = co_await load(b);
    expect_keys(first);
    b.file("token", "canary-two");
    auto second = co_await load(b);
    expect_keys(second, "SECOND");
    EXPECT_NE(b.head(0).find("\r\nAuthorization: canary-one\r\n"), std::string::npos);
    EXPECT_NE(b.head(1).find("\r\nAuthorization: canary-two\r\n"), std::string::npos);
  });
}

TEST(ContainerCredentials, TakeTheTokenOfTheEnvironmentWithoutAFile) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(answer(200, service_document())), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment[kFull] = b.url("/");
    b.environment[kToken] = "Basic canary";
    auto loaded = co_await load(b);
    expect_keys(loaded);
    EXPECT_NE(b.head(0).find("\r\nAuthorization: Basic canary\r\n"), std::string::npos);
  });
}

TEST(ContainerCredentials, RefuseATokenThatWouldSplitTheRequest) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment[kFull] = b.url("/");
    b.environment[kToken] = "canary\r\nX-Evil: 1";
    auto by_variable = co_await load(b);
    expect_failure(by_variable, ErrorKind::unauthenticated, "holds a line break");
    b.environment[kTokenFile] = b.file("token", "canary\r\nX-Evil: 1\n");
    auto by_file = co_await load(b);
    expect_failure(by_file, ErrorKind::unauthenticated, "holds a line break");
    b.environment[kTokenFile] = b.file("empty", "\n");
    auto empty = co_await load(b);
    expect_failure(empty, ErrorKind::unauthenticated, "is empty");
    b.environment[kTokenFile] = b.files.file("missing");
    auto missing = co_await load(b);
    expect_failure(missing, ErrorKind::unauthenticated, "missing");
    EXPECT_EQ(b.peer->accepted(), 0u);
  });
}

TEST(ContainerCredentials, SendNothingInClearTextOverTheNetwork) {
  CredentialsBed bed;
  auto address = [](const char* ip) { return SocketAddress::from_ip(ip, 0).value(); };
  bed.resolver.add("far.test", {address("192.0.2.1")});
  bed.resolver.add("half.test", {address("127.0.0.1"), address("192.0.2.1")});
  bed.resolver.add("six.test", {address("2001:db8::1")});
  bed.run([](CredentialsBed& b) -> Task<void> {
    for (const char* host : {"far.test", "half.test", "six.test", "192.0.2.1", "169.254.169.254"}) {
      b.environment[kFull] = "http://" + std::string(host) + "/credentials?canary";
      auto loaded = co_await load(b);
      expect_failure(loaded, ErrorKind::unauthenticated, "use https");
    }
    b.environment[kFull] = "http://unknown.test/";
    auto unknown = co_await load(b);
    EXPECT_FALSE(unknown);
    EXPECT_EQ(b.peer->accepted(), 0u);
  });
}

TEST(ContainerCredentials, ConnectToTheAddressThatWasLookedAt) {
  CredentialsBed bed;
  bed.resolver.add("agent.test", {SocketAddress::from_ip("127.0.0.1", 0).value()});
  bed.scripts = {{read_request(), write(answer(200, service_document())), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    std::string port = std::to_string(b.peer->port());
    b.environment[kFull] = "http://agent.test:" + port + "/c";
    auto loaded = co_await load(b);
    expect_keys(loaded);
    EXPECT_NE(b.head(0).find("\r\nHost: agent.test:" + port + "\r\n"), std::string::npos);
  });
}

TEST(ContainerCredentials, AreAbsentWithoutTheVariables) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b);
    expect_failure(loaded, ErrorKind::not_found, kRelative);
  });
}

TEST(ContainerCredentials, WithoutAnExpirationLastForEver) {
  CredentialsBed bed;
  bed.scripts = {{read_request(),
                  write(answer(200, R"({"AccessKeyId": "A", "SecretAccessKey": "canary"})")),
                  hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment[kRelative] = "/c";
    auto loaded = co_await load(b);
    EXPECT_TRUE(loaded);
    EXPECT_FALSE(loaded->expiry.has_value());
    EXPECT_TRUE(loaded->session_token.empty());
  });
}

struct Refusal {
  const char* name;
  std::string uri;
  std::string answer;
  ErrorKind kind;
  const char* text;
};

TEST(ContainerCredentials, SayWhatTheServiceRefusedOrGarbled) {
  const Refusal refusals[] = {
      {"refused", "/c", answer(403, R"({"code": "AccessDenied", "message": "no\nsecret canary"})"),
       ErrorKind::unauthenticated, "HTTP 403: AccessDenied: no; check the task's role"},
      {"malformed", "/c", answer(200, "canary"), ErrorKind::protocol, "is no JSON object"},
      {"key with a newline", "/c",
       answer(200, R"({"AccessKeyId": "A\n", "SecretAccessKey": "canary"})"),
       ErrorKind::unauthenticated, "check it for a stray newline"},
      {"no path", "c", "", ErrorKind::unauthenticated, "does not begin with '/'"},
      {"control character", "/c\n", "", ErrorKind::unauthenticated, kRelative},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    CredentialsBed bed;
    bed.environment[kRelative] = refusal.uri;
    bed.scripts = {{read_request(), write(refusal.answer), hold()}};
    static const Refusal* current;
    current = &refusal;
    bed.run([](CredentialsBed& b) -> Task<void> {
      auto loaded = co_await load(b);
      expect_failure(loaded, current->kind, current->text);
    });
  }
}

TEST(ContainerCredentials, AreTriedThreeTimes) {
  CredentialsBed down;
  down.environment[kRelative] = "/c";
  down.scripts = {{read_request(), write(answer(500, "")), read_request(), write(answer(429, "")),
                   read_request(), write(answer(503, "")), hold()}};
  down.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b);
    expect_failure(loaded, ErrorKind::unavailable, "HTTP 503");
  });
  CredentialsBed silent;
  silent.environment[kRelative] = "/c";
  silent.scripts = repeated(3, {read_request(), hold()});
  silent.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b, 20ms);
    expect_failure(loaded, ErrorKind::timed_out, b.url());
    EXPECT_EQ(b.http->stats().requests, 3u);
  });
}

}  // namespace
}  // namespace ringpull::s3
