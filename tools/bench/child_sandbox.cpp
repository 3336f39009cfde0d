#include "tools/bench/child_sandbox.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <ringpull/engine/fd.hpp>

namespace ringpull::tools {

namespace {

constexpr int kStartTimeMs = 10'000;

/// The child's first line.
Result<std::string> read_line(int fd) {
  std::string line;
  while (line.find('\n') == std::string::npos) {
    pollfd readable{fd, POLLIN, 0};
    if (::poll(&readable, 1, kStartTimeMs) <= 0) {
      return fail(ErrorKind::timed_out, "the sandbox did not start within 10 s");
    }
    char buffer[1024];
    ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return fail(ErrorKind::io, "the sandbox ended before it listened; its own message says why");
    line.append(buffer, static_cast<std::size_t>(got));
  }
  return line;
}

[[noreturn]] void become_sandbox(int output, const std::vector<std::string>& words, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);  // Ctrl-C at the terminal is for the bench, which then ends us
  ::dup2(output, STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  ::_exit(127);
}

}  // namespace

Result<ChildSandbox> ChildSandbox::start(const std::string& bucket, bool tls, int cpu) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Error::from_errno(errno, "pipe to the sandbox"));
  engine::Fd read_end(ends[0]);
  engine::Fd write_end(ends[1]);
  std::vector<std::string> words = {"ringpull", "sandbox",  "--json", "--port",
                                    "0",        "--bucket", bucket,   "--opaque-etags"};
  if (tls) words.emplace_back("--tls");
  if (cpu >= 0) {
    words.emplace_back("--cpu");
    words.emplace_back(std::to_string(cpu));
  }
  pid_t parent = ::getpid();
  ChildSandbox child;
  child.pid_ = ::fork();
  if (child.pid_ < 0) return fail(Error::from_errno(errno, "start the sandbox"));
  if (child.pid_ == 0) become_sandbox(write_end.get(), words, parent);
  write_end.reset();
  RINGPULL_TRY(std::string line, read_line(read_end.get()));
  auto ready = nlohmann::json::parse(line, nullptr, false);
  if (ready.is_discarded()) return fail(ErrorKind::internal, "the sandbox said: " + line);
  child.endpoint_ = ready.at("endpoint");
  child.access_key_ = ready.at("access_key");
  child.secret_key_ = ready.at("secret_key");
  child.region_ = ready.at("region");
  if (!ready.at("ca").is_null()) child.ca_ = ready.at("ca");
  return child;
}

ChildSandbox::ChildSandbox(ChildSandbox&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      endpoint_(std::move(other.endpoint_)),
      access_key_(std::move(other.access_key_)),
      secret_key_(std::move(other.secret_key_)),
      region_(std::move(other.region_)),
      ca_(std::move(other.ca_)) {}

ChildSandbox::~ChildSandbox() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace ringpull::tools
