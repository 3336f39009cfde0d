#pragma once
// What make_backend falls back to where io_uring is refused, or takes when asked for. How a
// socket's operation is tried is in ready_ops.hpp; files go to file_threads.hpp.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <vector>

#include <ringpull/engine/backend.hpp>
#include <ringpull/engine/fd.hpp>

#include "engine/src/backend/file_threads.hpp"
#include "engine/src/backend/op_list.hpp"

namespace ringpull::inline v0::engine {

/// The engine where io_uring is refused, with io_uring's results.
///
/// An operation is tried when wait() takes it up; one that would block waits for its descriptor in
/// a one-shot epoll registration, renewed for each wait, so that a descriptor closed and its number
/// used again needs no notice. File operations go to a small pool of threads. A descriptor must not
/// be closed while an operation on it is in flight (io_uring would keep the file open; epoll
/// forgets it).
class EpollBackend final : public Backend {
 public:
  /// `reason` says in description() why it is not io_uring.
  static Result<std::unique_ptr<Backend>> create(const BackendOptions& options,
                                                 std::string_view reason);
  ~EpollBackend() override;

  Result<void> start() override { return {}; }
  void submit(Op& op) noexcept override;
  void cancel(Op& op) noexcept override;
  void wait(TimePoint until) noexcept override;
  void wake() noexcept override;
  int descriptor() const noexcept override { return epoll_.get(); }
  int socket_flags() const noexcept override;
  BackendKind kind() const noexcept override { return BackendKind::epoll; }
  std::string description() const override;

 private:
  struct Descriptor {
    OpList waiting;
    std::uint32_t armed = 0;  // events of the registration, 0 after it has fired
    bool known = false;       // was registered once: modify first, add if that fails
  };

  EpollBackend() = default;
  void begin(Op& op) noexcept;
  void settle(Op& op, std::int32_t result) noexcept;
  void park(Op& op) noexcept;
  int arm(Descriptor& descriptor, int fd, std::uint32_t events) noexcept;
  void poll_kernel(TimePoint until) noexcept;
  int enter(epoll_event* events, int events_max, TimePoint until) noexcept;
  void on_ready(int fd, std::uint32_t events) noexcept;
  void rearm(int fd) noexcept;
  void deliver(Op& op) noexcept;

  // Fixed after construction.
  Fd epoll_;
  Fd wakeup_;
  std::string reason_;
  std::uint32_t file_threads_max_ = 0;
  bool hosted_ = false;

  // Touched by the loop's thread.
  OpList submitted_;  // not tried yet
  OpList settled_;    // ended, to be delivered by the next wait()
  std::vector<Descriptor> descriptors_;
  std::size_t parked_ = 0;  // operations in `descriptors_`
  std::unique_ptr<FileThreads> files_;
  bool has_precise_wait_ = true;  // epoll_pwait2, kernel 5.11; old seccomp profiles refuse it
};

}  // namespace ringpull::inline v0::engine
