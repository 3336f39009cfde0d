#include "http/src/message/framing.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http {
namespace {

constexpr std::string_view kContentLength = "Content-Length";
constexpr std::string_view kTransferEncoding = "Transfer-Encoding";
constexpr std::string_view kConnection = "Connection";

struct BodyFields {
  std::optional<std::uint64_t> content_length;
  bool encoded = false;  // there is a Transfer-Encoding
  std::size_t chunked_count = 0;
  std::size_t other_count = 0;
  bool chunked_last = false;
  bool empty_member = false;
};

tl::unexpected<Error> refuse(std::string why) {
  return fail(ErrorKind::protocol, "framing refused: " + std::move(why));
}

// Content-Length: digits only, and one length however often it is sent (RFC 9110 8.6 allows a list
// of equal numbers too; nobody sends one without being broken).
Result<void> take_content_length(std::string_view value, BodyFields& fields) {
  std::uint64_t length = 0;
  if (!parse_decimal(value, length)) {
    return refuse("Content-Length \"" + printable(value) + "\" is not a number we can count to");
  }
  if (fields.content_length && *fields.content_length != length) {
    return refuse("two Content-Length fields that differ");
  }
  fields.content_length = length;
  return {};
}

void take_transfer_encoding(std::string_view value, BodyFields& fields) {
  fields.encoded = true;
  for_each_list_member(value, [&](std::string_view member) {
    fields.chunked_last = equal_ignoring_case(member, "chunked");
    fields.empty_member = fields.empty_member || member.empty();
    ++(fields.chunked_last ? fields.chunked_count : fields.other_count);
  });
}

// Exactly one coding, "chunked". Another one before it is legal, but we sent no TE that would allow
// it and could not undo it.
Result<void> check_transfer_encoding(const BodyFields& fields, int version_minor) {
  if (version_minor == 0) return refuse("Transfer-Encoding in HTTP/1.0");
  if (fields.content_length) return refuse("Transfer-Encoding together with Content-Length");
  if (fields.chunked_count != 1 || !fields.chunked_last || fields.empty_member) {
    return refuse("Transfer-Encoding does not end in one \"chunked\"");
  }
  if (fields.other_count == 0) return {};
  return fail(ErrorKind::unsupported,
              "framing refused: Transfer-Encoding applies a coding besides chunked");
}

Result<BodyFields> read_body_fields(const Headers& headers, int version_minor) {
  BodyFields fields;
  for (const HeaderField field : headers) {
    if (equal_ignoring_case(field.name, kContentLength)) {
      RINGPULL_CHECK(take_content_length(field.value, fields));
    } else if (equal_ignoring_case(field.name, kTransferEncoding)) {
      take_transfer_encoding(field.value, fields);
    }
  }
  if (fields.encoded) {
    RINGPULL_CHECK(check_transfer_encoding(fields, version_minor));
  }
  return fields;
}

bool wants_keep_alive(const Headers& headers, int version_minor) {
  if (headers.has_token(kConnection, "close")) return false;
  return version_minor >= 1 || headers.has_token(kConnection, "keep-alive");
}

}  // namespace

std::string_view to_string(Framing framing) noexcept {
  switch (framing) {
    case Framing::none: return "none";
    case Framing::content_length: return "content_length";
    case Framing::chunked: return "chunked";
    case Framing::until_close: return "until_close";
  }
  return "?";
}

RequestKind request_kind(std::string_view method) noexcept {
  if (method == "HEAD") return RequestKind::head;
  if (method == "CONNECT") return RequestKind::connect;
  return RequestKind::ordinary;
}

namespace detail {

Result<void> frame_response(RequestKind kind, ResponseHead& head) {
  head.framing = Framing::none;
  head.content_length = 0;
  head.keep_alive = wants_keep_alive(head.headers, head.version_minor);
  // RFC 9110 9.3.6: a successful CONNECT has no body, and its framing fields mean nothing.
  if (kind == RequestKind::connect && head.status / 100 == 2) return {};

  RINGPULL_TRY(const auto fields, read_body_fields(head.headers, head.version_minor));
  head.content_length = fields.content_length.value_or(0);
  if (kind == RequestKind::head || head.status == 204 || head.status == 304) return {};
  if (fields.encoded) {
    head.framing = Framing::chunked;
  } else if (fields.content_length) {
    head.framing = Framing::content_length;
  } else {
    head.framing = Framing::until_close;
    head.keep_alive = false;
  }
  return {};
}

Result<void> frame_request(RequestHead& head) {
  const auto hosts = std::count_if(head.headers.begin(), head.headers.end(), [](HeaderField field) {
    return equal_ignoring_case(field.name, "Host");
  });
  if (hosts > 1 || (hosts == 0 && head.version_minor >= 1)) {
    return refuse(std::to_string(hosts) + " Host fields instead of one");
  }
  RINGPULL_TRY(const auto fields, read_body_fields(head.headers, head.version_minor));
  head.content_length = fields.content_length.value_or(0);
  head.framing = fields.encoded          ? Framing::chunked
                 : fields.content_length ? Framing::content_length
                                         : Framing::none;
  head.keep_alive = wants_keep_alive(head.headers, head.version_minor);
  head.expect_continue =
      head.version_minor >= 1 && head.headers.has_token("Expect", "100-continue");
  return {};
}

}  // namespace detail
}  // namespace ringpull::inline v0::http
