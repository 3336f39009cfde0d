#include <csignal>

#include "tools/commands/commands.hpp"
#include "tools/console/output.hpp"

namespace ringpull::tools {

namespace {

ExitCode run(int argc, char** argv) {
  CommandLine line(
      "Ringpull moves objects between S3 and this machine: many ranges and parts at once, on "
      "io_uring.",
      "ringpull " RINGPULL_VERSION,
      "Credentials: --profile, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or the rest of AWS's "
      "chain (docs/credentials.md). Region: --region "
      "or AWS_REGION.\n\n"
      "Exit codes: 0 done, 1 failure, 2 usage, 3 not found, 4 credentials or permission, 5 "
      "unreachable, 6 TLS,\n"
      "7 timed out, 8 exists or changed, 9 corrupt, 10 local file or limit, 130 interrupted.\n\n"
      "RINGPULL_BACKEND=uring|epoll|auto chooses how the kernel is asked.");
  add_bench(line);
  add_cat(line);
  add_check(line);
  add_completion(line);
  add_get(line);
  add_ls(line);
  add_man(line);
  add_mv(line);
  add_put(line);
  add_rm(line);
  add_sandbox(line);
  add_sign(line);
  add_stat(line);
  add_walk(line);
  return line.run(argc, argv);
}

}  // namespace

}  // namespace ringpull::tools

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the file size limit fails with EFBIG instead
  ringpull::tools::occupy_standard_descriptors();
  return static_cast<int>(ringpull::tools::run(argc, argv));
}
