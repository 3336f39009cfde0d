#include "cloudfront/src/network/client_address.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace ringpull::cloudfront {
namespace {

const std::vector<IpNetwork> kTrusted = {IpNetwork::parse("10.0.0.0/8").value(),
                                         IpNetwork::parse("fd00::/8").value()};

std::string address(const char* peer, const char* forwarded_for, const char* real_ip,
                    const std::vector<IpNetwork>& trusted = kTrusted) {
  s3::ClientFacts client;
  client.peer_address = peer;
  client.forwarded_for = forwarded_for;
  client.real_ip = real_ip;
  auto found = client_address(client, trusted);
  return found ? found->to_string() : "";
}

TEST(ClientAddress, IsThePeersWhereThatIsNoTrustedProxy) {
  EXPECT_EQ(address("192.0.2.1:5000", "", ""), "192.0.2.1");
  EXPECT_EQ(address("192.0.2.1:5000", "198.51.100.1", "198.51.100.2"), "192.0.2.1");
  EXPECT_EQ(address("[2001:db8::1]:5000", "198.51.100.1", ""), "2001:db8::1");
  EXPECT_EQ(address("10.0.0.1:5000", "198.51.100.1", "", {}), "10.0.0.1");
}

TEST(ClientAddress, IsWhatATrustedProxySaw) {
  EXPECT_EQ(address("10.0.0.1:5000", "198.51.100.1", ""), "198.51.100.1");
  EXPECT_EQ(address("[fd00::1]:5000", "2001:db8::1", ""), "2001:db8::1");
  EXPECT_EQ(address("10.0.0.1", "198.51.100.1:4321", ""), "198.51.100.1");
  EXPECT_EQ(address("::ffff:10.0.0.1", "198.51.100.1", ""), "198.51.100.1");
}

TEST(ClientAddress, IsNotWhatAClientWroteInFrontOfIt) {
  EXPECT_EQ(address("10.0.0.1", "3.5.140.1, 198.51.100.1", ""), "198.51.100.1");
  EXPECT_EQ(address("10.0.0.1", "3.5.140.1,198.51.100.1 , 10.0.0.2,10.0.0.3", ""), "198.51.100.1");
  EXPECT_EQ(address("10.0.0.1", "10.9.9.9, 198.51.100.1", ""), "198.51.100.1");
}

TEST(ClientAddress, IsTheFirstOfProxiesThatAreAllTrusted) {
  EXPECT_EQ(address("10.0.0.1", "10.0.0.3, 10.0.0.2", ""), "10.0.0.3");
}

TEST(ClientAddress, IsXRealIpWithoutXForwardedFor) {
  EXPECT_EQ(address("10.0.0.1", "", "198.51.100.2"), "198.51.100.2");
  EXPECT_EQ(address("10.0.0.1", "198.51.100.1", "198.51.100.2"), "198.51.100.1");
  EXPECT_EQ(address("10.0.0.1", "", ""), "10.0.0.1");
}

TEST(ClientAddress, IsNotKnownWhereTheDecidingValueIsNoAddress) {
  EXPECT_EQ(address("", "198.51.100.1", ""), "");
  EXPECT_EQ(address("unix:/run/registry.sock", "198.51.100.1", ""), "");
  EXPECT_EQ(address("10.0.0.1", "unknown", ""), "");
  EXPECT_EQ(address("10.0.0.1", "198.51.100.1, ", ""), "");
  EXPECT_EQ(address("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", ""), "");
  EXPECT_EQ(address("10.0.0.1", "", "localhost"), "");
}

}  // namespace
}  // namespace ringpull::cloudfront
