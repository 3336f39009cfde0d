#pragma once
// The backend that make_backend prefers. Needs no newer headers than Debian 12's: what later
// kernels add is spelt out in uring_backend.cpp, and used where the kernel takes it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <liburing.h>
#include <memory>
#include <string>
#include <thread>

#include <ringpull/engine/backend.hpp>

#include "engine/src/backend/op_list.hpp"

namespace ringpull::inline v0::engine {

/// io_uring. Full path from kernel 6.1 (DEFER_TASKRUN: completions are collected by this thread
/// only, when it asks); kernels from 5.11 on (EXT_ARG, NODROP) work with fewer flags.
class UringBackend final : public Backend {
 public:
  /// `unsupported` with the cause (sysctl, seccomp, old kernel) and the remedy;
  /// `resource_exhausted` on memory limits.
  static Result<std::unique_ptr<Backend>> create(const BackendOptions& options);
  ~UringBackend() override;

  Result<void> start() override;
  void submit(Op& op) noexcept override;
  void cancel(Op& op) noexcept override;
  void wait(TimePoint until) noexcept override;
  void flush() noexcept override;
  void wake() noexcept override;
  bool wake_peer(Backend& peer) noexcept override;
  int descriptor() const noexcept override { return ring_.ring_fd; }
  int socket_flags() const noexcept override { return 0; }
  BackendKind kind() const noexcept override { return BackendKind::uring; }
  std::string description() const override;

 private:
  UringBackend() = default;
  int set_up(const BackendOptions& options) noexcept;
  void probe() noexcept;
  io_uring_sqe* slot() noexcept;
  bool try_queue(Op& op) noexcept;
  bool try_queue_cancel(Op& op) noexcept;
  void settle(Op& op, std::int32_t result) noexcept;
  void refill() noexcept;
  TimePoint repeat_missed_cancels(TimePoint until) noexcept;
  void arm_wakeup() noexcept;
  void enter(TimePoint until) noexcept;
  std::size_t batch() const noexcept;
  void keep_pace(std::size_t completed) noexcept;
  void deliver(Op& op, std::int32_t result) noexcept;
  void collect() noexcept;

  // Fixed once started.
  io_uring ring_{};
  int wakeup_ = -1;
  int kernel_ = 0;  // major * 100 + minor, lowered to the ceiling
  std::uint32_t setup_flags_ = 0;
  bool can_message_rings_ = false;
  bool can_truncate_ = false;
  Duration batch_wait_{0};  // 0: off, or the kernel cannot
  std::thread::id thread_;

  // Touched by the loop's thread.
  OpList waiting_;                 // found no submission slot
  OpList cancels_;                 // in the kernel; their cancel found no submission slot
  OpList asked_;                   // in the kernel, with a cancel
  OpList settled_;                 // ended without the kernel, to be delivered by the next wait()
  std::uint64_t wakeups_ = 0;      // target of the armed eventfd read
  std::size_t bulk_receives_ = 0;  // in flight
  Duration pace_{0};               // between completions, lately
  TimePoint paced_at_;
  bool wakeup_armed_ = false;
  bool cancel_missed_ = false;  // the kernel did not find what it should cancel
  TimePoint repeat_cancels_at_ = TimePoint::min();
};

}  // namespace ringpull::inline v0::engine
