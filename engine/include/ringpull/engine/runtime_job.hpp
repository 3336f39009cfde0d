#pragma once
// The parts of Runtime that its templates need; not for direct use. Between threads go functions,
// outcomes and requests to stop, never a Task.

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/result.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>

namespace ringpull::inline v0::engine::detail {

/// What other threads hold of a loop's thread. It stays when the loop is gone, and its lock keeps
/// the loop alive through a post.
class LoopDoor {
 public:
  /// False once the runtime stops: the function is dropped.
  template <class Function>
  bool admit(Function&& function) {
    std::lock_guard lock(mutex_);
    if (!open_) return false;
    loop_->post(std::forward<Function>(function));
    return true;
  }
  /// For what matters only while the loop runs.
  template <class Function>
  void notify(Function&& function) {
    std::lock_guard lock(mutex_);
    if (loop_ != nullptr) loop_->post(std::forward<Function>(function));
  }
  /// For the loop's thread.
  Scope& scope() const noexcept { return *scope_; }

  void open(Loop& loop, Scope& scope, Event& stop) noexcept;
  /// Lets nobody in any more and sets the stop event; once.
  void request_stop();
  /// Before the loop dies.
  void close() noexcept;

 private:
  std::mutex mutex_;
  Loop* loop_ = nullptr;
  Scope* scope_ = nullptr;
  Event* stop_ = nullptr;
  bool open_ = false;
};

/// One task that a foreign thread started.
class Job {
 public:
  explicit Job(std::shared_ptr<LoopDoor> home) noexcept : home_(std::move(home)) {}
  LoopDoor& home() const noexcept { return *home_; }
  static void request_stop(const std::shared_ptr<Job>& job) {
    job->home_->notify([job] { job->stop_.request_stop(); });
  }
  /// For the loop's thread.
  StopSource& stop() noexcept { return stop_; }

 private:
  std::shared_ptr<LoopDoor> home_;
  StopSource stop_;
};

template <class T>
constexpr bool is_result = false;
template <class T>
constexpr bool is_result<Result<T>> = true;

template <class T>
struct JobOutcome {
  JobOutcome() = default;
  std::optional<T> value;
  std::exception_ptr thrown;
};

/// Carries an outcome to the thread that sleeps for it.
template <class T>
class JobOutcomeBox {
 public:
  void put(JobOutcome<T> outcome) {
    std::lock_guard lock(mutex_);
    outcome_.emplace(std::move(outcome));
    filled_.notify_one();
  }
  JobOutcome<T> take() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return outcome_.has_value(); });
    return std::move(*outcome_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::optional<JobOutcome<T>> outcome_;
};

template <class T, class Factory, class Finish>
Task<void> run_job(std::shared_ptr<Job> job, Factory factory, Finish finish) {
  JobOutcome<T> outcome;
  try {
    Factory make_task(
        std::move(factory));  // outlives the task; gone before anybody hears of its end
    Task<T> task = make_task();
    auto value = co_await with_stop(job->stop(), std::move(task));
    outcome.value.emplace(std::move(value));
  } catch (...) {
    outcome.thrown = std::current_exception();
  }
  finish(std::move(outcome));
}

Error runtime_stopped();

}  // namespace ringpull::inline v0::engine::detail
