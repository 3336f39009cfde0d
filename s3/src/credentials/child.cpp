#include "s3/src/credentials/child.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/stream.hpp>

#include "s3/src/credentials/fetch.hpp"

extern char** environ;

namespace ringpull::inline v0::s3 {

using engine::Fd;
using engine::Task;

namespace {

/// What posix_spawnp() is told; both parts need destroying.
class SpawnSettings {
 public:
  explicit SpawnSettings(int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  int run(pid_t& pid, const std::vector<std::string>& arguments) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    return ::posix_spawnp(&pid, argv.front(), &actions_, &attributes_, argv.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Child::Child(pid_t pid, Fd pidfd, Fd output) noexcept
    : pid_(pid), pidfd_(std::move(pidfd)), output_(std::move(output)) {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      output_(std::move(other.output_)) {}

Child::~Child() { RINGPULL_ASSERT(pid_ < 0, "a Child was destroyed before it was reaped"); }

Result<Child> Child::spawn(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(Error::from_errno(errno, "make a pipe"));
  Fd output(ends[0]);
  Fd input(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
  SpawnSettings settings(input.get());
  pid_t pid = -1;
  int error = settings.run(pid, arguments);
  if (error != 0) return fail(Error::from_errno(error, "start " + arguments.front()));
  // pidfd_open, kernel 5.3: an end that a loop can wait for, without SIGCHLD, which is the host's.
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    Error failure = Error::from_errno(errno, "watch " + arguments.front());
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail(std::move(failure));
  }
  return Child(pid, std::move(pidfd), std::move(output));
}

Task<Result<std::string>> Child::read_output(std::size_t bytes_max) {
  // Whole from the start and read into: growing, or a buffer between, would leave copies of keys.
  std::string out(bytes_max + 1, '\0');
  EraseAtEnd erase(out);
  std::size_t size = 0;
  while (true) {
    engine::WaitReadable readable(output_.get());
    RINGPULL_CO_CHECK(co_await readable);
    ssize_t got = ::read(output_.get(), out.data() + size, out.size() - size);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) co_return fail(Error::from_errno(errno, "read the output of a program"));
    if (got == 0) {
      out.resize(size);
      co_return out;
    }
    size += static_cast<std::size_t>(got);
    if (size > bytes_max) {
      co_return fail(ErrorKind::too_large,
                     "it printed more than " + std::to_string(bytes_max) + " bytes");
    }
  }
}

Task<Result<int>> Child::reap() {
  while (true) {
    engine::WaitReadable ended(pidfd_.get());
    auto waited = co_await ended;
    if (!waited) co_return fail(std::move(waited).error());
    int status = 0;
    pid_t got = ::waitpid(pid_, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) continue;
    pid_ = -1;
    co_return got < 0 ? -1 : status;
  }
}

void Child::kill() noexcept {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

}  // namespace ringpull::inline v0::s3
