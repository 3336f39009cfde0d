#include "tools/bench/floor_run.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ringpull/engine/fd.hpp>

namespace ringpull::tools {

namespace {

/// What the child hands back through the pipe: numbers, since a pointer of the child's means
/// nothing here.
struct Numbers {
  int error_number;
  std::uint64_t bytes;
  double wall_s;
  double user_s;
  double sys_s;
  std::uint64_t enters;
  std::uint64_t rss_peak_bytes;
  char error[256];
};

int run(FloorKind kind, const bench::FloorOptions& options, bench::FloorResult& result) {
  switch (kind) {
    case FloorKind::receive: return bench::run_floor_recv(options, result);
    case FloorKind::receive_tls: return bench::run_floor_tls(options, result);
    case FloorKind::send: return bench::run_floor_send(options, result);
    case FloorKind::send_tls: return bench::run_floor_send_tls(options, result);
  }
  return EINVAL;
}

[[noreturn]] void run_in_child(int output, FloorKind kind, const bench::FloorOptions& options) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  bench::FloorResult result;
  Numbers numbers{};
  numbers.error_number = run(kind, options, result);
  numbers.bytes = result.bytes;
  numbers.wall_s = result.wall_s;
  numbers.user_s = result.user_s;
  numbers.sys_s = result.sys_s;
  numbers.enters = result.enters;
  numbers.rss_peak_bytes = result.rss_peak_bytes;
  std::strncpy(numbers.error, result.error.c_str(), sizeof numbers.error - 1);
  ssize_t written = ::write(output, &numbers, sizeof numbers);
  ::_exit(written == sizeof numbers ? 0 : 1);
}

}  // namespace

Result<bench::FloorResult> run_floor(FloorKind kind, const bench::FloorOptions& options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(Error::from_errno(errno, "pipe to the floor program"));
  engine::Fd read_end(ends[0]);
  engine::Fd write_end(ends[1]);
  pid_t child = ::fork();
  if (child < 0) return fail(Error::from_errno(errno, "start the floor program"));
  if (child == 0) run_in_child(write_end.get(), kind, options);
  write_end.reset();
  Numbers numbers{};
  ssize_t got = ::read(read_end.get(), &numbers, sizeof numbers);
  ::waitpid(child, nullptr, 0);
  if (got != sizeof numbers) return fail(ErrorKind::internal, "the floor program ended early");
  if (numbers.error_number != 0) {
    bool refused = numbers.error_number == ENOSYS || numbers.error_number == EPERM;
    return fail(refused ? ErrorKind::unsupported : ErrorKind::io,
                std::string("the floor program: ") + numbers.error);
  }
  bench::FloorResult result;
  result.bytes = numbers.bytes;
  result.wall_s = numbers.wall_s;
  result.user_s = numbers.user_s;
  result.sys_s = numbers.sys_s;
  result.enters = numbers.enters;
  result.rss_peak_bytes = numbers.rss_peak_bytes;
  return result;
}

}  // namespace ringpull::tools
