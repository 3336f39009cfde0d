#include <algorithm>
#include <array>
#include <string>

#include <ringpull/http/request.hpp>
#include <ringpull/http/response.hpp>

#include "http/src/message/text.hpp"

namespace ringpull::inline v0::http {

void RequestHead::clear() noexcept {
  method.clear();
  target.clear();
  headers.clear();
  version_minor = 1;
  keep_alive = true;
  expect_continue = false;
  framing = Framing::none;
  content_length = 0;
}

Result<void> write_head(const RequestHead& head, std::string& out) {
  if (!is_token(head.method)) {
    return fail(ErrorKind::invalid_argument,
                "\"" + printable(head.method) + "\" cannot be a request method");
  }
  if (head.target.empty() || !std::all_of(head.target.begin(), head.target.end(), is_visible)) {
    return fail(ErrorKind::invalid_argument,
                "the request target is empty or holds a space, a control character or a byte "
                "outside ASCII; percent-encode it");
  }
  RINGPULL_CHECK(head.headers.check());
  out.reserve(out.size() + head.method.size() + head.target.size() + head.headers.size_bytes() +
              16);
  out.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  out.append(head.headers.wire()).append("\r\n");
  return {};
}

void ResponseHead::clear() noexcept {
  status = 0;
  reason.clear();
  headers.clear();
  version_minor = 1;
  keep_alive = true;
  framing = Framing::none;
  content_length = 0;
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return {};
  }
}

Result<void> write_head(const ResponseHead& head, std::string& out) {
  if (head.status < 100 || head.status > 999) {
    return fail(ErrorKind::invalid_argument,
                std::to_string(head.status) + " cannot be a status code");
  }
  if (has_control(head.reason)) {
    return fail(ErrorKind::invalid_argument, "the reason phrase holds a control character");
  }
  RINGPULL_CHECK(head.headers.check());
  const std::string_view reason =
      head.reason.empty() ? reason_phrase(head.status) : std::string_view(head.reason);
  const std::array<char, 3> digits = {static_cast<char>('0' + head.status / 100),
                                      static_cast<char>('0' + head.status / 10 % 10),
                                      static_cast<char>('0' + head.status % 10)};
  out.reserve(out.size() + reason.size() + head.headers.size_bytes() + 32);
  out.append("HTTP/1.1 ").append(digits.data(), digits.size()).append(" ").append(reason);
  out.append("\r\n").append(head.headers.wire()).append("\r\n");
  return {};
}

}  // namespace ringpull::inline v0::http
