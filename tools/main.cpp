#include <csignal>
#include <cstdio>
#include <fmt/format.h>

#include "tools/command.hpp"

namespace ringpull::tools {

namespace {

/// What to do about it, where the message does not say so already.
std::string_view advice(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found: return "check the name: `ringpull ls` lists what is there";
    case ErrorKind::unauthenticated:
      return "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the clock of this machine";
    case ErrorKind::permission_denied: return "check what these credentials are allowed to do";
    case ErrorKind::unavailable: return "check --endpoint, and that the service is running";
    case ErrorKind::timed_out: return "check the network, or try again later";
    case ErrorKind::throttled: return "try again later, or with a lower --concurrency";
    case ErrorKind::resource_exhausted: return "lower --concurrency or --part-size";
    default: return {};
  }
}

}  // namespace

ExitCode report(const std::string& command, const Error& error) {
  std::string line = fmt::format("ringpull {}: {}", command, error.message());
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::string_view what_to_do = advice(error.kind());
  bool said = line.find("; ") != std::string::npos;
  if (!what_to_do.empty() && !said) line += fmt::format("; {}", what_to_do);
  fmt::print(stderr, "{}\n", line);
  return exit_code(error.kind());
}

int run(int argc, char** argv) {
  CLI::App app{
      "Ringpull moves objects between S3 and this machine: many ranges and parts at once, on "
      "io_uring."};
  app.name("ringpull");
  app.set_version_flag("--version", "ringpull " RINGPULL_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Credentials: --profile, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or the rest of AWS's "
      "chain (docs/credentials.md). Region: --region "
      "or AWS_REGION.\n"
      "Exit codes: 0 done, 1 failure, 2 usage, 3 not found, 4 credentials or permission, 5 "
      "unreachable, 6 TLS,\n"
      "7 timed out, 8 exists or changed, 9 corrupt, 10 local file or limit, 130 interrupted.\n"
      "RINGPULL_BACKEND=uring|epoll|auto chooses how the kernel is asked.");
  ExitCode code = ExitCode::success;
  add_bench(app, code);
  add_cat(app, code);
  add_get(app, code);
  add_ls(app, code);
  add_put(app, code);
  add_rm(app, code);
  add_sandbox(app, code);
  add_stat(app, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int outcome = app.exit(error);
    return outcome == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  return static_cast<int>(code);
}

}  // namespace ringpull::tools

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return ringpull::tools::run(argc, argv);
}
