#pragma once
// Ctrl-C before there is a loop to be stopped.

#include <array>
#include <csignal>

namespace ringpull::tools {

/// For the time before a command has begun anything: files are read there in which the kernel may
/// wait as long as it likes (a pipe, a file system that is away), and no loop turns meanwhile.
///
/// While it lives, the signals that stop_signals() has blocked end the process at once, with a line
/// on standard error and ExitCode::interrupted; also one that came before. Afterwards they are
/// blocked again, for whoever awaits them. On the one thread of the tool.
class EndOnSignal {
 public:
  EndOnSignal() noexcept;
  ~EndOnSignal();
  EndOnSignal(const EndOnSignal&) = delete;
  EndOnSignal& operator=(const EndOnSignal&) = delete;

 private:
  static constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

  sigset_t taken_{};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace ringpull::tools
