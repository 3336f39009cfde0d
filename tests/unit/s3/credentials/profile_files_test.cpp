#include <gtest/gtest.h>
#include <string>

#include <ringpull/s3/profile_files.hpp>

#include "s3/src/credentials/document.hpp"

namespace ringpull::s3 {
namespace {

ProfileFiles parsed(const std::string& text, ProfileFileKind kind = ProfileFileKind::config) {
  ProfileFiles files;
  auto added = files.add(text, kind);
  EXPECT_TRUE(added) << added.error().message();
  return files;
}

std::string setting(const ProfileFiles& files, const std::string& profile, const char* name) {
  const Profile* found = files.find(profile);
  return found == nullptr ? "no such profile" : found->text(name);
}

TEST(ProfileFiles, KnowTheProfilesOfAConfigFile) {
  ProfileFiles files = parsed(
      "[default]\nregion = eu-west-3\n\n[profile dev]\nrole_arn=arn:aws:iam::1:role/x\n"
      "[profile \"with blank\"]\nregion=a\n[ profile  padded ]\nregion=b\n"
      "[sso-session corp]\nsso_region = c\n[services local]\ns3 =\n  endpoint_url = http://x\n"
      "[dev]\nregion = not a profile here\n[profiles]\nregion = neither\n");
  EXPECT_EQ(setting(files, "default", "region"), "eu-west-3");
  EXPECT_EQ(setting(files, "dev", "role_arn"), "arn:aws:iam::1:role/x");
  EXPECT_EQ(setting(files, "dev", "region"), "");
  EXPECT_EQ(setting(files, "with blank", "region"), "a");
  EXPECT_EQ(setting(files, "padded", "region"), "b");
  EXPECT_EQ(files.size(), 4u);
}

TEST(ProfileFiles, LetTheCredentialsFileWin) {
  ProfileFiles files = parsed("[profile ci]\naws_access_key_id = old\nregion = r\n");
  ASSERT_TRUE(files.add("[ci]\naws_access_key_id = new\n", ProfileFileKind::credentials));
  EXPECT_EQ(setting(files, "ci", "aws_access_key_id"), "new");
  EXPECT_EQ(setting(files, "ci", "region"), "r");
}

TEST(ProfileFiles, LeaveCommentsAndSubSettingsOut) {
  ProfileFiles files = parsed(
      "# one\n; two\n[default] # three\nregion = a # four\noutput = b;c#d\n  # five\n"
      "s3 =\n    region = inner\n\tmore = inner\nKEY = E=F\nempty =\nblank = # nothing\n");
  EXPECT_EQ(setting(files, "default", "region"), "a");
  EXPECT_EQ(setting(files, "default", "output"), "b;c#d");
  EXPECT_EQ(setting(files, "default", "key"), "E=F");
  EXPECT_EQ(setting(files, "default", "more"), "");
  EXPECT_EQ(files.find("default")->find("empty"), nullptr);
  EXPECT_EQ(files.find("default")->find("blank"), nullptr);
}

TEST(ProfileFiles, TakeWindowsLineEndsAMarkAndNoLastLineEnd) {
  ProfileFiles files = parsed("\xEF\xBB\xBF[default]\r\nregion = a\r\n\r\noutput = b");
  EXPECT_EQ(setting(files, "default", "region"), "a");
  EXPECT_EQ(setting(files, "default", "output"), "b");
}

TEST(ProfileFiles, AddRepeatedSectionsUp) {
  ProfileFiles files = parsed("[default]\na=1\nb=1\n[profile x]\n[default]\nb=2\n");
  EXPECT_EQ(setting(files, "default", "a"), "1");
  EXPECT_EQ(setting(files, "default", "b"), "2");
}

TEST(ProfileFiles, NameTheLineThatCannotBeReadAndQuoteNothing) {
  const std::pair<const char*, const char*> kBad[] = {
      {"[default]\n[open\n", "line 2"},
      {"[default] canary\n", "line 1"},
      {"[]\n", "line 1"},
      {"canary = 1\n", "line 1"},
      {"[default]\ncanary\n", "line 2"},
      {"[default]\n\n= canary\n", "line 3"},
  };
  for (const auto& [text, line] : kBad) {
    ProfileFiles files;
    auto added = files.add(text, ProfileFileKind::config);
    ASSERT_FALSE(added) << text;
    EXPECT_EQ(added.error().kind(), ErrorKind::unauthenticated);
    EXPECT_TRUE(added.error().message().starts_with(line)) << added.error().message();
    EXPECT_EQ(added.error().message().find("canary"), std::string::npos);
  }
}

TEST(CredentialsDocument, TakesEveryFormOfAnExpiration) {
  auto at = [](const char* text) {
    auto time = parse_expiration(text);
    return time ? time->time_since_epoch().count() : -1;
  };
  EXPECT_EQ(at("2023-11-14T22:13:20Z"), 1'700'000'000);
  EXPECT_EQ(at("2023-11-14T22:13:20.123456Z"), 1'700'000'000);
  EXPECT_EQ(at("2023-11-14T22:13:20+00:00"), 1'700'000'000);
  EXPECT_EQ(at("2023-11-14T22:13:20.5+0000"), 1'700'000'000);
  EXPECT_EQ(at("2023-11-15T00:43:20+02:30"), 1'700'000'000);
  EXPECT_EQ(at("2023-11-14T17:13:20-05:00"), 1'700'000'000);
  for (const char* bad :
       {"", "Z", "soon", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20+1",
        "2023-11-14T22:13:20+25:00", "2023-11-14T22:13:20+00:0x", "2023-13-14T22:13:20Z",
        "2023-11-14T22:13:20+", "2023-11-14 22:13:20+00:00"}) {
    EXPECT_EQ(at(bad), -1) << bad;
  }
}

}  // namespace
}  // namespace ringpull::s3
