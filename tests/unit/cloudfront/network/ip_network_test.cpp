#include <gtest/gtest.h>
#include <string>

#include <ringpull/cloudfront/ip_network.hpp>

namespace ringpull::cloudfront {
namespace {

TEST(IpAddress, IsReadAndWritten) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "::1",
                           "2600:1f00:4000::"}) {
    auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(IpAddress, IsTheSameInBothSpellingsOfIPv4) {
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1"), IpAddress::parse("192.0.2.1"));
  EXPECT_TRUE(IpAddress::parse("::ffff:c000:201")->is_v4());
  EXPECT_FALSE(IpAddress::parse("::192.0.2.1")->is_v4());
}

TEST(IpAddress, IsNothingElse) {
  for (const char* text :
       {"", " ", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ", " 192.0.2.1", "192.0.2.1:80",
        "[::1]", "::1%eth0", "localhost", "1", "0x7f.1", "::1::", "12345::", "192.0.2.1/32",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999", "unknown", "_hidden"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("192.0.2.1\0", 10)));
  EXPECT_FALSE(IpAddress::parse(std::string(100'000, '1')));
}

TEST(IpAddress, IsFoundInWhatSocketsAndProxiesWrite) {
  const std::pair<const char*, const char*> kCases[] = {{"192.0.2.1", "192.0.2.1"},
                                                        {"192.0.2.1:443", "192.0.2.1"},
                                                        {"2001:db8::1", "2001:db8::1"},
                                                        {"[2001:db8::1]", "2001:db8::1"},
                                                        {"[2001:db8::1]:443", "2001:db8::1"}};
  for (const auto& [text, address] : kCases) {
    EXPECT_EQ(IpAddress::parse_endpoint(text), IpAddress::parse(address)) << text;
  }
  for (const char* text : {"", ":443", "[]", "[", "[::1", "[::1]443", "host:443", "[192.0.2.1"}) {
    EXPECT_FALSE(IpAddress::parse_endpoint(text)) << text;
  }
}

TEST(IpNetwork, IsReadAndWrittenWithItsLength) {
  const std::pair<const char*, const char*> kCases[] = {
      {"192.0.2.0/24", "192.0.2.0/24"},
      {"192.0.2.77/24", "192.0.2.0/24"},
      {"192.0.2.1", "192.0.2.1/32"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"2001:db8::1", "2001:db8::1/128"},
      {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
      {"::/0", "::/0"}};
  for (const auto& [text, written] : kCases) {
    auto network = IpNetwork::parse(text);
    ASSERT_TRUE(network) << text;
    EXPECT_EQ(network->to_string(), written);
  }
  for (const char* text : {"", "/", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/024",
                           "192.0.2.0/2x", "2001:db8::/129", "192.0.2.0/24/8", "host/24", "/24"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

TEST(IpNetwork, ContainsWhatBeginsWithItsBits) {
  IpNetwork v4 = IpNetwork::parse("10.16.0.0/12").value();
  EXPECT_EQ(v4.first(), IpAddress::parse("10.16.0.0"));
  EXPECT_EQ(v4.last(), IpAddress::parse("10.31.255.255"));
  for (const char* inside : {"10.16.0.0", "10.20.1.2", "10.31.255.255", "::ffff:10.17.0.1"}) {
    EXPECT_TRUE(v4.contains(*IpAddress::parse(inside))) << inside;
  }
  for (const char* outside : {"10.15.255.255", "10.32.0.0", "::10.17.0.1", "a10::"}) {
    EXPECT_FALSE(v4.contains(*IpAddress::parse(outside))) << outside;
  }
  IpNetwork all_v4 = IpNetwork::parse("0.0.0.0/0").value();
  EXPECT_TRUE(all_v4.contains(*IpAddress::parse("255.255.255.255")));
  EXPECT_FALSE(all_v4.contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_TRUE(IpNetwork::parse("::/0")->contains(*IpAddress::parse("255.255.255.255")));
}

}  // namespace
}  // namespace ringpull::cloudfront
