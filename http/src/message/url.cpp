#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <optional>

#include <ringpull/http/headers.hpp>
#include <ringpull/http/url.hpp>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http {
namespace {

constexpr std::size_t kHostBytesMax = 255;  // RFC 1035 2.3.4

tl::unexpected<Error> refuse(std::string why) {
  return fail(ErrorKind::invalid_argument, "URL refused: " + std::move(why));
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

// A name as DNS and /etc/hosts have them, with the underscore that container networks use. RFC 3986
// allows more, but percent-encoded or odd characters in a host are a mistake or an attack.
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kHostBytesMax || host.front() == '.') return false;
  if (host.find("..") != std::string_view::npos) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
  });
}

bool is_address(int family, const std::string& host) {
  if (host.find('\0') != std::string::npos) return false;  // inet_pton would stop reading there
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(family, host.c_str(), address) == 1;
}

std::optional<HostKind> kind_of_host(const std::string& host) {
  if (!is_host_name(host)) return std::nullopt;
  if (host.find_first_not_of("0123456789.") != std::string::npos) return HostKind::name;
  // Digits and dots only: one of the forms that inet_aton would read as some address ("127.1") is
  // none of ours.
  if (is_address(AF_INET, host)) return HostKind::ipv4;
  return std::nullopt;
}

Result<std::uint16_t> parse_port(std::string_view text, Scheme scheme) {
  if (text.empty()) return default_port(scheme);  // RFC 3986 3.2.3 lets a port be empty
  std::uint64_t port = 0;
  if (text.size() > 5 || !parse_decimal(text, port) || port == 0 || port > 65535) {
    return refuse("\"" + printable(text) + "\" is not a port from 1 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

Result<std::string> checked_target(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_visible)) {
    return refuse(
        "path or query hold a space, a control character or a byte outside ASCII; percent-encode "
        "it");
  }
  if (text.find('#') != std::string_view::npos) {
    return refuse("a fragment is never sent; a '#' that belongs to the path is written %23");
  }
  std::string target;
  if (text.empty() || text.front() != '/') target = "/";
  target.append(text);
  return target;
}

}  // namespace

std::string_view to_string(Scheme scheme) noexcept {
  return scheme == Scheme::https ? "https" : "http";
}

std::uint16_t default_port(Scheme scheme) noexcept { return scheme == Scheme::https ? 443 : 80; }

Result<Url> Url::parse(std::string_view text) {
  Url url;
  const std::size_t colon = text.find("://");
  const std::string_view scheme = text.substr(0, colon);
  if (colon == std::string_view::npos ||
      !(equal_ignoring_case(scheme, "http") || equal_ignoring_case(scheme, "https"))) {
    return refuse("it must begin with http:// or https://");
  }
  url.scheme_ = scheme.size() == 5 ? Scheme::https : Scheme::http;
  text.remove_prefix(colon + 3);

  const std::size_t authority_end = std::min(text.find_first_of("/?#"), text.size());
  RINGPULL_CHECK(url.parse_authority(text.substr(0, authority_end)));
  RINGPULL_TRY(url.target_, checked_target(text.substr(authority_end)));
  return url;
}

Result<void> Url::parse_authority(std::string_view text) {
  // The message does not quote it: what stands before the '@' is usually a password.
  if (text.find('@') != std::string_view::npos) {
    return refuse("user name and password do not belong into it");
  }
  const bool literal = text.starts_with('[');
  const std::size_t host_end = literal ? text.find(']') : text.find(':');
  if (literal && host_end == std::string_view::npos) return refuse("'[' without its ']'");
  const std::string_view host = literal ? text.substr(1, host_end - 1) : text.substr(0, host_end);
  std::string_view rest = text.substr(std::min(text.size(), literal ? host_end + 1 : host_end));
  if (!rest.empty() && rest.front() != ':') return refuse("something stands between ']' and port");
  if (!rest.empty()) rest.remove_prefix(1);

  host_ = lower(host);
  if (literal) {
    if (host_.size() > INET6_ADDRSTRLEN || !is_address(AF_INET6, host_)) {
      return refuse("\"" + printable(host) + "\" is not an IPv6 address");
    }
    host_kind_ = HostKind::ipv6;
  } else {
    const auto kind = kind_of_host(host_);
    if (!kind) return refuse("\"" + printable(host) + "\" is not a host name or address");
    host_kind_ = *kind;
  }
  RINGPULL_TRY(port_, parse_port(rest, scheme_));
  return {};
}

std::string_view Url::path() const noexcept {
  return std::string_view(target_).substr(0, target_.find('?'));
}

std::string_view Url::query() const noexcept {
  const std::size_t mark = target_.find('?');
  if (mark == std::string::npos) return {};
  return std::string_view(target_).substr(mark + 1);
}

std::string Url::authority() const {
  std::string out = host_kind_ == HostKind::ipv6 ? "[" + host_ + "]" : host_;
  if (port_ != default_port(scheme_)) out += ":" + std::to_string(port_);
  return out;
}

std::string Url::origin() const {
  return std::string(http::to_string(scheme_)) + "://" + authority();
}

Result<Url> Url::with_target(std::string_view target) const {
  Url url = *this;
  RINGPULL_TRY(url.target_, checked_target(target));
  return url;
}

void percent_encode(std::string_view text, Slash slash, std::string& out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  out.reserve(out.size() + text.size());
  for (char c : text) {
    const bool unreserved =
        is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved || (c == '/' && slash == Slash::keep)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

std::string percent_encode(std::string_view text, Slash slash) {
  std::string out;
  percent_encode(text, slash, out);
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = text.size() - i > 2 ? hex_value(text[i + 1]) : -1;
    const int low = text.size() - i > 2 ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return fail(ErrorKind::invalid_argument,
                  "a '%' at byte " + std::to_string(i) + " is not followed by two hex digits");
    }
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

}  // namespace ringpull::inline v0::http
