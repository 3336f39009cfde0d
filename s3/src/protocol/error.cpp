#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include <ringpull/http/date.hpp>
#include <ringpull/s3/error.hpp>

#include "s3/src/protocol/error_codes.hpp"
#include "s3/src/protocol/xml.hpp"

namespace ringpull::inline v0::s3 {
namespace {

/// A service's message is for people, but it comes from outside: one line, of bounded length.
constexpr std::size_t kMessageBytesMax = 512;

std::string one_line(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, kMessageBytesMax)) {
    bool blank = static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
    if (!blank) out += c;
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '.')) out.pop_back();
  if (text.size() > kMessageBytesMax) out += "...";
  return out;
}

std::string_view advice(std::string_view code) noexcept {
  constexpr std::pair<std::string_view, std::string_view> kAdvice[] = {
      {"SignatureDoesNotMatch", "check the secret access key"},
      {"InvalidAccessKeyId", "check the access key id and that it belongs to this endpoint"},
      {"InvalidToken", "check the session token"},
      {"ExpiredToken", "get fresh temporary credentials"},
      {"RequestTimeTooSkewed", "check this machine's clock"},
      {"AccessDenied", "check the key's policy and the bucket's"},
      {"NoSuchBucket", "check the bucket's name and the endpoint"},
      {"PermanentRedirect", "use the bucket's own region or endpoint"},
      {"QuotaExceeded", "free space or raise the quota"},
  };
  for (const auto& [known, text] : kAdvice) {
    if (known == code) return text;
  }
  return {};
}

ErrorKind kind_of_status(int status) noexcept {
  switch (status) {
    case 304: return ErrorKind::not_modified;
    case 401: return ErrorKind::unauthenticated;
    case 403: return ErrorKind::permission_denied;
    case 404:
    case 410: return ErrorKind::not_found;
    case 405:
    case 501:
    case 505: return ErrorKind::unsupported;
    case 408: return ErrorKind::timed_out;
    case 409: return ErrorKind::conflict;
    case 412: return ErrorKind::precondition_failed;
    case 413: return ErrorKind::too_large;
    case 407: return ErrorKind::permission_denied;
    case 429: return ErrorKind::throttled;
    default: break;
  }
  // A success that holds <Error> with a code nobody knows is a failure of the server's.
  if (status >= 500 || status < 300) return ErrorKind::unavailable;
  return ErrorKind::invalid_argument;
}

/// Every 404 of S3 has a document that names what is missing, except of a HEAD. Without one it came
/// from something on the way, a gateway without its service perhaps, and says nothing of the
/// bucket.
bool is_foreign_404(Operation operation, int status, const ErrorDocument& document) noexcept {
  bool head = operation == Operation::head_object || operation == Operation::head_bucket;
  return (status == 404 || status == 410) && document.code.empty() && !head;
}

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 307 || status == 308;
}

bool changes_something(Operation operation) noexcept {
  switch (operation) {
    case Operation::get_object:
    case Operation::head_object:
    case Operation::list_objects_v2:
    case Operation::list_objects:
    case Operation::head_bucket:
    case Operation::list_parts:
    case Operation::list_multipart_uploads: return false;
    default: return true;
  }
}

/// 503 and 501 say that nothing was done; behind 500, 502 and 504 the request may have run.
bool may_have_run(Operation operation, int status) noexcept {
  return changes_something(operation) && (status == 500 || status == 502 || status == 504);
}

std::string region_hint(const ResponseContext& context, const http::ResponseHead& head,
                        const ErrorDocument& document) {
  // Every answer names the bucket's region; it is a hint only where the region is the trouble. HEAD
  // has no code to say so, and S3 answers it with 400 or 301.
  bool about_region = head.status == 301 || head.status == 302 || head.status == 307 ||
                      document.code == "PermanentRedirect" || document.code == "Redirect" ||
                      document.code == "TemporaryRedirect" ||
                      document.code == "AuthorizationHeaderMalformed" ||
                      document.code == "AuthorizationQueryParametersError" ||
                      document.code == "IllegalLocationConstraintException" ||
                      (head.status == 400 && document.code.empty());
  if (!about_region) return {};
  std::string hint(head.headers.get("x-amz-bucket-region").value_or(document.region));
  return hint == context.region ? std::string() : hint;
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) noexcept {
  Number value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Seconds, or negative when the server did not ask.
double retry_after(const http::Headers& headers) {
  if (auto text = headers.get("x-amz-retry-after")) {
    if (auto milliseconds = whole_number<std::uint32_t>(*text)) return *milliseconds / 1000.0;
  }
  auto text = headers.get("retry-after");
  if (!text) return -1;
  if (auto seconds = whole_number<std::uint32_t>(*text)) return *seconds;
  // RFC 9110 10.2.3 allows a date; against the response's own Date, not our clock.
  auto until = http::parse_http_date(*text);
  auto now = http::parse_http_date(headers.get("date").value_or(""));
  if (!until || !now) return -1;
  return std::max(0.0, static_cast<double>((*until - *now).count()));
}

std::string describe(const ResponseContext& context, int status, const ErrorDocument& document,
                     std::string_view hint) {
  std::string out(to_string(context.operation));
  if (!context.resource.empty()) (out += ' ') += context.resource;
  out += ": ";
  if (document.code.empty()) {
    out += "HTTP " + std::to_string(status);
    if (auto phrase = http::reason_phrase(status); !phrase.empty()) (out += ' ') += phrase;
  } else {
    out += one_line(document.code);
    if (auto text = one_line(document.message); !text.empty()) (out += ": ") += text;
    if (status != 0) out += " (HTTP " + std::to_string(status) + ")";
  }
  if (!hint.empty()) return out + "; the bucket is in region " + one_line(hint);
  if (!document.endpoint.empty()) return out + "; use endpoint " + one_line(document.endpoint);
  if (auto text = advice(document.code); !text.empty()) (out += "; ") += text;
  if (is_foreign_404(context.operation, status, document)) {
    out += "; no S3 service answers so: check the endpoint, and what stands before the service";
  }
  if (document.code.empty() && is_redirect(status)) {
    out +=
        "; the bucket is in another region, or the endpoint is another: set the right region "
        "and endpoint";
  }
  return out;
}

ErrorDocument parse_error_body(std::string_view body) {
  if (body.empty() || body.size() > kErrorBodyBytesMax) return {};
  auto document = XmlDocument::parse(body);
  if (!document || document->root_name() != "Error") return {};
  return read_error(document->root());
}

}  // namespace

