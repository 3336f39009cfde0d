#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <openssl/evp.h>

#include <ringpull/http/headers.hpp>
#include <ringpull/http/proxy.hpp>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http {

namespace {

/// The first that is set and not empty: upper case first, as in Go; curl has it the other way
/// round.
std::string_view environment(const char* upper, const char* lower) {
  const char* value = std::getenv(upper);
  if (value == nullptr || *value == '\0') value = std::getenv(lower);
  return value != nullptr ? value : "";
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                               reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<std::optional<Proxy>> parse_proxy(std::string_view text, std::string_view variable) {
  if (text.empty()) return std::optional<Proxy>();
  auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::invalid_argument, std::string(variable) + ": " + std::string(why) +
                                                 "; http://[user:password@]host[:port] is allowed");
  };
  constexpr std::string_view kHttp = "http://";
  std::string_view rest = text;
  if (rest.starts_with(kHttp)) {
    rest.remove_prefix(kHttp.size());
  } else if (rest.find("://") != std::string_view::npos) {
    return refuse("the proxy's scheme is not http");
  }
  Proxy proxy;
  std::size_t at = rest.substr(0, rest.find_first_of("/?#")).rfind('@');
  if (at != std::string_view::npos) {
    auto credentials = percent_decode(rest.substr(0, at));
    if (!credentials) return refuse("the proxy's user or password is not well encoded");
    if (credentials->find(':') == std::string::npos) *credentials += ':';
    proxy.authorization = "Basic " + base64(*credentials);
    rest.remove_prefix(at + 1);
  }
  auto url = Url::parse(std::string(kHttp) + std::string(rest));
  if (!url) return refuse("the proxy's address is not a URL");
  proxy.url = std::move(*url);
  return std::optional<Proxy>(std::move(proxy));
}

/// 4 or 16 bytes; empty when the text is no numeric address. An IPv4 address in IPv6 clothes
/// (::ffff:192.0.2.1) is the IPv4 address.
std::string address_bytes(std::string_view text) {
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  std::string copy(text);
  std::array<char, 16> bytes;
  if (::inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (::inet_pton(AF_INET6, copy.c_str(), bytes.data()) != 1) return {};
  std::string address(bytes.data(), bytes.size());
  return address.starts_with(kMapped) ? address.substr(kMapped.size()) : address;
}

bool in_network(std::string_view address, std::string_view network, unsigned bits) {
  if (address.size() != network.size()) return false;
  std::size_t whole = bits / 8;
  if (address.substr(0, whole) != network.substr(0, whole)) return false;
  unsigned rest = bits % 8;
  if (rest == 0) return true;
  unsigned mask = 0xFFU << (8 - rest) & 0xFFU;
  return ((static_cast<unsigned char>(address[whole]) ^
           static_cast<unsigned char>(network[whole])) &
          mask) == 0;
}

bool is_loopback(std::string_view host) {
  if (equal_ignoring_case(host, "localhost")) return true;
  std::string bytes = address_bytes(host);
  if (bytes.size() == 4) return bytes[0] == 127;
  return bytes.size() == 16 && bytes == std::string(15, '\0') + '\1';
}

}  // namespace

Result<ProxySettings> ProxySettings::from_environment() {
  bool cgi = std::getenv("REQUEST_METHOD") != nullptr;
  std::string_view http =
      cgi ? environment("http_proxy", "http_proxy") : environment("HTTP_PROXY", "http_proxy");
  return create(http, environment("HTTPS_PROXY", "https_proxy"),
                environment("NO_PROXY", "no_proxy"));
}

Result<ProxySettings> ProxySettings::create(std::string_view http_proxy,
                                            std::string_view https_proxy,
                                            std::string_view no_proxy) {
  ProxySettings settings;
  RINGPULL_TRY(settings.http_, parse_proxy(http_proxy, "HTTP_PROXY"));
  RINGPULL_TRY(settings.https_, parse_proxy(https_proxy, "HTTPS_PROXY"));
  while (!no_proxy.empty()) {
    std::size_t comma = std::min(no_proxy.find(','), no_proxy.size());
    std::string entry = lower_case(trim_blanks(no_proxy.substr(0, comma)));
    no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
    if (entry.empty()) continue;
    if (entry == "*") {
      settings.except_all_ = true;
      continue;
    }
    if (auto exception = parse_exception(std::move(entry))) {
      settings.exceptions_.push_back(std::move(*exception));
    }
  }
  return settings;
}

/// Nothing for what cannot be read, which Go ignores too.
std::optional<ProxySettings::Exception> ProxySettings::parse_exception(std::string entry) {
  Exception exception;
  std::size_t slash = entry.find('/');
  if (slash != std::string::npos) {
    exception.network = address_bytes(entry.substr(0, slash));
    std::uint64_t bits = 0;
    bool good = parse_decimal(std::string_view(entry).substr(slash + 1), bits) &&
                !exception.network.empty() && bits <= exception.network.size() * 8;
    if (!good) return std::nullopt;
    exception.prefix_bits = static_cast<unsigned>(bits);
    return exception;
  }
  std::size_t colon = entry.rfind(':');
  bool bracketed = entry.front() == '[';
  bool has_port = colon != std::string::npos &&
                  (bracketed ? colon > 0 && entry[colon - 1] == ']' : entry.find(':') == colon);
  if (has_port) {
    std::uint64_t port = 0;
    std::string_view digits = std::string_view(entry).substr(colon + 1);
    if (!digits.empty() && (!parse_decimal(digits, port) || port == 0 || port > 65'535)) {
      return std::nullopt;
    }
    exception.port = static_cast<std::uint16_t>(port);
    entry.resize(colon);
  }
  if (bracketed && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  exception.network = address_bytes(entry);
  if (!exception.network.empty()) {
    exception.prefix_bits = static_cast<unsigned>(exception.network.size() * 8);
    return exception;
  }
  if (entry.starts_with("*.")) entry.erase(0, 1);
  if (entry.starts_with('.')) {
    exception.subdomains_only = true;
    entry.erase(0, 1);
  }
  if (entry.empty()) return std::nullopt;
  exception.host = std::move(entry);
  return exception;
}

bool ProxySettings::Exception::covers(std::string_view name, std::string_view address,
                                      std::uint16_t given_port) const {
  if (port != 0 && port != given_port) return false;
  if (!network.empty()) return in_network(address, network, prefix_bits);
  if (!address.empty()) return false;
  if (name == host) return !subdomains_only;
  return name.size() > host.size() && name.ends_with(host) &&
         name[name.size() - host.size() - 1] == '.';
}

bool ProxySettings::is_excepted(std::string_view host, std::uint16_t port) const {
  if (except_all_ || is_loopback(host)) return true;
  std::string name = lower_case(host);
  std::string address = address_bytes(name);
  return std::any_of(exceptions_.begin(), exceptions_.end(), [&](const Exception& exception) {
    return exception.covers(name, address, port);
  });
}

const Proxy* ProxySettings::select(Scheme scheme, std::string_view host, std::uint16_t port) const {
  const std::optional<Proxy>& proxy = scheme == Scheme::https ? https_ : http_;
  if (!proxy || is_excepted(host, port)) return nullptr;
  return &*proxy;
}

}  // namespace ringpull::inline v0::http
