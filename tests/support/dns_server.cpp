#include "tests/support/dns_server.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringpull::testing {

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;

void put16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::byte>(value >> 8));
  out.push_back(static_cast<std::byte>(value & 0xff));
}

std::uint16_t get16(const Bytes& in, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(in.at(at)) << 8 |
                                    std::to_integer<unsigned>(in.at(at + 1)));
}

/// The name asked for; `at` moves behind it.
std::string read_name(const Bytes& query, std::size_t& at) {
  std::string name;
  while (auto length = std::to_integer<std::size_t>(query.at(at++))) {
    if (!name.empty()) name += '.';
    for (std::size_t i = 0; i < length; ++i) name += static_cast<char>(query.at(at++));
  }
  return name;
}

/// The address as a record of that type holds it; empty when it is of the other family.
Bytes record_data(const std::string& address, std::uint16_t type) {
  int family = type == kTypeA ? AF_INET : AF_INET6;
  Bytes data(type == kTypeA ? 4 : 16);
  if (::inet_pton(family, address.c_str(), data.data()) != 1) data.clear();
  return data;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool bind_to(int fd, std::uint16_t port) {
  sockaddr_in address = loopback(port);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool read_all(int fd, Bytes& out) {
  return ::recv(fd, out.data(), out.size(), MSG_WAITALL) == static_cast<ssize_t>(out.size());
}

}  // namespace

DnsServer::DnsServer() : stop_(::eventfd(0, EFD_CLOEXEC)) {
  // A port that is free for both transports.
  for (int i = 0; i < 100 && port_ == 0; ++i) {
    udp_ = engine::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    tcp_ = engine::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!bind_to(udp_.get(), 0)) continue;
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(udp_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    if (bind_to(tcp_.get(), ntohs(bound.sin_port))) port_ = ntohs(bound.sin_port);
  }
  if (port_ == 0 || ::listen(tcp_.get(), 16) != 0) throw std::runtime_error("no port for DNS");
  thread_ = std::thread([this] { serve(); });
}

DnsServer::~DnsServer() {
  std::uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

std::string DnsServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void DnsServer::set(const std::string& name, DnsAnswer answer) {
  std::lock_guard lock(mutex_);
  answers_[name] = std::move(answer);
}

void DnsServer::release(std::size_t questions) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return held_.size() >= questions; });
  for (auto& [name, answer] : answers_) answer.held = false;
  for (const Held& held : held_) {
    ::sendto(udp_.get(), held.reply.data(), held.reply.size(), 0,
             reinterpret_cast<const sockaddr*>(held.to.data()),
             static_cast<socklen_t>(held.to.size()));
  }
  held_.clear();
}

std::size_t DnsServer::asked(const std::string& name) const {
  std::lock_guard lock(mutex_);
  auto found = asked_.find(name);
  return found == asked_.end() ? 0 : found->second;
}

std::size_t DnsServer::asked() const {
  std::lock_guard lock(mutex_);
  std::size_t all = 0;
  for (const auto& [name, count] : asked_) all += count;
  return all;
}

void DnsServer::serve() {
  for (;;) {
    std::array<pollfd, 3> fds = {pollfd{udp_.get(), POLLIN, 0}, pollfd{tcp_.get(), POLLIN, 0},
                                 pollfd{stop_.get(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[2].revents != 0) return;
    if (fds[0].revents != 0) serve_datagram();
    if (fds[1].revents != 0) serve_connection();
  }
}

void DnsServer::serve_datagram() {
  Bytes query(512);
  sockaddr_in from{};
  socklen_t size = sizeof from;
  ssize_t got = ::recvfrom(udp_.get(), query.data(), query.size(), 0,
                           reinterpret_cast<sockaddr*>(&from), &size);
  if (got < static_cast<ssize_t>(kHeader)) return;
  query.resize(static_cast<std::size_t>(got));
  DnsAnswer said;
  Bytes reply = reply_to(query, false, said);
  if (said.silent) return;
  if (said.held) {
    const auto* raw = reinterpret_cast<const std::byte*>(&from);
    std::lock_guard lock(mutex_);
    held_.push_back(Held{std::move(reply), Bytes(raw, raw + size)});
    changed_.notify_all();
    return;
  }
  ::sendto(udp_.get(), reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from),
           size);
}

// Both questions of a resolver may come over one connection.
void DnsServer::serve_connection() {
  engine::Fd connection(::accept(tcp_.get(), nullptr, nullptr));
  Bytes prefix(2);
  while (connection && read_all(connection.get(), prefix)) {
    Bytes query(get16(prefix, 0));
    if (!read_all(connection.get(), query)) return;
    DnsAnswer said;
    Bytes reply = reply_to(query, true, said);
    Bytes framed;
    put16(framed, reply.size());
    framed.insert(framed.end(), reply.begin(), reply.end());
    ::send(connection.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
  }
}

// RFC 1035, section 4.1.
std::vector<std::byte> DnsServer::reply_to(const Bytes& query, bool tcp, DnsAnswer& said) {
  std::size_t end = kHeader;
  std::string name = read_name(query, end);
  std::uint16_t type = get16(query, end);
  end += 4;
  {
    std::lock_guard lock(mutex_);
    ++asked_[name];
    said.code = DnsAnswer::kNoSuchName;
    auto found = answers_.find(name);
    if (found != answers_.end()) said = found->second;
  }
  std::vector<Bytes> records;
  for (const std::string& address : said.addresses) {
    Bytes data = type == kTypeA || type == kTypeAaaa ? record_data(address, type) : Bytes();
    if (!data.empty()) records.push_back(std::move(data));
  }
  bool truncated = said.over_tcp && !tcp;
  if (truncated) records.clear();
  Bytes reply(query.begin(), query.begin() + 2);
  put16(reply, 0x8180U | (truncated ? 0x0200U : 0U) | said.code);
  for (std::size_t count : {std::size_t{1}, records.size(), std::size_t{0}, std::size_t{0}}) {
    put16(reply, count);
  }
  reply.insert(reply.end(), query.begin() + kHeader,
               query.begin() + static_cast<std::ptrdiff_t>(end));
  for (const Bytes& data : records) {
    put16(reply, 0xC000U | kHeader);  // the name of the question
    put16(reply, type);
    put16(reply, 1);
    put16(reply, said.ttl_seconds >> 16);
    put16(reply, said.ttl_seconds & 0xFFFFU);
    put16(reply, data.size());
    reply.insert(reply.end(), data.begin(), data.end());
  }
  return reply;
}

}  // namespace ringpull::testing
