#include "tools/session/setup_signals.hpp"

#include <cstddef>
#include <pthread.h>
#include <string_view>
#include <unistd.h>

#include "tools/console/exit_code.hpp"

namespace ringpull::tools {

namespace {

// Calls nothing but what signal-safety(7) allows.
extern "C" void end_at_once_by_signal(int) {
  constexpr std::string_view kLine = "ringpull: stopped before anything was begun\n";
  ssize_t written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
  (void)written;
  ::_exit(static_cast<int>(ExitCode::interrupted));
}

}  // namespace

EndOnSignal::EndOnSignal() noexcept {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  ::sigemptyset(&taken_);
  struct sigaction ending{};
  ending.sa_handler = &end_at_once_by_signal;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (::sigismember(&blocked, kSignals[i]) != 1) continue;
    ::sigaddset(&taken_, kSignals[i]);
    ::sigaction(kSignals[i], &ending, &before_[i]);
  }
  ::pthread_sigmask(SIG_UNBLOCK, &taken_, nullptr);
}

EndOnSignal::~EndOnSignal() {
  ::pthread_sigmask(SIG_BLOCK, &taken_, nullptr);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (::sigismember(&taken_, kSignals[i]) == 1) ::sigaction(kSignals[i], &before_[i], nullptr);
  }
}

}  // namespace ringpull::tools
