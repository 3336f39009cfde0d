// Profiles: real files, and a scripted token service where a role is assumed.
#include <chrono>
#include <gtest/gtest.h>
#include <string>

#include <ringpull/s3/profile_credentials.hpp>

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

const std::string kStaticKeys =
    "aws_access_key_id = AKIDSTATIC\naws_secret_access_key = canary-static\n";

std::string role_answer(const std::string& id = "AKIDTEST",
                        const std::string& action = "AssumeRole") {
  return answer(200, "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" +
                         id +
                         "</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey>"
                         "<SessionToken>canary-token</SessionToken><Expiration>"
                         "2023-11-14T23:13:20Z</Expiration></Credentials></" +
                         action + "Result></" + action + "Response>");
}

/// With `config` and `credentials` as the two files; the scripted service is STS and the agents'.
Task<Result<Credentials>> load(CredentialsBed& bed, std::string config, std::string credentials,
                               std::string name) {
  bed.environment["AWS_CONFIG_FILE"] = bed.file("config", config);
  bed.environment["AWS_SHARED_CREDENTIALS_FILE"] = bed.file("credentials", credentials);
  bed.environment["AWS_ENDPOINT_URL_STS"] = bed.url();
  bed.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = bed.url();
  ProfileOptions options;
  options.name = std::move(name);
  options.imds.try_time = 60s;
  options.container.try_time = 60s;
  options.container.relative_base = bed.url();
  ProfileSource source(bed.services(), options);
  auto loaded = co_await source.load();
  co_return loaded;
}

TEST(ProfileCredentials, OfStaticKeysNeedNoService) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded =
        co_await load(b, "", "[default]\n" + kStaticKeys + "aws_session_token = canary-t\n", "");
    EXPECT_TRUE(loaded);
    EXPECT_EQ(loaded->access_key_id, "AKIDSTATIC");
    EXPECT_EQ(loaded->secret_access_key.reveal(), "canary-static");
    EXPECT_EQ(loaded->session_token.reveal(), "canary-t");
    EXPECT_EQ(loaded->source, "profile \"default\"");
  });
}

TEST(ProfileCredentials, AreThoseOfTheProfileThatIsNamed) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    std::string files =
        "[one]\naws_access_key_id = ONE\naws_secret_access_key = canary\n[two]\n"
        "aws_access_key_id = TWO\naws_secret_access_key = canary\n";
    b.environment["AWS_PROFILE"] = "one";
    auto by_variable = co_await load(b, "", files, "");
    EXPECT_TRUE(by_variable);
    EXPECT_EQ(by_variable->access_key_id, "ONE");
    auto by_option = co_await load(b, "", files, "two");
    EXPECT_TRUE(by_option);
    EXPECT_EQ(by_option->access_key_id, "TWO");
    auto neither = co_await load(b, "", files, "three");
    expect_failure(neither, ErrorKind::unauthenticated, "profile \"three\" is not in ");
  });
}

TEST(ProfileCredentials, AreFoundBelowTheHomeDirectory) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    std::filesystem::create_directory(b.files.path() / ".aws");
    b.file(".aws/credentials", "[default]\n" + kStaticKeys);
    b.environment["HOME"] = b.files.path().string();
    ProfileSource source(b.services());
    auto loaded = co_await source.load();
    EXPECT_TRUE(loaded);
    b.environment["AWS_SHARED_CREDENTIALS_FILE"] = "~/.aws/credentials";
    auto by_tilde = co_await source.load();
    EXPECT_TRUE(by_tilde);
  });
}

TEST(ProfileCredentials, AreAbsentWithoutFilesOrSettings) {
  CredentialsBed bed;
  bed.environment["HOME"] = "/nonexistent";
  bed.run([](CredentialsBed& b) -> Task<void> {
    ProfileSource source(b.services());
    auto no_files = co_await source.load();
    expect_failure(no_files, ErrorKind::not_found, "/nonexistent/.aws/credentials");
    auto no_settings = co_await load(b, "[default]\nregion = x\n", "", "");
    expect_failure(no_settings, ErrorKind::not_found, "says nothing about credentials");
  });
}

