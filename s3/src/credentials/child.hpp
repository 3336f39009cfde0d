#pragma once
// A program whose output is read by the loop.

#include <string>
#include <sys/types.h>
#include <vector>

#include <ringpull/engine/fd.hpp>
#include <ringpull/engine/result.hpp>
#include <ringpull/engine/task.hpp>

namespace ringpull::inline v0::s3 {

/// A child process and the reading end of its standard output. reap() is awaited before it dies.
class Child {
 public:
  /// posix_spawnp(3): blocks for the fork and the exec, not for the program. No signal is blocked
  /// or ignored in the child, whatever this process does with its own.
  static Result<Child> spawn(const std::vector<std::string>& arguments);

  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  /// All of its output, until it closes it; `too_large` beyond `bytes_max`.
  engine::Task<Result<std::string>> read_output(std::size_t bytes_max);
  /// Waits for its end and takes its status, waitpid(2)'s; -1 when this process ignores SIGCHLD.
  engine::Task<Result<int>> reap();
  /// SIGKILL to it and to what it started.
  void kill() noexcept;

 private:
  Child(pid_t pid, engine::Fd pidfd, engine::Fd output) noexcept;

  pid_t pid_;
  engine::Fd pidfd_;
  engine::Fd output_;
};

}  // namespace ringpull::inline v0::s3
