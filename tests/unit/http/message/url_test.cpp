#include <cctype>
#include <gtest/gtest.h>

#include <ringpull/http/url.hpp>

namespace ringpull::http {
namespace {

Url parsed(std::string_view text) {
  auto url = Url::parse(text);
  if (!url) ADD_FAILURE() << text << ": " << url.error().message();
  return url.value_or(Url());
}

TEST(Url, TakesSchemeHostPortAndTargetApart) {
  const Url url = parsed("https://bucket.s3.eu-west-1.amazonaws.com:8443/a/b?list-type=2&x=%2F");
  EXPECT_EQ(url.scheme(), Scheme::https);
  EXPECT_EQ(url.host(), "bucket.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(url.host_kind(), HostKind::name);
  EXPECT_EQ(url.port(), 8443);
  EXPECT_EQ(url.target(), "/a/b?list-type=2&x=%2F");
  EXPECT_EQ(url.path(), "/a/b");
  EXPECT_EQ(url.query(), "list-type=2&x=%2F");
}

TEST(Url, KeepsPathAndQueryByteForByte) {
  for (const std::string target : {"/", "//", "/a//b/./../c", "/a%2fb%2F+c", "/?", "/?a?b",
                                   "/~!$&'()*,;=:@|\\^`{}\"<>", "/a?x=/../&y=%"}) {
    const Url url = parsed("http://h" + target);
    EXPECT_EQ(url.target(), target);
    EXPECT_EQ(url.to_string(), "http://h" + target);
  }
}

TEST(Url, GivesAnEmptyPathItsSlash) {
  EXPECT_EQ(parsed("http://h").target(), "/");
  EXPECT_EQ(parsed("http://h?x=1").target(), "/?x=1");
  EXPECT_EQ(parsed("http://h?x=1").path(), "/");
}

TEST(Url, KnowsTheDefaultPorts) {
  EXPECT_EQ(parsed("http://h/").port(), 80);
  EXPECT_EQ(parsed("https://h/").port(), 443);
  EXPECT_EQ(parsed("https://h:/").port(), 443);
  EXPECT_EQ(parsed("https://h:443/").authority(), "h");
  EXPECT_EQ(parsed("http://h:443/").authority(), "h:443");
}

TEST(Url, MakesSchemeAndHostLowerCaseAndNothingElse) {
  const Url url = parsed("HTTPS://Host.EXAMPLE/Path?Query");
  EXPECT_EQ(url.origin(), "https://host.example");
  EXPECT_EQ(url.target(), "/Path?Query");
}

TEST(Url, TellsAddressesFromNames) {
  EXPECT_EQ(parsed("http://127.0.0.1:9000/").host_kind(), HostKind::ipv4);
  EXPECT_EQ(parsed("http://127.0.0.1.nip.io/").host_kind(), HostKind::name);
  EXPECT_EQ(parsed("http://minio_1:9000/").host_kind(), HostKind::name);
  const Url url = parsed("https://[2001:DB8::1]:8443/x");
  EXPECT_EQ(url.host_kind(), HostKind::ipv6);
  EXPECT_EQ(url.host(), "2001:db8::1");
  EXPECT_EQ(url.authority(), "[2001:db8::1]:8443");
  EXPECT_EQ(parsed("http://[::1]").origin(), "http://[::1]");
  EXPECT_EQ(parsed("http://[::ffff:10.0.0.1]/").host(), "::ffff:10.0.0.1");
}

TEST(Url, EqualOriginsMeanTheSameConnection) {
  EXPECT_EQ(parsed("HTTP://H:80/a").origin(), parsed("http://h/b").origin());
  EXPECT_NE(parsed("https://h/").origin(), parsed("http://h/").origin());
  EXPECT_NE(parsed("http://h:81/").origin(), parsed("http://h/").origin());
}

TEST(Url, RefusesWhatIsNotAnAbsoluteHttpUrl) {
  for (const std::string_view text :
       {"", "http", "http:", "http:/h", "//h/", "/path", "ftp://h/", "s3://bucket/key",
        "httpx://h/", "http://", "http:///path", "http://?q", "http://:80/", "localhost:9000"}) {
    auto url = Url::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().kind(), ErrorKind::invalid_argument);
  }
}

TEST(Url, RefusesEveryByteThatCouldSplitARequest) {
  for (int byte = 0; byte < 256; ++byte) {
    if (byte > 0x20 && byte < 0x7f) continue;
    const std::string c(1, static_cast<char>(byte));
    EXPECT_FALSE(Url::parse("http://h" + c + "/p")) << byte;
    EXPECT_FALSE(Url::parse("http://[::1" + c + "]/p")) << byte;
    EXPECT_FALSE(Url::parse("http://127.0.0.1" + c + "/p")) << byte;
    EXPECT_FALSE(Url::parse("http://h/p" + c)) << byte;
    EXPECT_FALSE(Url::parse("http://h/p?q" + c + "x")) << byte;
    EXPECT_FALSE(Url::parse(c + "http://h/p")) << byte;
    EXPECT_FALSE(Url().with_target("/a" + c)) << byte;
  }
}

TEST(Url, RefusesUserInformationWithoutRepeatingIt) {
  auto url = Url::parse("https://user:hunter2@host/");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().message().find("hunter2"), std::string::npos);
}

TEST(Url, RepeatsNoSignatureInItsErrors) {
  for (const std::string_view text :
       {"https://h/k?X-Amz-Signature=5ec4e7 ", "https://h/k?s=5ec4e7#f"}) {
    auto url = Url::parse(text);
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().message().find("5ec4e7"), std::string::npos);
  }
}

