#pragma once
// Proxies, as the environment or the program names them. Plain requests go through them whole,
// https by CONNECT; neither SOCKS nor TLS to the proxy itself.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/url.hpp>

namespace ringpull::inline v0::http {

/// An HTTP proxy: where it is, and the Proxy-Authorization header it wants (empty: none; a secret).
struct Proxy {
  Proxy() = default;
  Url url;
  std::string authorization;
};

/// Which proxy serves which origin, by the rules that Go's registry follows
/// (golang.org/x/net/http/httpproxy): the variable of the URL's scheme, in upper or else lower
/// case; NO_PROXY is a comma-separated list of "*", host names (with their subdomains; with a
/// leading dot only those), IP addresses, CIDR blocks, each with an optional port; loopback hosts
/// never go through a proxy; HTTP_PROXY (not http_proxy) is ignored where REQUEST_METHOD is set
/// (CGI, CVE-2016-5385). What NO_PROXY says that cannot be read is ignored.
class ProxySettings {
 public:
  /// No proxy for anyone.
  ProxySettings() = default;
  /// Reads HTTP_PROXY, HTTPS_PROXY, NO_PROXY and their lower-case forms. `invalid_argument`,
  /// without the credentials in the text, for a proxy URL that is not
  /// http://[user[:password]@]host[:port].
  static Result<ProxySettings> from_environment();
  static Result<ProxySettings> create(std::string_view http_proxy, std::string_view https_proxy,
                                      std::string_view no_proxy);

  /// Null: connect directly. Valid as long as the settings.
  const Proxy* select(Scheme scheme, std::string_view host, std::uint16_t port) const;

 private:
  struct Exception {
    bool covers(std::string_view name, std::string_view address, std::uint16_t given_port) const;

    std::string host;     // lower case, without a leading dot; empty for addresses
    std::string network;  // address bytes, of which prefix_bits count
    unsigned prefix_bits = 0;
    std::uint16_t port = 0;  // 0: any
    bool subdomains_only = false;
  };
  static std::optional<Exception> parse_exception(std::string entry);
  bool is_excepted(std::string_view host, std::uint16_t port) const;

  std::optional<Proxy> http_;
  std::optional<Proxy> https_;
  std::vector<Exception> exceptions_;
  bool except_all_ = false;
};

}  // namespace ringpull::inline v0::http
