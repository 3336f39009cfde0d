#include "engine/src/backend/file_threads.hpp"

#include <algorithm>
#include <csignal>
#include <pthread.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "engine/src/backend/file_ops.hpp"

namespace ringpull::inline v0::engine {

FileThreads::FileThreads(std::uint32_t threads_max, int wake) noexcept
    : threads_max_(std::max(threads_max, 1U)), wake_(wake), process_(::getpid()) {}

FileThreads::~FileThreads() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool FileThreads::in_this_process() const noexcept { return process_ == ::getpid(); }

bool FileThreads::submit(Op& op) {
  bool idle = false;
  {
    std::lock_guard lock(mutex_);
    idle = idle_ > queued_;
  }
  if (!idle && threads_.size() < threads_max_ && !add_thread() && threads_.empty()) return false;
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(op);
    op.queued = true;
    ++queued_;
  }
  work_.notify_one();
  return true;
}

bool FileThreads::cancel(Op& op) noexcept {
  std::lock_guard lock(mutex_);
  if (!op.queued) return false;
  queue_.remove(op);
  op.queued = false;
  --queued_;
  return true;
}

OpList FileThreads::take_done() noexcept {
  if (!any_done_.load(std::memory_order_acquire)) return {};
  std::lock_guard lock(mutex_);
  any_done_.store(false, std::memory_order_relaxed);
  return std::exchange(done_, {});
}

bool FileThreads::add_thread() {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool added = true;
  try {
    threads_.emplace_back(&FileThreads::work, this);
  } catch (const std::system_error&) {  // the process may have no more threads
    added = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return added;
}

void FileThreads::work() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    Op& op = *queue_.pop_front();
    op.queued = false;
    --queued_;
    lock.unlock();
    std::int32_t result = run_file_op(op);
    lock.lock();
    op.result = result;
    bool first = done_.empty();
    done_.push_back(op);
    if (!first) continue;  // the loop has been told already
    any_done_.store(true, std::memory_order_release);
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(wake_, &one, sizeof one);
  }
}

}  // namespace ringpull::inline v0::engine
