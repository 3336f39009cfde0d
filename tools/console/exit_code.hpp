#pragma once
// The interface to scripts: one code for each thing that a script would do differently about it.

#include <ringpull/engine/error.hpp>

namespace ringpull::tools {

/// What the process answers, for scripts; `ringpull --help` and docs/guide/tool.md list them.
enum class ExitCode : int {
  success = 0,
  failure = 1,      ///< anything not below
  usage = 2,        ///< the command line or an environment variable is wrong
  not_found = 3,    ///< no such bucket, key or file
  denied = 4,       ///< credentials missing, unknown, wrong, or not allowed to
  unreachable = 5,  ///< name, address or service not reachable, or throttled for too long
  tls = 6,          ///< certificate or handshake refused
  timed_out = 7,
  precondition = 8,   ///< exists already, changed meanwhile, or a concurrent change won
  corrupt = 9,        ///< bytes missing or different from their checksum
  local = 10,         ///< a local file or limit
  interrupted = 130,  ///< Ctrl-C
};

/// `not_found` without an answer of a server or an errno: it is the host that nobody knows.
bool is_unknown_host(const Error& error) noexcept;

ExitCode exit_code(const Error& error) noexcept;

}  // namespace ringpull::tools
