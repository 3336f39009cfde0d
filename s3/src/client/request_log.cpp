#include "s3/src/client/request_log.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include <ringpull/http/headers.hpp>

namespace ringpull::inline v0::s3 {

namespace {

constexpr std::string_view kRedacted = "REDACTED";

/// What stands before a secret: names of headers in texts that are signed, and of parameters.
constexpr std::array<std::string_view, 6> kMarks = {
    "authorization:",
    "x-amz-security-token:",
    "-customer-key:",  // x-amz-(copy-source-)server-side-encryption-customer-key
    "X-Amz-Security-Token=",
    "Signature=",  // X-Amz-Signature too
    "x-amz-server-side-encryption-customer-key=",
};

bool starts_with_mark(std::string_view text, std::string_view mark) {
  return text.size() >= mark.size() && http::equal_ignoring_case(text.substr(0, mark.size()), mark);
}

std::string_view mark_at(std::string_view text) {
  auto found = std::ranges::find_if(
      kMarks, [&](std::string_view mark) { return starts_with_mark(text, mark); });
  return found == kMarks.end() ? std::string_view() : *found;
}

std::string milliseconds(engine::Duration time) {
  auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  std::string fraction = std::to_string(microseconds % 1000);
  return std::to_string(microseconds / 1000) + "." + std::string(3 - fraction.size(), '0') +
         fraction + " ms";
}

std::string name_of(const PreparedRequest& request) {
  std::string_view scheme = request.origin.scheme() == http::Scheme::https ? "https" : "http";
  std::string name = request.head.method + " " + std::string(scheme) + "://";
  name += request.head.headers.get("Host").value_or("");
  return name + request.head.target;
}

void append_header(std::string& record, const http::Headers& headers, std::string_view header,
                   std::string_view title) {
  auto value = headers.get(header);
  if (!value) return;
  record += ", ";
  record += title;
  record += ' ';
  record += *value;
}

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::string_view mark = mark_at(text.substr(at));
    if (mark.empty()) {
      out += text[at++];
      continue;
    }
    out += text.substr(at, mark.size());
    out += kRedacted;
    // A header ends with its line, a parameter earlier.
    std::string_view ends = mark.back() == ':' ? "\r\n" : "&\r\n ,";
    at = std::min(text.find_first_of(ends, at + mark.size()), text.size());
  }
  return out;
}

RequestLogSink standard_error_log() {
  return [](std::string_view record) {
    std::string line = "s3: ";
    line += record;
    line += '\n';
    // One call, so that lines of several threads do not mix.
    (void)std::fwrite(line.data(), 1, line.size(), stderr);
  };
}

void RequestLog::signing(std::string_view canonical_request,
                         std::string_view string_to_sign) const {
  if (options_.level != S3LogLevel::debug_with_signing) return;
  std::string record;
  if (!canonical_request.empty()) {
    record += "canonical request:\n";
    record += canonical_request;
    record += '\n';
  }
  record += "string to sign:\n";
  record += string_to_sign;
  options_.sink(without_secrets(record));
}

void RequestLog::sent(const PreparedRequest& request, std::optional<std::uint64_t> body_bytes,
                      const Result<http::Response>& response, engine::Duration time) const {
  std::string record = name_of(request);
  if (!response) {
    record += " without an answer after " + milliseconds(time) + ": " + response.error().message();
    options_.sink(without_secrets(record));
    return;
  }
  const http::Headers& headers = response->head().headers;
  record += " " + std::to_string(response->status()) + " in " + milliseconds(time);
  append_header(record, headers, "x-amz-request-id", "request id");
  append_header(record, headers, "x-amz-id-2", "host id");
  if (options_.level == S3LogLevel::debug_with_http_body) {
    record += ", bytes sent " + (body_bytes ? std::to_string(*body_bytes) : "unknown");
    append_header(record, headers, "Content-Length", "bytes to come");
  }
  options_.sink(without_secrets(record));
}

void RequestLog::failed(const Error& error) const {
  if (options_.level != S3LogLevel::debug_with_request_errors) return;
  options_.sink(without_secrets("failed: " + error.message()));
}

void RequestLog::retrying(const RetryDecision& decision, const Error& error) const {
  if (options_.level != S3LogLevel::debug_with_request_retries) return;
  std::string record = "retry in " + std::to_string(decision.delay.count()) + " ms, ";
  record += decision.reason;
  options_.sink(without_secrets(record + ": " + error.message()));
}

}  // namespace ringpull::inline v0::s3
