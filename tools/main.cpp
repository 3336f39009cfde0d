#include <csignal>
#include <cstdio>
#include <fmt/format.h>

#include "tools/commands/commands.hpp"
#include "tools/console/output.hpp"

namespace ringpull::tools {

namespace {

/// --help and --version, or one line about a command line that cannot be.
int answer_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  std::string command = "ringpull";
  for (const CLI::App* chosen : app.get_subcommands()) command += ' ' + chosen->get_name();
  std::string line = one_line(
      fmt::format("{}: {}; `{} --help` lists what there is", command, error.what(), command));
  line += '\n';
  std::fputs(line.c_str(), stderr);
  return static_cast<int>(ExitCode::usage);
}

}  // namespace

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
      "or AWS_REGION.\n\n"
      "Exit codes: 0 done, 1 failure, 2 usage, 3 not found, 4 credentials or permission, 5 "
      "unreachable, 6 TLS,\n"
      "7 timed out, 8 exists or changed, 9 corrupt, 10 local file or limit, 130 interrupted.\n\n"
      "RINGPULL_BACKEND=uring|epoll|auto chooses how the kernel is asked.");
  ExitCode code = ExitCode::success;
  add_bench(app, code);
  add_cat(app, code);
  add_check(app, code);
  add_completion(app, code);
  add_get(app, code);
  add_ls(app, code);
  add_man(app, code);
  add_mv(app, code);
  add_put(app, code);
  add_rm(app, code);
  add_sandbox(app, code);
  add_sign(app, code);
  add_stat(app, code);
  add_walk(app, code);
  std::string_view command = argc > 1 ? argv[1] : "";
  auto has_that_name = [command](CLI::App* known) { return known->get_name() == command; };
  bool is_option = command.empty() || command.starts_with('-');
  if (!is_option && app.get_subcommands(has_that_name).empty()) {
    std::string line = one_line(fmt::format(
        "ringpull: unknown command \"{}\"; `ringpull --help` lists what there is", command));
    line += '\n';
    std::fputs(line.c_str(), stderr);
    return static_cast<int>(ExitCode::usage);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return answer_parse_error(app, error);
  }
  return static_cast<int>(code);
}

}  // namespace ringpull::tools

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the file size limit fails with EFBIG instead
  ringpull::tools::occupy_standard_descriptors();
  return ringpull::tools::run(argc, argv);
}
