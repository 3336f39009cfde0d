#pragma once
// For CaresResolver, over real sockets; tests that only need names take fixed_resolver.hpp. Any
// thread; release() blocks the one that calls it.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <ringpull/engine/fd.hpp>

namespace ringpull::testing {

/// What a DnsServer says to a name.
class DnsAnswer {
 public:
  DnsAnswer() = default;
  /// Response codes of RFC 1035, section 4.1.1.
  static constexpr std::uint8_t kServerFailure = 2;
  static constexpr std::uint8_t kNoSuchName = 3;

  std::vector<std::string> addresses;  // of both families
  std::uint32_t ttl_seconds = 60;
  std::uint8_t code = 0;
  bool silent = false;    // says nothing
  bool over_tcp = false;  // truncated over UDP, whole over TCP
  bool held = false;      // says it only after release()
};

/// A name server on a free port of 127.0.0.1, UDP and TCP, on a thread of its own. Names that were
/// not set do not exist.
class DnsServer {
 public:
  DnsServer();
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  /// For ResolverOptions::servers.
  std::string address() const;
  void set(const std::string& name, DnsAnswer answer);
  /// Lets held answers go; waits until `questions` of them are held.
  void release(std::size_t questions);
  /// Questions about that name, each record type and transport for itself.
  std::size_t asked(const std::string& name) const;
  std::size_t asked() const;

 private:
  struct Held {
    std::vector<std::byte> reply;
    std::vector<std::byte> to;
  };
  void serve();
  void serve_datagram();
  void serve_connection();
  std::vector<std::byte> reply_to(const std::vector<std::byte>& query, bool tcp, DnsAnswer& said);

  engine::Fd udp_;
  engine::Fd tcp_;
  engine::Fd stop_;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, DnsAnswer> answers_;
  std::map<std::string, std::size_t> asked_;
  std::vector<Held> held_;
  std::thread thread_;
};

}  // namespace ringpull::testing