std::string_view to_string(Operation operation) noexcept {
  switch (operation) {
    case Operation::get_object: return "GetObject";
    case Operation::head_object: return "HeadObject";
    case Operation::put_object: return "PutObject";
    case Operation::delete_object: return "DeleteObject";
    case Operation::delete_objects: return "DeleteObjects";
    case Operation::list_objects_v2: return "ListObjectsV2";
    case Operation::list_objects: return "ListObjects";
    case Operation::head_bucket: return "HeadBucket";
    case Operation::copy_object: return "CopyObject";
    case Operation::create_multipart_upload: return "CreateMultipartUpload";
    case Operation::upload_part: return "UploadPart";
    case Operation::upload_part_copy: return "UploadPartCopy";
    case Operation::complete_multipart_upload: return "CompleteMultipartUpload";
    case Operation::abort_multipart_upload: return "AbortMultipartUpload";
    case Operation::list_parts: return "ListParts";
    case Operation::list_multipart_uploads: return "ListMultipartUploads";
  }
  return "unknown";
}

std::string_view to_string(RetryClass retry_class) noexcept {
  switch (retry_class) {
    case RetryClass::none: return "not retryable";
    case RetryClass::transient: return "transient failure";
    case RetryClass::server_error: return "server error";
    case RetryClass::throttle: return "throttled";
    case RetryClass::clock_skew: return "clock skew";
    case RetryClass::expired_credentials: return "expired credentials";
    case RetryClass::wrong_region: return "wrong region";
  }
  return "unknown";
}

RetryClass retry_class(const Error& error) noexcept {
  int status = error.http_status();
  bool answered = status >= 300;
  if (answered && !error.hint().empty()) return RetryClass::wrong_region;
  if (const KnownCode* known = find_known_code(error.service_code())) return known->retry;
  if (status == 429 || status == 503) return RetryClass::throttle;
  if (status == 408) return RetryClass::transient;
  if (status >= 500 && status != 501 && status != 505) return RetryClass::server_error;
  if (answered) return RetryClass::none;
  if (!error.service_code().empty()) return RetryClass::server_error;
  switch (error.kind()) {
    case ErrorKind::connection_closed:
    case ErrorKind::timed_out:
    case ErrorKind::truncated:
    case ErrorKind::unavailable:
    case ErrorKind::checksum_mismatch: return RetryClass::transient;
    case ErrorKind::throttled: return RetryClass::throttle;
    default: return RetryClass::none;
  }
}

Error error_from_response(const ResponseContext& context, const http::ResponseHead& head,
                          std::string_view body) {
  ErrorDocument document = parse_error_body(body);
  const KnownCode* known = find_known_code(document.code);
  ErrorKind kind = known != nullptr ? known->kind : kind_of_status(head.status);
  if (is_foreign_404(context.operation, head.status, document)) kind = ErrorKind::unavailable;
  std::string hint = region_hint(context, head, document);
  std::string request_id(head.headers.get("x-amz-request-id").value_or(document.request_id));
  return Error(kind, describe(context, head.status, document, hint))
      .with_http_status(head.status)
      .with_service_code(std::move(document.code))
      .with_request_id(std::move(request_id))
      .with_hint(std::move(hint))
      .with_retry_after(retry_after(head.headers))
      .with_maybe_applied(may_have_run(context.operation, head.status));
}

Error error_from_code(const ResponseContext& context, std::string_view code,
                      std::string_view message) {
  ErrorDocument document;
  document.code = code;
  document.message = message;
  const KnownCode* known = find_known_code(code);
  return Error(known != nullptr ? known->kind : ErrorKind::unavailable,
               describe(context, 0, document, {}))
      .with_service_code(std::move(document.code));
}

}  // namespace ringpull::inline v0::s3
