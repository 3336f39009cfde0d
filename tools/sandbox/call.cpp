#include "tools/sandbox/call.hpp"

#include <charconv>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ringpull/http/url.hpp>
#include <ringpull/s3/utf8.hpp>

namespace ringpull::sandbox {

namespace {

Outcome<std::string> decode(std::string_view text) {
  auto decoded = http::percent_decode(text);
  if (!decoded || !s3::is_utf8(*decoded)) {
    return refuse(400, "InvalidURI", "Couldn't parse the specified URI.");
  }
  return std::move(*decoded);
}

Outcome<void> parse_query(std::string_view text, std::map<std::string, std::string>& query) {
  while (!text.empty()) {
    std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    std::size_t equals = pair.find('=');
    auto name = decode(pair.substr(0, equals));
    if (!name) return tl::unexpected(name.error());
    std::string raw(equals == std::string_view::npos ? std::string_view()
                                                     : pair.substr(equals + 1));
    for (char& c : raw) {
      if (c == '+') c = ' ';
    }
    auto value = decode(raw);
    if (!value) return tl::unexpected(value.error());
    query.insert_or_assign(std::move(*name), std::move(*value));
  }
  return {};
}

}  // namespace

std::string virtual_bucket(std::string_view host, std::string_view domain) {
  host = host.substr(0, host.rfind(':'));
  if (host.size() <= domain.size() + 1 || !host.ends_with(domain)) return {};
  std::string_view label = host.substr(0, host.size() - domain.size());
  if (!label.ends_with('.')) return {};
  return std::string(label.substr(0, label.size() - 1));
}

Outcome<void> parse_target(Call& call, std::string_view virtual_bucket) {
  std::string_view target = call.head().target;
  if (!target.starts_with('/'))
    return refuse(400, "InvalidURI", "Couldn't parse the specified URI.");
  std::size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(1, question - 1);
  if (question < target.size()) {
    auto parsed = parse_query(target.substr(question + 1), call.query);
    if (!parsed) return parsed;
  }
  std::string_view key = path;
  if (virtual_bucket.empty()) {
    std::size_t slash = std::min(path.find('/'), path.size());
    auto bucket = decode(path.substr(0, slash));
    if (!bucket) return tl::unexpected(bucket.error());
    call.bucket = std::move(*bucket);
    key = slash < path.size() ? path.substr(slash + 1) : std::string_view();
  } else {
    call.bucket = virtual_bucket;
  }
  auto decoded = decode(key);
  if (!decoded) return tl::unexpected(decoded.error());
  call.key = std::move(*decoded);
  if (call.key.size() > 1024) return refuse(400, "KeyTooLongError", "Your key is too long");
  return {};
}

Outcome<void> check_headers(const Call& call) {
  for (http::HeaderField field : call.head().headers) {
    if (s3::is_utf8(field.value)) continue;
    return refuse(400, "InvalidArgument", fmt::format("The value of {} must be UTF-8", field.name));
  }
  return {};
}

Outcome<std::uint64_t> number(const Call& call, const std::string& parameter,
                              std::uint64_t fallback, std::uint64_t least, std::uint64_t most) {
  if (!call.has(parameter)) return fallback;
  std::string text = call.parameter(parameter);
  std::uint64_t value = 0;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  bool good = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() &&
              value >= least && value <= most;
  if (!good) {
    return refuse(400, "InvalidArgument",
                  fmt::format("{} must be a number from {} to {}", parameter, least, most));
  }
  return value;
}

std::string iso_time(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.000Z", time);
}

}  // namespace ringpull::sandbox
