#include <cerrno>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <ringpull/engine/signal_set.hpp>

namespace ringpull::inline v0::engine {

// Polled and read here rather than read by the backend: the kernel looks for signals of the thread
// that reads, and a backend's worker threads are others.
SignalWait::SignalWait(int descriptor) noexcept : IoAwaiter(OpCode::poll, descriptor) {
  flags = POLLIN;
  continue_ = &SignalWait::take;
}

bool SignalWait::take(IoAwaiter& self) noexcept {
  auto& wait = static_cast<SignalWait&>(self);
  if (wait.result < 0) return false;
  signalfd_siginfo info{};
  ssize_t got = ::read(wait.fd, &info, sizeof info);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  wait.result = got < 0 ? -errno : 0;
  wait.signal_ = static_cast<int>(info.ssi_signo);
  return false;
}

Result<int> SignalWait::await_resume() const {
  if (result < 0) return fail(failure("wait for a signal"));
  return signal_;
}

Result<SignalSet> SignalSet::create(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal : signals) ::sigaddset(&set, signal);
  if (int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return fail(Error::from_errno(error, "block signals"));
  }
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail(Error::from_errno(errno, "signalfd"));
  return SignalSet(std::move(fd));
}

}  // namespace ringpull::inline v0::engine
