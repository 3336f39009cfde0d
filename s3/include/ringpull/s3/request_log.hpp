#pragma once
// What a Client tells of its requests to whoever looks for a fault.

#include <cstdint>
#include <functional>
#include <string_view>

namespace ringpull::inline v0::s3 {

/// The levels of docker distribution's `loglevel`, each `debug` and one thing more.
enum class S3LogLevel : std::uint8_t {
  off,
  /// Each request that was sent: method, URL, status, the time until the head of its answer, the
  /// server's ids of it; or why there was no answer.
  debug,
  /// What was signed: the canonical request (Version 4) and the string to sign.
  debug_with_signing,
  /// How many bytes the bodies had. The bytes are layers, and not for a log.
  debug_with_http_body,
  /// Each retry: when, and why.
  debug_with_request_retries,
  /// The failure of each attempt, also of those that are repeated.
  debug_with_request_errors,
  /// Nothing more: no verb here answers with an event stream.
  debug_with_event_stream_body,
};

/// Takes one record: a line without its end; what was signed has several. Called on the client's
/// loop in the middle of a request, so it must not block for long, nor call the client.
///
/// No record holds a secret: session tokens, customer keys and the signatures of URLs are replaced
/// by "REDACTED". Keys of objects and the id of the access key are no secrets here.
using RequestLogSink = std::function<void(std::string_view record)>;

/// Writes each record to standard error, behind "s3: ".
RequestLogSink standard_error_log();

class RequestLogOptions {
 public:
  RequestLogOptions() = default;

  S3LogLevel level = S3LogLevel::off;
  /// Null: nobody is told, whatever the level.
  RequestLogSink sink;
};

}  // namespace ringpull::inline v0::s3
