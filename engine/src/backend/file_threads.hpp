#pragma once
// Whom the epoll backend gives what epoll cannot wait for. Made with a loop's first file operation;
// a loop on io_uring has none.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/src/backend/op_list.hpp"

namespace ringpull::inline v0::engine {

/// A bounded pool of threads which do file operations for one loop. Threads start when there is
/// work for them, end with the object, and take no signals. All calls come from the loop's thread;
/// the pool itself tells it of completions through the eventfd `wake`.
class FileThreads {
 public:
  FileThreads(std::uint32_t threads_max, int wake) noexcept;
  /// Every operation given to it has been taken back.
  ~FileThreads();
  FileThreads(const FileThreads&) = delete;
  FileThreads& operator=(const FileThreads&) = delete;

  /// False when no thread could be started: the caller runs the operation itself.
  bool submit(Op& op);
  /// True when no thread had begun it: it has left the queue. False: it completes as it is.
  bool cancel(Op& op) noexcept;
  /// The operations that have ended since the last call, with their results, in that order.
  OpList take_done() noexcept;
  /// False in the child of a fork(), where the threads do not exist and cannot be joined.
  bool in_this_process() const noexcept;

 private:
  void work() noexcept;
  bool add_thread();

  // Fixed after construction.
  std::uint32_t threads_max_;
  int wake_;
  int process_;

  std::vector<std::thread> threads_;  // loop's thread only
  std::atomic<bool> any_done_{false};

  std::mutex mutex_;
  std::condition_variable work_;
  OpList queue_;
  OpList done_;
  std::uint32_t queued_ = 0;
  std::uint32_t idle_ = 0;
  bool closing_ = false;
};

}  // namespace ringpull::inline v0::engine
