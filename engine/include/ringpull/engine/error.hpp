#pragma once
// The one type of failure, for all parts, hence in none of their namespaces. docs/errors.md says
// which kind means what, and what to do about it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace ringpull::inline v0 {

/// What a caller can do about a failure. Closed but may grow: handle kinds you do not know as
/// `internal`.
enum class ErrorKind : std::uint8_t {
  not_found,            ///< the named thing is absent; creating it may help
  already_exists,       ///< a create-only request met an existing object
  precondition_failed,  ///< If-Match and friends did not hold: read again, then decide
  not_modified,         ///< the copy the caller holds is current
  conflict,             ///< a concurrent operation won; repeating may succeed
  unauthenticated,      ///< credentials missing, unknown, expired or wrongly signed
  permission_denied,    ///< credentials known, action not allowed
  throttled,            ///< the server asks for fewer requests
  unavailable,          ///< the server or the way to it is down for now
  timed_out,            ///< a deadline or time limit passed
  cancelled,            ///< the caller asked to stop
  connection_closed,    ///< the peer closed or reset the connection
  truncated,            ///< a message ended before its announced length
  checksum_mismatch,    ///< bytes differ from their digest
  too_large,            ///< a size exceeds a limit of ours or of the protocol
  tls,                  ///< handshake, certificate or record failure
  protocol,             ///< the peer broke its protocol
  invalid_argument,     ///< the call cannot be made as written
  unsupported,          ///< this build, kernel or server does not offer it
  resource_exhausted,   ///< a bound of ours (memory, descriptors, queue) is reached
  io,                   ///< a local file or socket operation failed
  internal,             ///< a defect of this library
};

/// The kind's name as written above, e.g. "not_found". Static storage.
std::string_view to_string(ErrorKind kind) noexcept;

/// The kind that an errno value maps to when nothing more is known about the operation.
ErrorKind kind_of_errno(int error_number) noexcept;

/// A failure as a value: small (kind, code and one pointer), copyable (an allocation) and movable.
///
/// `message()` is for people and may change; programs look at `kind()`, `code()`, `service_code()`,
/// `http_status()`. No message, field or cause ever holds a secret: whoever builds an Error redacts
/// first. Not synchronised: an Error belongs to one thread at a time.
class [[nodiscard]] Error {
 public:
  /// `message` says what failed, on what, and where known what to do: one sentence without a full
  /// stop.
  Error(ErrorKind kind, std::string message);
  /// As above; strerror's text for `error_number` is appended to the message.
  static Error from_errno(int error_number, std::string_view what);

  Error(Error&&) noexcept;
  Error& operator=(Error&&) noexcept;
  ~Error();
  Error(const Error&);
  Error& operator=(const Error&);

  ErrorKind kind() const noexcept { return kind_; }
  std::error_code code() const noexcept { return code_; }

  /// Outermost context first: "get s3://b/k: connect 127.0.0.1:9000: Connection refused".
  const std::string& message() const noexcept;

  /// True when the request may have taken effect although it failed (sent, but no answer
  /// understood).
  bool maybe_applied() const noexcept { return maybe_applied_; }
  /// Bytes transferred before the failure, where the operation counts any.
  std::uint64_t bytes_done() const noexcept;
  /// 0 when no HTTP response was received.
  int http_status() const noexcept;
  /// The service's own code, e.g. "NoSuchKey", kept even when this library does not know it.
  std::string_view service_code() const noexcept;
  std::string_view request_id() const noexcept;
  /// Region or endpoint the service told us to use instead; empty when it did not.
  std::string_view hint() const noexcept;
  /// Seconds the server asked us to wait (Retry-After); negative when it did not.
  double retry_after_seconds() const noexcept;

  /// The operation may succeed when repeated unchanged: throttled, unavailable, timed_out,
  /// connection_closed, truncated, conflict. Whether repeating is safe (idempotence) is the
  /// caller's to know.
  bool is_retryable() const noexcept;
  bool is(ErrorKind kind) const noexcept { return kind_ == kind; }

  /// Builders; each returns *this moved, to be chained in one expression.
  Error&& context(std::string_view what) &&;
  Error&& with_kind(ErrorKind kind) &&;
  Error&& with_code(std::error_code code) &&;
  Error&& with_maybe_applied(bool value) &&;
  Error&& with_bytes_done(std::uint64_t bytes) &&;
  Error&& with_http_status(int status) &&;
  Error&& with_service_code(std::string code) &&;
  Error&& with_request_id(std::string id) &&;
  Error&& with_hint(std::string hint) &&;
  Error&& with_retry_after(double seconds) &&;

 private:
  struct Detail;

  std::error_code code_;
  std::unique_ptr<Detail> detail_;
  ErrorKind kind_;
  bool maybe_applied_ = false;
};

}  // namespace ringpull::inline v0
