#include "tools/console/output.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <ringpull/engine/io.hpp>

namespace ringpull::tools {

namespace {

constexpr const char* kWhat = "write to standard output";

/// A pipe that polls as writable takes so much without blocking (pipe(7), PIPE_BUF), sockets and
/// files too. O_NONBLOCK instead would be set for everyone who shares the output. A terminal may
/// block within one step; Ctrl-C discards its output (termios(3), NOFLSH), which ends that.
constexpr std::size_t kStepBytes = PIPE_BUF;

/// Until standard output takes bytes, or never will.
class [[nodiscard]] WaitForOutput final : public engine::IoAwaiter {
 public:
  WaitForOutput() noexcept : IoAwaiter(engine::OpCode::poll, STDOUT_FILENO) { flags = POLLOUT; }
  Result<void> await_resume() const {
    if (result < 0) return fail(failure(kWhat));
    return {};
  }
};

/// The usual case costs no turn of the loop. What cannot be polled is for write(2) to refuse.
bool output_is_ready() noexcept {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&output, 1, 0) != 0;
}

}  // namespace

void occupy_standard_descriptors() noexcept {
  // The wrong direction each, so that use still fails.
  constexpr int kDirections[] = {O_WRONLY, O_RDONLY, O_RDONLY};
  for (int fd = 0; fd < 3; ++fd) {
    // open() takes the lowest free number, which is this one.
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", kDirections[fd]);
  }
}

engine::Task<Result<void>> write_out(std::string_view text) {
  while (!text.empty()) {
    if (!output_is_ready()) {
      RINGPULL_CO_CHECK(co_await WaitForOutput());
    }
    ssize_t written = ::write(STDOUT_FILENO, text.data(), std::min(text.size(), kStepBytes));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written < 0) {
      co_return fail(Error::from_errno(errno, kWhat).with_kind(ErrorKind::io));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  co_return Result<void>();
}

std::string one_line(std::string text) {
  for (char& c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = ' ';
  }
  return text;
}

}  // namespace ringpull::tools