TEST(ProfileCredentials, OfARoleComeByTheKeysOfItsSource) {
  CredentialsBed bed;
  bed.scripts = {{read_request(), write(role_answer()), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b,
                                "[profile app]\nrole_arn = arn:r\nsource_profile = base\n"
                                "external_id = ext\nrole_session_name = me\n"
                                "duration_seconds = 1800\nregion = eu-west-3\n",
                                "[base]\n" + kStaticKeys, "app");
    expect_keys(loaded);
    EXPECT_EQ(loaded->source, "profile \"app\", role arn:r by profile \"base\"");
    EXPECT_NE(b.head(0).find("Credential=AKIDSTATIC/20231114/eu-west-3/sts/aws4_request"),
              std::string::npos)
        << b.head(0);
    EXPECT_NE(b.peer->bodies().find("RoleArn=arn%3Ar&RoleSessionName=me&ExternalId=ext"
                                    "&DurationSeconds=1800"),
              std::string::npos)
        << b.peer->bodies();
  });
}

TEST(ProfileCredentials, FollowAChainOfRoles) {
  CredentialsBed bed;
  bed.scripts = {
      {read_request(), write(role_answer("MIDDLE")), read_request(), write(role_answer()), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(b,
                                "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
                                "[profile b]\nrole_arn = arn:b\nsource_profile = b\n",
                                "[b]\n" + kStaticKeys, "a");
    expect_keys(loaded);
    EXPECT_NE(b.head(0).find("Credential=AKIDSTATIC/"), std::string::npos);
    EXPECT_NE(b.head(1).find("Credential=MIDDLE/"), std::string::npos);
    EXPECT_NE(b.head(1).find("x-amz-security-token: canary-token\r\n"), std::string::npos);
  });
}

TEST(ProfileCredentials, OfAWebIdentityNeedNoKeys) {
  CredentialsBed bed;
  bed.scripts = {
      {read_request(), write(role_answer("AKIDTEST", "AssumeRoleWithWebIdentity")), hold()}};
  bed.run([](CredentialsBed& b) -> Task<void> {
    std::string token = b.file("token", "canary-jwt");
    auto loaded = co_await load(
        b, "[profile w]\nrole_arn = arn:w\nweb_identity_token_file = " + token + "\n", "", "w");
    expect_keys(loaded);
    EXPECT_NE(b.peer->bodies().find("WebIdentityToken=canary-jwt"), std::string::npos);
  });
}

TEST(ProfileCredentials, OfARoleComeByTheEnvironmentOrAnAgent) {
  CredentialsBed environment;
  environment.environment = {{"AWS_ACCESS_KEY_ID", "AKIDENV"}, {"AWS_SECRET_ACCESS_KEY", "canary"}};
  environment.scripts = {{read_request(), write(role_answer()), hold()}};
  environment.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(
        b, "[profile e]\nrole_arn = arn:e\ncredential_source = Environment\n", "", "e");
    expect_keys(loaded);
    EXPECT_NE(b.head(0).find("Credential=AKIDENV/"), std::string::npos);
  });
  CredentialsBed container;
  container.environment = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c"}};
  container.scripts = {{read_request(), write(answer(200, service_document("AKIDECS"))),
                        read_request(), write(role_answer()), hold()}};
  container.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(
        b, "[profile e]\nrole_arn = arn:e\ncredential_source = EcsContainer\n", "", "e");
    expect_keys(loaded);
    EXPECT_NE(b.head(1).find("Credential=AKIDECS/"), std::string::npos);
  });
  CredentialsBed machine;
  machine.scripts = {{read_request(), write(answer(200, "token")), read_request(),
                      write(answer(200, "role")), read_request(),
                      write(answer(200, service_document("AKIDEC2"))), read_request(),
                      write(role_answer()), hold()}};
  machine.run([](CredentialsBed& b) -> Task<void> {
    auto loaded = co_await load(
        b, "[profile e]\nrole_arn = arn:e\ncredential_source = Ec2InstanceMetadata\n", "", "e");
    expect_keys(loaded);
    EXPECT_NE(b.head(3).find("Credential=AKIDEC2/"), std::string::npos);
  });
}

