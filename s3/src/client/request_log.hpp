#pragma once
// The records of a request log, as request_log.hpp describes them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/result.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/request_log.hpp>
#include <ringpull/s3/retry.hpp>

#include "s3/src/protocol/request_builder.hpp"

namespace ringpull::inline v0::s3 {

/// `text` with "REDACTED" for each secret that a request can hold.
std::string without_secrets(std::string_view text);

/// Switched off it is false, and nothing of it is to be called.
class RequestLog {
 public:
  explicit RequestLog(RequestLogOptions options) noexcept : options_(std::move(options)) {}

  explicit operator bool() const noexcept {
    return options_.level != S3LogLevel::off && options_.sink != nullptr;
  }

  /// Version 2 has no canonical request.
  void signing(std::string_view canonical_request, std::string_view string_to_sign) const;
  /// After an attempt; `body_bytes` are those that it had to send.
  void sent(const PreparedRequest& request, std::optional<std::uint64_t> body_bytes,
            const Result<http::Response>& response, engine::Duration time) const;
  void failed(const Error& error) const;
  void retrying(const RetryDecision& decision, const Error& error) const;

 private:
  RequestLogOptions options_;
};

}  // namespace ringpull::inline v0::s3
