#include "s3/src/signing/sigv4_canonical.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include <ringpull/http/url.hpp>

#include "s3/src/text/letter_case.hpp"

namespace ringpull::inline v0::s3 {
namespace {

bool is_unreserved(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The octet that a percent escape at `text[0]` stands for, or -1 when there is none.
int escaped_octet(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '%') return -1;
  int high = hex_value(text[1]);
  int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void append_encoded_octet(std::string& out, unsigned char octet) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  if (is_unreserved(static_cast<char>(octet))) {
    out += static_cast<char>(octet);
    return;
  }
  out += '%';
  out += kDigits[octet >> 4];
  out += kDigits[octet & 15];
}

std::string decode_query_part(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    int octet = escaped_octet(text.substr(i));
    if (octet >= 0) {
      out += static_cast<char>(octet);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// RFC 3986 section 5.2.4 plus merging of empty segments.
std::string normalized_path(std::string_view path) {
  std::vector<std::string_view> segments;
  bool trailing_slash = false;
  for (std::size_t begin = 0; begin <= path.size();) {
    std::size_t end = std::min(path.find('/', begin), path.size());
    std::string_view segment = path.substr(begin, end - begin);
    trailing_slash = segment.empty() || segment == "." || segment == "..";
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    begin = end + 1;
  }
  std::string out;
  for (std::string_view segment : segments) {
    out += '/';
    out += segment;
  }
  if (out.empty() || trailing_slash) out += '/';
  return out;
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

void append_collapsed(std::string& out, std::string_view value) {
  bool pending_blank = false;
  bool started = false;
  for (char c : value) {
    if (is_blank(c)) {
      pending_blank = started;
      continue;
    }
    if (pending_blank) out += ' ';
    pending_blank = false;
    started = true;
    out += c;
  }
}

}  // namespace

SplitTarget split_target(std::string_view target) noexcept {
  std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

std::vector<QueryParameter> parse_query(std::string_view query) {
  std::vector<QueryParameter> parameters;
  for (std::size_t begin = 0; begin < query.size();) {
    std::size_t end = std::min(query.find('&', begin), query.size());
    std::string_view part = query.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty()) continue;
    std::size_t equals = part.find('=');
    std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    parameters.push_back({decode_query_part(part.substr(0, equals)), decode_query_part(value)});
  }
  return parameters;
}

std::string canonical_query(std::string_view query, std::string_view without) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const QueryParameter& parameter : parse_query(query)) {
    if (!without.empty() && parameter.name == without) continue;
    auto& [name, value] = encoded.emplace_back();
    http::percent_encode(parameter.name, http::Slash::encode, name);
    http::percent_encode(parameter.value, http::Slash::encode, value);
  }
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

std::string canonical_path(std::string_view path, const SigningRules& rules) {
  std::string normalized;
  if (rules.normalize_path) {
    normalized = normalized_path(path);
    path = normalized;
  }
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '/') {
      out += '/';
      continue;
    }
    // Encoding once: a valid escape stays one octet, but in its canonical spelling.
    int octet = rules.double_encode_path ? -1 : escaped_octet(path.substr(i));
    if (octet < 0) {
      append_encoded_octet(out, static_cast<unsigned char>(path[i]));
      continue;
    }
    append_encoded_octet(out, static_cast<unsigned char>(octet));
    i += 2;
  }
  return out;
}

CanonicalHeaders canonical_headers(const http::Headers& headers,
                                   const std::function<bool(std::string_view)>& selected) {
  struct Field {
    std::string name;
    std::size_t index;  // keeps repeated fields in their order
    std::string_view value;
  };
  std::vector<Field> fields;
  fields.reserve(headers.size());
  for (http::HeaderField header : headers) {
    std::string name = to_lower(header.name);
    if (selected(name)) fields.push_back({std::move(name), fields.size(), header.value});
  }
  std::sort(fields.begin(), fields.end(), [](const Field& left, const Field& right) {
    return std::tie(left.name, left.index) < std::tie(right.name, right.index);
  });
  CanonicalHeaders out;
  const std::string* previous = nullptr;
  for (const Field& field : fields) {
    if (previous != nullptr && *previous == field.name) {
      out.block.back() = ',';
    } else {
      out.block += field.name;
      out.block += ':';
      if (!out.signed_list.empty()) out.signed_list += ';';
      out.signed_list += field.name;
    }
    append_collapsed(out.block, field.value);
    out.block += '\n';
    previous = &field.name;
  }
  return out;
}

bool is_signable_header(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 5> kSkipped = {"user-agent", "expect", "connection",
                                                        "transfer-encoding", "x-amzn-trace-id"};
  return std::find(kSkipped.begin(), kSkipped.end(), name) == kSkipped.end();
}

std::string assemble_canonical_request(std::string_view method, std::string_view path,
                                       std::string_view query, const CanonicalHeaders& headers,
                                       std::string_view payload) {
  std::string out;
  out.reserve(method.size() + path.size() + query.size() + headers.block.size() +
              headers.signed_list.size() + payload.size() + 5);
  for (std::string_view line : {method, path, query, std::string_view(headers.block),
                                std::string_view(headers.signed_list)}) {
    out += line;
    out += '\n';
  }
  out += payload;
  return out;
}

}  // namespace ringpull::inline v0::s3
