#pragma once
// For tests whose subject is not DNS: answers at once, without sockets. A name that was not added
// does not exist.

#include <map>
#include <string>
#include <vector>

#include <ringpull/engine/resolver.hpp>

namespace ringpull::testing {

/// Names of the test's own making; a numeric address resolves to itself.
class FixedResolver final : public engine::Resolver {
 public:
  void add(const std::string& name, std::vector<engine::SocketAddress> addresses) {
    names_[name] = std::move(addresses);
  }

  engine::Task<Result<std::vector<engine::SocketAddress>>> resolve(std::string host,
                                                                   std::uint16_t port) override {
    auto numeric = engine::SocketAddress::from_ip(host, port);
    if (numeric) co_return std::vector<engine::SocketAddress>{*numeric};
    auto found = names_.find(host);
    if (found == names_.end()) co_return fail(ErrorKind::not_found, "no address for " + host);
    std::vector<engine::SocketAddress> addresses;
    for (const auto& address : found->second) {
      addresses.push_back(address.port() != 0 ? address : address.with_port(port));
    }
    co_return addresses;
  }

 private:
  std::map<std::string, std::vector<engine::SocketAddress>> names_;
};

}  // namespace ringpull::testing
