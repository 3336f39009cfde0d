// AWS's token service, played by a script.
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/s3/sts_credentials.hpp>

#include "tests/unit/s3/credentials/credentials_bed.hpp"

namespace ringpull::s3 {
namespace {

using namespace std::chrono_literals;
using engine::Task;
using ringpull::testing::hold;
using ringpull::testing::read_request;
using ringpull::testing::repeated;
using ringpull::testing::write;
using testing::answer;
using testing::CredentialsBed;
using testing::expect_failure;
using testing::expect_keys;

const char* const kRole = "arn:aws:iam::123456789012:role/pull";

std::string sts_document(const std::string& action, const std::string& id = "AKIDTEST") {
  return "<" + action + R"(Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><)" + action +
         "Result><AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser><Credentials><AccessKeyId>" + id +
         "</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey><SessionToken>canary-token"
         "</SessionToken><Expiration>2023-11-14T23:13:20Z</Expiration></Credentials></" +
         action + "Result></" + action + "Response>";
}

std::string refusal(int status, const std::string& code, const std::string& message = "why") {
  return answer(status, "<ErrorResponse><Error><Type>Sender</Type><Code>" + code +
                            "</Code><Message>" + message + "</Message></Error></ErrorResponse>");
}

Credentials caller() { return {"AKIDCALLER", Secret("canary-caller"), Secret("canary-session")}; }

TEST(StsCredentials, OfAWebIdentityComeWithoutASignature) {
  CredentialsBed bed;
  bed.scripts = {
      {read_request(), write(answer(200, sts_document("AssumeRoleWithWebIdentity"))), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE", b.file("token", "canary.jwt-1\n")},
                     {"AWS_ROLE_ARN", kRole},
                     {"AWS_ROLE_SESSION_NAME", "pod 7"},
                     {"AWS_ENDPOINT_URL_STS", b.url()}};
    WebIdentitySource source(b.services());
    auto loaded = co_await source.load();
    expect_keys(loaded);
    EXPECT_EQ(loaded->source, std::string("web identity, role ") + kRole);
    EXPECT_EQ(b.line(0), "POST / HTTP/1.1");
    EXPECT_EQ(b.head(0).find("Authorization"), std::string::npos);
    EXPECT_TRUE(b.peer->bodies().starts_with(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn="
        "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fpull&RoleSessionName=pod%207"
        "&WebIdentityToken=canary.jwt-1"))
        << b.peer->bodies();
  });
}

TEST(StsCredentials, OfARoleAreAskedForWithASignature) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(answer(200, sts_document("AssumeRole"))), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment = {{"AWS_ENDPOINT_URL", b.url()}, {"AWS_REGION", "eu-west-3"}};
    Sts sts(b.services());
    RoleRequest role(kRole);
    role.external_id = "external & id";
    role.duration = 900s;
    Credentials who = caller();
    auto loaded = co_await sts.assume_role(role, who);
    expect_keys(loaded);
    EXPECT_NE(b.head(0).find("Authorization: AWS4-HMAC-SHA256 Credential=AKIDCALLER/20231114/"
                             "eu-west-3/sts/aws4_request, SignedHeaders="
                             "content-type;host;x-amz-date;x-amz-security-token, Signature="),
              std::string::npos)
        << b.head(0);
    EXPECT_NE(b.peer->bodies().find("&ExternalId=external%20%26%20id&DurationSeconds=900"),
              std::string::npos)
        << b.peer->bodies();
  });
}

TEST(StsCredentials, ReadTheTokenFileAtEachLoad) {
  CredentialsBed bed;
  std::string first = sts_document("AssumeRoleWithWebIdentity");
  std::string second = sts_document("AssumeRoleWithWebIdentity", "SECOND");
  bed.scripts = {{read_request(), write(answer(200, first)), read_request(),
                  write(answer(200, second)), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    std::string padding(100, 'x');
    b.environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE", b.file("token", "canary-1" + padding)},
                     {"AWS_ROLE_ARN", kRole},
                     {"AWS_ENDPOINT_URL_STS", b.url()}};
    WebIdentitySource source(b.services());
    auto one = co_await source.load();
    expect_keys(one);
    b.file("token", "canary-2" + padding);
    auto two = co_await source.load();
    expect_keys(two, "SECOND");
    EXPECT_NE(b.peer->bodies().find("WebIdentityToken=canary-2"), std::string::npos);
  });
}

TEST(StsCredentials, RepeatWhatMayPass) {
  CredentialsBed bed;
  bed.environment = {{"AWS_ROLE_ARN", kRole}};
  bed.scripts = {{read_request(), write(refusal(400, "IDPCommunicationError")), read_request(),
                  write(answer(503, "")), read_request(),
                  write(answer(200, sts_document("AssumeRoleWithWebIdentity"))), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment["AWS_ENDPOINT_URL_STS"] = b.url();
    b.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = b.file("token", "canary");
    WebIdentitySource source(b.services());
    auto loaded = co_await source.load();
    expect_keys(loaded);
  });
}

TEST(StsCredentials, EndWithATimeLimitWhenNobodyAnswers) {
  CredentialsBed bed;
  bed.scripts = repeated(3, {read_request(), hold()});
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE", b.file("token", "canary")},
                     {"AWS_ROLE_ARN", kRole},
                     {"AWS_ENDPOINT_URL_STS", b.url()}};
    StsOptions options;
    options.try_time = 20ms;
    WebIdentitySource source(b.services(), options);
    auto loaded = co_await source.load();
    expect_failure(loaded, ErrorKind::timed_out, kRole);
    EXPECT_EQ(b.http->stats().requests, 3u);
  });
}

