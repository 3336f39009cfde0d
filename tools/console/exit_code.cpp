#include "tools/console/exit_code.hpp"

namespace ringpull::tools {

namespace {

ExitCode of_kind(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::not_found: return ExitCode::not_found;
    case ErrorKind::unauthenticated:
    case ErrorKind::permission_denied: return ExitCode::denied;
    case ErrorKind::throttled:
    case ErrorKind::unavailable:
    case ErrorKind::connection_closed: return ExitCode::unreachable;
    case ErrorKind::tls: return ExitCode::tls;
    case ErrorKind::timed_out: return ExitCode::timed_out;
    case ErrorKind::already_exists:
    case ErrorKind::precondition_failed:
    case ErrorKind::not_modified:
    case ErrorKind::conflict: return ExitCode::precondition;
    case ErrorKind::truncated:
    case ErrorKind::checksum_mismatch: return ExitCode::corrupt;
    case ErrorKind::io:
    case ErrorKind::resource_exhausted: return ExitCode::local;
    case ErrorKind::invalid_argument: return ExitCode::usage;
    case ErrorKind::cancelled: return ExitCode::interrupted;
    case ErrorKind::too_large:
    case ErrorKind::protocol:
    case ErrorKind::unsupported:
    case ErrorKind::internal: return ExitCode::failure;
  }
  return ExitCode::failure;
}

}  // namespace

bool is_unknown_host(const Error& error) noexcept {
  return error.is(ErrorKind::not_found) && error.http_status() == 0 && !error.code();
}

ExitCode exit_code(const Error& error) noexcept {
  return is_unknown_host(error) ? ExitCode::unreachable : of_kind(error.kind());
}

}  // namespace ringpull::tools
