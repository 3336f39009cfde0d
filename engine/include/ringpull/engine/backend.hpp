#pragma once
// Between the engine and the kernel: the interface, the choice of an implementation, and its
// counts. Programs set BackendOptions (in LoopOptions) and read description(); simulations
// implement Backend.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/op.hpp>
#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::engine {

enum class BackendKind : std::uint8_t { automatic, uring, epoll };

std::string_view to_string(BackendKind kind) noexcept;

struct BackendStats {
  BackendStats() = default;
  std::uint64_t enters = 0;     ///< system calls that submit or wait
  std::uint64_t submitted = 0;  ///< operations handed over
  std::uint64_t completed = 0;
  std::uint64_t cancels = 0;
  std::uint64_t queue_full =
      0;  ///< times an operation waited in user space for a free submission slot
};

/// The seam under a Loop: the operations that tasks wait for, time and entropy pass here, so that a
/// test can put a simulated world in its place. docs/design/0005 lists what still goes past it.
///
/// One thread, the loop's, calls everything except wake(). start() comes first, on that thread.
class Backend {
 public:
  virtual ~Backend() = default;
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  /// Binds the backend to the calling thread.
  virtual Result<void> start() = 0;

  /// Queues an operation; never fails and never completes it before the next wait(). Any number may
  /// be queued: those that the kernel's queue cannot take yet wait in user space, in order.
  virtual void submit(Op& op) noexcept = 0;

  /// Asks for an end of an operation in flight; it completes as usual, with -ECANCELED or with what
  /// it reached first. More than one call for one operation has the effect of one.
  virtual void cancel(Op& op) noexcept = 0;

  /// Hands over what is queued, then waits for the first completion, a wake() or `until` (a time in
  /// the past: does not wait), and calls `complete` for every operation that has ended.
  virtual void wait(TimePoint until) noexcept = 0;

  /// Hands over what is queued without waiting: a loop that returns to its caller must not keep a
  /// peer's wake-up back, and descriptor() must tell of its own.
  virtual void flush() noexcept {}

  /// Ends a wait() in progress or the next one. From any thread, and from a signal handler.
  virtual void wake() noexcept = 0;
  /// Wakes the loop of `peer` from this backend's thread where it has a cheaper way than
  /// peer.wake(); false when not.
  virtual bool wake_peer(Backend& peer) noexcept;

  virtual TimePoint now() const noexcept;
  /// Bytes from the system's generator (getrandom(2)).
  virtual void random(std::span<std::byte> out) noexcept;

  /// Readable when a wait() would find something; of a backend made with BackendOptions::hosted.
  virtual int descriptor() const noexcept = 0;
  /// SOCK_* flags that sockets made for this backend need.
  virtual int socket_flags() const noexcept = 0;
  virtual BackendKind kind() const noexcept = 0;
  /// One line for people: which backend, which features, and why it was chosen.
  virtual std::string description() const = 0;

  const BackendStats& stats() const noexcept { return stats_; }
  /// Operations submitted and not completed yet.
  std::size_t in_flight() const noexcept { return in_flight_; }

 protected:
  BackendStats stats_;
  std::size_t in_flight_ = 0;
};

class BackendOptions {
 public:
  BackendOptions() = default;
  /// `automatic` reads RINGPULL_BACKEND (uring|epoll|auto), then prefers io_uring and falls back to
  /// epoll.
  BackendKind kind = BackendKind::automatic;
  /// Submission slots. 256: more operations than one turn submits in practice, 16 KiB of ring
  /// memory.
  std::uint32_t entries = 256;
  /// Completion slots; a power of two. 4096: over it the kernel buffers (IORING_FEAT_NODROP), which
  /// is slower.
  std::uint32_t completions = 4096;
  /// Features of kernels above this are not used: major * 100 + minor. 0: no ceiling, or
  /// RINGPULL_KERNEL_CEILING.
  int kernel_ceiling = 0;
  /// The loop is polled by a host which sleeps on Loop::wakeup_fd(). Off: io_uring may then defer
  /// its completions until this thread asks for them, which is cheaper but of which kernels
  /// from 6.3 on tell nobody who watches the ring.
  bool hosted = false;
  /// How long completions may wait for one another while the loop receives four or more large
  /// bodies, does little else, and sees them end in quick succession; kernel 6.12. 5 ms: half the
  /// wake-ups of a loop that receives 3 GiB/s. Other operations of the loop, and posts to it, may
  /// take this much longer then. 0: never wait.
  std::chrono::microseconds batch_wait = std::chrono::milliseconds(5);
  /// Threads for file operations where the kernel has no asynchronous form (epoll).
  std::uint32_t file_threads = 4;
};

/// `unsupported` with the cause and the remedy when `uring` was asked for by name and is refused
/// here; `automatic` falls back and says why in description().
Result<std::unique_ptr<Backend>> make_backend(const BackendOptions& options);

}  // namespace ringpull::inline v0::engine
