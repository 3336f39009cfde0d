#include "cloudfront/src/network/ip_table.hpp"

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace ringpull::cloudfront {
namespace {

IpTable::Entry entry(const char* network, bool wanted) {
  return IpTable::Entry(IpNetwork::parse(network).value(), wanted);
}

bool wants(const IpTable& table, const std::string& address) {
  return table.wants(IpAddress::parse(address).value());
}

TEST(IpTable, OfNothingWantsNothing) {
  EXPECT_FALSE(wants(IpTable(), "192.0.2.1"));
  EXPECT_EQ(IpTable().networks(), 0U);
  EXPECT_FALSE(wants(IpTable({entry("10.0.0.0/8", false)}), "10.0.0.1"));
}

TEST(IpTable, AsksTheSmallestNetworkThatContainsTheAddress) {
  IpTable table({entry("10.0.0.0/8", true), entry("10.1.0.0/16", false), entry("10.1.1.0/24", true),
                 entry("10.1.1.1", false), entry("2001:db8::/32", true)});
  EXPECT_EQ(table.networks(), 5U);
  for (const char* address : {"10.0.0.0", "10.0.255.255", "10.2.0.0", "10.255.255.255", "10.1.1.0",
                              "10.1.1.2", "10.1.1.255", "2001:db8::", "2001:db8:ffff::1"}) {
    EXPECT_TRUE(wants(table, address)) << address;
  }
  for (const char* address : {"9.255.255.255", "11.0.0.0", "10.1.0.0", "10.1.0.255", "10.1.2.0",
                              "10.1.255.255", "10.1.1.1", "2001:db9::", "::", "0.0.0.0"}) {
    EXPECT_FALSE(wants(table, address)) << address;
  }
}

TEST(IpTable, WantsANetworkThatStandsThereTwiceWhereOneOfThemIsWanted) {
  for (bool first : {false, true}) {
    IpTable table({entry("10.0.0.0/8", first), entry("10.0.0.0/8", !first)});
    EXPECT_TRUE(wants(table, "10.1.2.3"));
    EXPECT_EQ(table.networks(), 1U);
  }
}

TEST(IpTable, ReachesBothEndsOfTheAddressSpace) {
  IpTable table({entry("::/0", true), entry("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
                 entry("::", false)});
  EXPECT_FALSE(wants(table, "::"));
  EXPECT_TRUE(wants(table, "::1"));
  EXPECT_TRUE(wants(table, "255.255.255.255"));
  EXPECT_FALSE(wants(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

/// By definition: of the networks that contain it, the one with most bits.
bool wanted_by_search(const std::vector<IpTable::Entry>& entries, const IpAddress& address) {
  int bits = -1;
  bool wanted = false;
  for (const IpTable::Entry& one : entries) {
    if (!one.network.contains(address) || one.network.prefix_bits() < bits) continue;
    wanted = one.wanted || (wanted && one.network.prefix_bits() == bits);
    bits = one.network.prefix_bits();
  }
  return wanted;
}

TEST(IpTable, AnswersAsASearchThroughAllNetworksDoes) {
  std::mt19937 random(20260102);
  for (int round = 0; round < 50; ++round) {
    // Few bits that differ, so that networks lie in each other.
    auto address = [&random] {
      return "10." + std::to_string(random() % 2) + "." + std::to_string(random() % 4) + "." +
             std::to_string(random() % 256);
    };
    std::vector<IpTable::Entry> entries;
    for (std::size_t i = 0, count = random() % 60; i < count; ++i) {
      std::string network = address() + "/" + std::to_string(8 + random() % 25);
      entries.push_back(entry(network.c_str(), random() % 2 == 0));
    }
    IpTable table(entries);
    for (int i = 0; i < 500; ++i) {
      std::string text = address();
      IpAddress asked = IpAddress::parse(text).value();
      ASSERT_EQ(table.wants(asked), wanted_by_search(entries, asked))
          << text << " in round " << round;
    }
  }
}

}  // namespace
}  // namespace ringpull::cloudfront
