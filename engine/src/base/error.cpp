#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/error.hpp>

namespace ringpull::inline v0 {

namespace detail {

void assertion_failed(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "ringpull: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace detail

struct Error::Detail {
  std::string message;
  std::string service_code;
  std::string request_id;
  std::string hint;
  std::uint64_t bytes_done = 0;
  double retry_after_seconds = -1;
  int http_status = 0;
};

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::already_exists: return "already_exists";
    case ErrorKind::precondition_failed: return "precondition_failed";
    case ErrorKind::not_modified: return "not_modified";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::unauthenticated: return "unauthenticated";
    case ErrorKind::permission_denied: return "permission_denied";
    case ErrorKind::throttled: return "throttled";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::timed_out: return "timed_out";
    case ErrorKind::cancelled: return "cancelled";
    case ErrorKind::connection_closed: return "connection_closed";
    case ErrorKind::truncated: return "truncated";
    case ErrorKind::checksum_mismatch: return "checksum_mismatch";
    case ErrorKind::too_large: return "too_large";
    case ErrorKind::tls: return "tls";
    case ErrorKind::protocol: return "protocol";
    case ErrorKind::invalid_argument: return "invalid_argument";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::resource_exhausted: return "resource_exhausted";
    case ErrorKind::io: return "io";
    case ErrorKind::internal: return "internal";
  }
  return "unknown";
}

ErrorKind kind_of_errno(int error_number) noexcept {
  switch (error_number) {
    case ENOENT: return ErrorKind::not_found;
    case EEXIST: return ErrorKind::already_exists;
    case EACCES:
    case EPERM: return ErrorKind::permission_denied;
    case ETIMEDOUT:
    case ETIME: return ErrorKind::timed_out;
    case ECANCELED: return ErrorKind::cancelled;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
    case ENOTCONN:
    case ESHUTDOWN: return ErrorKind::connection_closed;
    case ECONNREFUSED:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL: return ErrorKind::unavailable;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
    case EDQUOT: return ErrorKind::resource_exhausted;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
    case ENOTDIR: return ErrorKind::invalid_argument;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT: return ErrorKind::unsupported;
    case EFBIG:
    case EMSGSIZE: return ErrorKind::too_large;
    default: return ErrorKind::io;
  }
}

Error::Error(ErrorKind kind, std::string message)
    : detail_(std::make_unique<Detail>()), kind_(kind) {
  detail_->message = std::move(message);
}

Error Error::from_errno(int error_number, std::string_view what) {
  std::error_code code(error_number, std::system_category());
  std::string text(what);
  text += ": ";
  text += code.message();
  return Error(kind_of_errno(error_number), std::move(text)).with_code(code);
}

Error::Error(const Error& other)
    : code_(other.code_),
      detail_(other.detail_ ? std::make_unique<Detail>(*other.detail_) : nullptr),
      kind_(other.kind_),
      maybe_applied_(other.maybe_applied_) {}

Error::Error(Error&&) noexcept = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

Error& Error::operator=(const Error& other) {
  Error copy(other);
  *this = std::move(copy);
  return *this;
}

const std::string& Error::message() const noexcept { return detail_->message; }
std::uint64_t Error::bytes_done() const noexcept { return detail_->bytes_done; }
int Error::http_status() const noexcept { return detail_->http_status; }
std::string_view Error::service_code() const noexcept { return detail_->service_code; }
std::string_view Error::request_id() const noexcept { return detail_->request_id; }
std::string_view Error::hint() const noexcept { return detail_->hint; }
double Error::retry_after_seconds() const noexcept { return detail_->retry_after_seconds; }

bool Error::is_retryable() const noexcept {
  switch (kind_) {
    case ErrorKind::throttled:
    case ErrorKind::unavailable:
    case ErrorKind::timed_out:
    case ErrorKind::connection_closed:
    case ErrorKind::truncated:
    case ErrorKind::conflict: return true;
    default: return false;
  }
}

Error&& Error::context(std::string_view what) && {
  std::string text(what);
  text += ": ";
  text += detail_->message;
  detail_->message = std::move(text);
  return std::move(*this);
}

Error&& Error::with_kind(ErrorKind kind) && {
  kind_ = kind;
  return std::move(*this);
}

Error&& Error::with_code(std::error_code code) && {
  code_ = code;
  return std::move(*this);
}

Error&& Error::with_maybe_applied(bool value) && {
  maybe_applied_ = value;
  return std::move(*this);
}

Error&& Error::with_bytes_done(std::uint64_t bytes) && {
  detail_->bytes_done = bytes;
  return std::move(*this);
}

Error&& Error::with_http_status(int status) && {
  detail_->http_status = status;
  return std::move(*this);
}

Error&& Error::with_service_code(std::string code) && {
  detail_->service_code = std::move(code);
  return std::move(*this);
}

Error&& Error::with_request_id(std::string id) && {
  detail_->request_id = std::move(id);
  return std::move(*this);
}

Error&& Error::with_hint(std::string hint) && {
  detail_->hint = std::move(hint);
  return std::move(*this);
}

Error&& Error::with_retry_after(double seconds) && {
  detail_->retry_after_seconds = seconds;
  return std::move(*this);
}

}  // namespace ringpull::inline v0
