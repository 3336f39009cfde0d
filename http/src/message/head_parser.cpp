#include "http/src/message/head_parser.hpp"

#include <utility>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http::detail {

struct HeadParser::Callbacks {
  static HeadParser& self(llhttp_t* parser) { return *static_cast<HeadParser*>(parser->data); }

  static int text(llhttp_t* parser, const char* at, std::size_t size) {
    self(parser).text_->append(at, size);
    return HPE_OK;
  }

  static int field(llhttp_t* parser, const char* at, std::size_t size) {
    HeadParser& head = self(parser);
    if (!std::exchange(head.in_name_, true)) head.headers_->begin_name();
    head.headers_->append({at, size});
    return HPE_OK;
  }

  static int field_complete(llhttp_t* parser) {
    HeadParser& head = self(parser);
    head.in_name_ = false;
    const std::string_view name = head.headers_->begin_value();
    if (is_token(name)) return HPE_OK;
    head.refusal_ = "a header name that is no token";
    return HPE_USER;
  }

  static int value(llhttp_t* parser, const char* at, std::size_t size) {
    self(parser).headers_->append({at, size});
    return HPE_OK;
  }

  static int value_complete(llhttp_t* parser) {
    self(parser).headers_->end_value();
    // Framing is framing.cpp's to judge. llhttp would refuse a second Content-Length even where it
    // repeats the first (RFC 9110 8.6 allows that), so let it forget what it has seen.
    parser->flags &=
        static_cast<std::uint16_t>(~(F_CONTENT_LENGTH | F_TRANSFER_ENCODING | F_CHUNKED));
    parser->content_length = 0;
    return HPE_OK;
  }

  static int head_complete(llhttp_t* parser) {
    self(parser).complete_ = true;
    return HPE_PAUSED;
  }

  static const llhttp_settings_t* settings() {
    static const llhttp_settings_t settings = [] {
      llhttp_settings_t made;
      llhttp_settings_init(&made);
      made.on_status = text;
      made.on_url = text;
      made.on_header_field = field;
      made.on_header_field_complete = field_complete;
      made.on_header_value = value;
      made.on_header_value_complete = value_complete;
      made.on_headers_complete = head_complete;
      return made;
    }();
    return &settings;
  }
};

HeadParser::HeadParser(MessageType type, const ParserLimits& limits) : scanner_(type, limits) {
  llhttp_init(&llhttp_, type == MessageType::response ? HTTP_RESPONSE : HTTP_REQUEST,
              Callbacks::settings());
  llhttp_.data = this;
}

void HeadParser::start(Headers& headers, std::string& text) {
  scanner_.reset();
  llhttp_reset(&llhttp_);
  headers_ = &headers;
  text_ = &text;
  headers.clear();
  text.clear();
  refusal_ = nullptr;
  in_name_ = false;
  complete_ = false;
}

std::string_view HeadParser::method() noexcept {
  return llhttp_method_name(static_cast<llhttp_method_t>(llhttp_get_method(&llhttp_)));
}

Result<std::size_t> HeadParser::feed(std::span<const std::byte> in) {
  const std::string_view bytes(reinterpret_cast<const char*>(in.data()), in.size());
  auto scan = scanner_.scan(bytes);
  RINGPULL_CHECK(tokenise(bytes.substr(0, scan.accepted)));
  if (scan.error) return fail(std::move(*scan.error));
  if (scan.complete != complete_) {
    return fail(ErrorKind::protocol, "head malformed: its end is not clear");
  }
  return scan.accepted;
}

Result<void> HeadParser::tokenise(std::string_view bytes) {
  if (bytes.empty()) return {};
  const llhttp_errno_t status = llhttp_execute(&llhttp_, bytes.data(), bytes.size());
  if (status == HPE_OK) return {};
  if (status == HPE_PAUSED && complete_ &&
      llhttp_get_error_pos(&llhttp_) == bytes.data() + bytes.size()) {
    return {};
  }
  const char* reason = refusal_ != nullptr ? refusal_ : llhttp_get_error_reason(&llhttp_);
  return fail(ErrorKind::protocol,
              std::string("head malformed: ") + (reason == nullptr ? "not HTTP/1.1" : reason));
}

}  // namespace ringpull::inline v0::http::detail