TEST(Url, RefusesFragments) {
  EXPECT_FALSE(Url::parse("http://h/a#b"));
  EXPECT_FALSE(Url::parse("http://h#b"));
  EXPECT_FALSE(Url().with_target("/a#b"));
}

TEST(Url, RefusesPortsThatAreNone) {
  for (const std::string_view port :
       {"0", "65536", "99999999999", "-1", "+80", "8a", "080000", " 80"}) {
    EXPECT_FALSE(Url::parse("http://h:" + std::string(port) + "/")) << port;
  }
  EXPECT_EQ(parsed("http://h:65535/").port(), 65535);
}

TEST(Url, RefusesHostsThatReadersDisagreeAbout) {
  for (const std::string_view host : {"127.1",
                                      "2130706433",
                                      "0127.0.0.1",
                                      "256.0.0.1",
                                      "1.2.3.4.5",
                                      "1.2.3.",
                                      ".host",
                                      "a..b",
                                      "a%41",
                                      "a!b",
                                      "a\"b",
                                      "a[b",
                                      "[::1",
                                      "::1",
                                      "[::1]x",
                                      "[]",
                                      "[fe80::1%25eth0]",
                                      "[127.0.0.1]",
                                      "[::g]",
                                      "a:80:80"}) {
    EXPECT_FALSE(Url::parse("http://" + std::string(host) + "/")) << host;
  }
  EXPECT_FALSE(Url::parse("http://" + std::string(256, 'a') + "/"));
}

TEST(Url, ReplacesItsTarget) {
  const Url url = parsed("https://h:1/a?b");
  auto other = url.with_target("/c?d");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->to_string(), "https://h:1/c?d");
  EXPECT_EQ(url.to_string(), "https://h:1/a?b");
}

TEST(PercentEncode, KeepsExactlyTheUnreservedBytes) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string c(1, static_cast<char>(byte));
    const bool unreserved =
        byte < 128 && (std::isalnum(byte) != 0 || c == "-" || c == "." || c == "_" || c == "~");
    const std::string encoded = percent_encode(c, Slash::encode);
    if (unreserved) {
      EXPECT_EQ(encoded, c);
    } else {
      constexpr char kDigits[] = "0123456789ABCDEF";
      EXPECT_EQ(encoded, (std::string{'%', kDigits[byte / 16], kDigits[byte % 16]}));
    }
  }
}

TEST(PercentEncode, LeavesSlashesWhereTheySeparate) {
  EXPECT_EQ(percent_encode("a/b c", Slash::keep), "a/b%20c");
  EXPECT_EQ(percent_encode("a/b c", Slash::encode), "a%2Fb%20c");
  std::string out = "/bucket/";
  percent_encode("key+é", Slash::keep, out);
  EXPECT_EQ(out, "/bucket/key%2B%C3%A9");
}

TEST(PercentDecode, UndoesTheEncoding) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  auto decoded = percent_decode(percent_encode(every, Slash::encode));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, every);
}

TEST(PercentDecode, TakesSmallDigitsAndLeavesPlus) {
  auto decoded = percent_decode("%2f+%2F");
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, "/+/");
}

TEST(PercentDecode, RefusesAPercentSignWithoutDigits) {
  for (const std::string_view text : {"%", "a%", "%4", "a%4", "%zz", "%4g", "%%41"}) {
    EXPECT_FALSE(percent_decode(text)) << text;
  }
}

}  // namespace
}  // namespace ringpull::http
