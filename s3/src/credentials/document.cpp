#include "s3/src/credentials/document.hpp"

#include <nlohmann/json.hpp>

#include "s3/src/credentials/fetch.hpp"
#include "s3/src/protocol/xml.hpp"

namespace ringpull::inline v0::s3 {
namespace {

using nlohmann::json;

/// Erases the strings of a parsed document.
class ParsedDocument {
 public:
  explicit ParsedDocument(std::string_view text) : value_(json::parse(text, nullptr, false)) {}
  ~ParsedDocument() {
    if (!value_.is_object()) return;
    for (auto& [name, value] : value_.items()) {
      if (value.is_string()) erase_text(value.get_ref<std::string&>());
    }
  }
  ParsedDocument(const ParsedDocument&) = delete;
  ParsedDocument& operator=(const ParsedDocument&) = delete;

  bool is_object() const { return value_.is_object(); }
  bool is_one(const char* name) const {
    auto found = value_.find(name);
    return found != value_.end() && found->is_number_integer() && *found == 1;
  }
  bool has(const char* name) const {
    auto found = value_.find(name);
    return found != value_.end() && !found->is_null();
  }
  /// Empty when absent or no string.
  std::string_view text(const char* name) const {
    auto found = value_.find(name);
    if (found == value_.end() || !found->is_string()) return {};
    return found->get_ref<const std::string&>();
  }

 private:
  json value_;
};

Error malformed(std::string_view what) {
  return Error(ErrorKind::protocol, "the answer " + std::string(what));
}

std::string describe(const ParsedDocument& document) {
  std::string code = first_line(document.text(document.has("Code") ? "Code" : "code"));
  std::string message = first_line(document.text(document.has("Message") ? "Message" : "message"));
  if (code.empty() || message.empty()) return code + message;
  return code + ": " + message;
}

}  // namespace

Result<Credentials> read_credentials_document(std::string_view text, DocumentKind kind) {
  ParsedDocument document(text);
  if (!document.is_object()) return fail(malformed("is no JSON object"));
  if (kind == DocumentKind::machine && document.text("Code") != "Success") {
    std::string told = describe(document);
    return fail(ErrorKind::unauthenticated,
                "the service reports " + (told.empty() ? "no success" : told));
  }
  if (kind == DocumentKind::process && !document.is_one("Version")) {
    return fail(malformed("has no \"Version\": 1"));
  }
  const char* token = kind == DocumentKind::process ? "SessionToken" : "Token";
  for (const char* name : {"AccessKeyId", "SecretAccessKey"}) {
    if (document.text(name).empty()) return fail(malformed(std::string("has no ") + name));
  }
  RINGPULL_TRY(
      Credentials credentials,
      static_credentials(std::string(document.text("AccessKeyId")),
                         Secret(document.text("SecretAccessKey")), Secret(document.text(token))));
  if (document.has("Expiration")) {
    credentials.expiry = parse_expiration(document.text("Expiration"));
    if (!credentials.expiry) return fail(malformed("has an Expiration that is no date"));
  }
  return credentials;
}

std::string describe_error_document(std::string_view text) {
  ParsedDocument document(text);
  return document.is_object() ? describe(document) : std::string();
}

std::optional<std::chrono::sys_seconds> parse_expiration(std::string_view text) noexcept {
  if (text.ends_with('Z')) return parse_iso8601(text);
  std::size_t sign = text.find_last_of("+-");
  if (sign == std::string_view::npos || sign < 19) return std::nullopt;
  std::string_view offset = text.substr(sign + 1);
  auto digit = [&](std::size_t at) {
    return offset[at] >= '0' && offset[at] <= '9' ? offset[at] - '0' : -100;
  };
  std::size_t minutes_at = offset.size() == 5 && offset[2] == ':' ? 3 : 2;
  if (offset.size() != minutes_at + 2) return std::nullopt;
  int hours = digit(0) * 10 + digit(1);
  int minutes = digit(minutes_at) * 10 + digit(minutes_at + 1);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  auto local = parse_iso8601(std::string(text.substr(0, sign)) + "Z");
  if (!local) return std::nullopt;
  auto east = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return text[sign] == '+' ? *local - east : *local + east;
}

}  // namespace ringpull::inline v0::s3