TEST(ProfileCredentials, OfAProcessAreItsOutput) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    std::string document =
        b.file("keys.json", R"({"Version": 1, "AccessKeyId": "AKIDTEST", "SecretAccessKey":)"
                            R"( "canary-secret", "SessionToken": "canary-token",)"
                            R"( "Expiration": "2023-11-14T23:13:20Z"})");
    auto loaded =
        co_await load(b, "[profile p]\ncredential_process = cat \"" + document + "\"\n", "", "p");
    expect_keys(loaded);
    EXPECT_EQ(loaded->source, "profile \"p\", credential_process cat");
  });
}

TEST(ProfileCredentials, AreReadFromTheFilesAtEachLoad) {
  CredentialsBed bed;
  bed.run([](CredentialsBed& b) -> Task<void> {
    b.environment["AWS_CONFIG_FILE"] = b.files.file("none");
    b.environment["AWS_SHARED_CREDENTIALS_FILE"] =
        b.file("credentials", "[default]\n" + kStaticKeys);
    ProfileSource source(b.services());
    auto first = co_await source.load();
    EXPECT_TRUE(first);
    b.file("credentials", "[default]\naws_access_key_id = NEW\naws_secret_access_key = canary\n");
    auto second = co_await source.load();
    EXPECT_TRUE(second);
    EXPECT_EQ(second->access_key_id, "NEW");
  });
}

struct Mistake {
  const char* config;
  const char* text;
};

TEST(ProfileCredentials, SayWhichSettingIsWrong) {
  const Mistake mistakes[] = {
      {"[profile p]\nrole_arn = r\nsource_profile = q\n[profile q]\nrole_arn = r\n"
       "source_profile = p\n",
       "the chain of source_profile comes back to it"},
      {"[profile p]\nrole_arn = r\nsource_profile = gone\n", "profile \"gone\" is not in"},
      {"[profile p]\nrole_arn = r\nsource_profile = q\n[profile q]\nregion = x\n",
       "says nothing about credentials"},
      {"[profile p]\nrole_arn = r\nsource_profile = p\n", "aws_secret_access_key needs"},
      {"[profile p]\nrole_arn = r\n", "role_arn needs source_profile"},
      {"[profile p]\nrole_arn = r\nsource_profile = q\ncredential_source = Environment\n",
       "exclude each other"},
      {"[profile p]\nrole_arn = r\ncredential_source = Cloud\n", "credential_source is none of"},
      {"[profile p]\nrole_arn = r\ncredential_source = Environment\n",
       "no credentials in the environment"},
      {"[profile p]\nrole_arn = r\nsource_profile = q\nmfa_serial = arn:mfa\n", "mfa_serial"},
      {"[profile p]\nrole_arn = r\nsource_profile = q\nduration_seconds = 5h\n",
       "duration_seconds is no number"},
      {"[profile p]\nrole_arn = r\nweb_identity_token_file = /nonexistent/t\n",
       "web_identity_token_file"},
      {"[profile p]\nweb_identity_token_file = /t\n", "needs role_arn"},
      {"[profile p]\naws_access_key_id = A\n", "needs aws_secret_access_key"},
      {"[profile p]\naws_secret_access_key = canary\n", "needs aws_access_key_id"},
      {"[profile p]\nsso_session = corp\n", "credential_process = aws configure"},
      {"[profile p]\ncredential_process = 'open\n", "a quote is not closed"},
      {"[profile p]\nthis line is a canary\n", "config: line 2 is no setting"},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.config);
    CredentialsBed bed;
    static const Mistake* current;
    current = &mistake;
    bed.run([](CredentialsBed& b) -> Task<void> {
      auto loaded = co_await load(b, current->config, "", "p");
      expect_failure(loaded, ErrorKind::unauthenticated, current->text);
    });
  }
}

}  // namespace
}  // namespace ringpull::s3
