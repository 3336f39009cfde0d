#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <ostream>
#include <string>
#include <type_traits>

#include <ringpull/s3/credentials.hpp>

namespace ringpull::s3 {
namespace {

EnvironmentLookup environment(std::map<std::string, std::string> variables) {
  return [variables](std::string_view name) -> std::optional<std::string> {
    auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!Printable<Secret>, "a secret must not be streamable");
static_assert(!std::is_copy_constructible_v<Secret>, "a secret is cloned on purpose, not copied");
static_assert(!std::is_convertible_v<Secret, std::string>);

TEST(Secret, MovesItsBytesAndLeavesTheSourceEmpty) {
  Secret first("hunter2");
  Secret second(std::move(first));
  EXPECT_EQ(second.reveal(), "hunter2");
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
  first = second.clone();
  EXPECT_TRUE(first == second);
  EXPECT_FALSE(first == Secret("hunter3"));
  EXPECT_FALSE(first == Secret());
  EXPECT_TRUE(Secret() == Secret(""));
}

TEST(EnvironmentCredentials, ReadsTheThreeVariables) {
  auto credentials = environment_credentials(environment({{"AWS_ACCESS_KEY_ID", "AKID"},
                                                          {"AWS_SECRET_ACCESS_KEY", "secret"},
                                                          {"AWS_SESSION_TOKEN", "token"}}));
  ASSERT_TRUE(credentials) << credentials.error().message();
  EXPECT_EQ(credentials->access_key_id, "AKID");
  EXPECT_EQ(credentials->secret_access_key.reveal(), "secret");
  EXPECT_EQ(credentials->session_token.reveal(), "token");
}

TEST(EnvironmentCredentials, AbsenceIsNotFoundSoThatAnotherSourceMayAnswer) {
  auto credentials = environment_credentials(environment({}));
  ASSERT_FALSE(credentials);
  EXPECT_EQ(credentials.error().kind(), ErrorKind::not_found);
}

TEST(EnvironmentCredentials, HalfAKeyIsAMistakeThatNamesTheMissingHalf) {
  auto no_secret = environment_credentials(environment({{"AWS_ACCESS_KEY_ID", "AKID"}}));
  ASSERT_FALSE(no_secret);
  EXPECT_EQ(no_secret.error().kind(), ErrorKind::unauthenticated);
  EXPECT_NE(no_secret.error().message().find("AWS_SECRET_ACCESS_KEY is not"), std::string::npos);
  auto no_id = environment_credentials(environment({{"AWS_SECRET_ACCESS_KEY", "canary"}}));
  ASSERT_FALSE(no_id);
  EXPECT_NE(no_id.error().message().find("AWS_ACCESS_KEY_ID is not"), std::string::npos);
  EXPECT_EQ(no_id.error().message().find("canary"), std::string::npos);
}

TEST(StaticCredentials, RefusesAKeyIdThatWouldBreakTheHeader) {
  for (const char* id : {"AK ID", "AKID\n", "AK,ID", "AK/ID", ""}) {
    auto credentials = static_credentials(id, Secret("secret"));
    ASSERT_FALSE(credentials) << id;
    EXPECT_EQ(credentials.error().kind(), ErrorKind::unauthenticated);
  }
  EXPECT_FALSE(static_credentials("AKID", Secret("secret"), Secret("tok\r\nen")));
}

TEST(Credentials, ExpireWithinTheMarginOnly) {
  using namespace std::chrono_literals;
  std::chrono::sys_seconds now(1'000'000s);
  Credentials credentials("AKID", Secret("secret"));
  EXPECT_FALSE(credentials.expires_within(1h, now));
  credentials.expiry = now + 10min;
  EXPECT_FALSE(credentials.expires_within(5min, now));
  EXPECT_TRUE(credentials.expires_within(10min, now));
}

}  // namespace
}  // namespace ringpull::s3