struct Refusal {
  std::string answers;
  int count;
  ErrorKind kind;
  const char* text;
};

TEST(StsCredentials, SayWhatWasRefusedWithoutTheSecretsOfTheRequest) {
  // What AWS answers to a wrong signature quotes what was signed, the session token with it.
  std::string quoting =
      "The request signature we calculated does not match canary-session.\n\nThe Canonical String "
      "was 'POST x-amz-security-token:canary-session'";
  const Refusal refusals[] = {
      {refusal(403, "AccessDenied", "User: x is not authorized"), 1, ErrorKind::permission_denied,
       "trust policy"},
      {refusal(403, "SignatureDoesNotMatch", quoting), 1, ErrorKind::unauthenticated,
       "SignatureDoesNotMatch: The request signature we calculated does not match [redacted]"},
      {refusal(403, "ExpiredToken"), 1, ErrorKind::unauthenticated, "ExpiredToken: why"},
      {answer(400, "canary, no XML"), 1, ErrorKind::unauthenticated, "HTTP 400"},
      {answer(200, "canary, no XML"), 1, ErrorKind::protocol, kRole},
      {answer(200, "<AssumeRoleResponse/>"), 1, ErrorKind::protocol, "no <Credentials>"},
      {refusal(400, "InvalidIdentityToken"), 3, ErrorKind::unauthenticated, "token file"},
      {answer(500, ""), 3, ErrorKind::unavailable, "HTTP 500"},
  };
  for (const Refusal& refused : refusals) {
    SCOPED_TRACE(refused.text);
    CredentialsBed bed;
    testing::Script script;
    for (int i = 0; i < refused.count; ++i) {
      script.push_back(read_request());
      script.push_back(write(refused.answers));
    }
    script.push_back(hold());
    bed.scripts = {script};
    static const Refusal* current;
    current = &refused;
    bed.run([](CredentialsBed& b) -> Task<void> {
      b.environment["AWS_ENDPOINT_URL_STS"] = b.url();
      Sts sts(b.services());
      RoleRequest role(kRole);
      Credentials asking = caller();
      auto loaded = co_await sts.assume_role(role, asking);
      expect_failure(loaded, current->kind, current->text);
      EXPECT_EQ(b.peer->heads().size(), static_cast<std::size_t>(current->count));
    });
  }
}

TEST(WebIdentityCredentials, SayWhatIsMissing) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    WebIdentitySource source(b.services());
    auto nothing = co_await source.load();
    expect_failure(nothing, ErrorKind::not_found, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    b.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = b.files.file("missing");
    auto no_role = co_await source.load();
    expect_failure(no_role, ErrorKind::unauthenticated, "AWS_ROLE_ARN is not");
    b.environment["AWS_ROLE_ARN"] = kRole;
    auto no_file = co_await source.load();
    expect_failure(no_file, ErrorKind::unauthenticated, "AWS_WEB_IDENTITY_TOKEN_FILE: ");
  });
}

TEST(StsEndpoint, IsRegionalUnlessToldOtherwise) {
  // Nobody resolves these names here: the failure tells which was asked.
  struct Case {
    std::map<std::string, std::string> environment;
    const char* origin;
    std::string fallback_region = {};
  };
  const Case cases[] = {
      {{}, "https://sts.cn-north-1.amazonaws.com.cn", "cn-north-1"},
      {{}, "https://sts.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
      {{}, "https://sts.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
      {{{"AWS_REGION", "eu-west-3"}}, "https://sts.eu-west-3.amazonaws.com", "cn-north-1"},
      {{}, "https://sts.amazonaws.com"},
      {{{"AWS_REGION", "eu-west-3"}}, "https://sts.eu-west-3.amazonaws.com"},
      {{{"AWS_DEFAULT_REGION", "us-gov-west-1"}}, "https://sts.us-gov-west-1.amazonaws.com"},
      {{{"AWS_REGION", "cn-north-1"}}, "https://sts.cn-north-1.amazonaws.com.cn"},
      {{{"AWS_REGION", "eu-west-3"}, {"AWS_STS_REGIONAL_ENDPOINTS", "legacy"}},
       "https://sts.amazonaws.com"},
      {{{"AWS_REGION", "a b"}}, "the region of STS"},
      {{{"AWS_ENDPOINT_URL_STS", "nonsense"}}, "AWS_ENDPOINT_URL_STS"},
  };
  for (const Case& one : cases) {
    CredentialsBed bed;
    bed.environment = one.environment;
    static const Case* current;
    current = &one;
    bed.run([](CredentialsBed& b) -> Task<void> {
      StsOptions options;
      options.fallback_region = current->fallback_region;
      Sts sts(b.services(), options);
      RoleRequest role(kRole);
      Secret token("canary");
      auto loaded = co_await sts.assume_role_with_web_identity(role, token);
      EXPECT_FALSE(loaded);
      EXPECT_NE(loaded.error().message().find(current->origin), std::string::npos)
          << loaded.error().message();
    });
  }
}

}  // namespace
}  // namespace ringpull::s3
