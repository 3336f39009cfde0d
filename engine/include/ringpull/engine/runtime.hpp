#pragma once
// Loops on threads of their own. Whoever runs a Loop himself needs none of this; what the templates
// need, and nobody else, is in runtime_job.hpp.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/result.hpp>
#include <ringpull/engine/runtime_job.hpp>

namespace ringpull::inline v0::engine {

class RuntimeOptions {
 public:
  RuntimeOptions() = default;
  /// Threads, each with a loop of its own. 1: one loop moves several GiB/s; take more when it is
  /// the one that is busy.
  std::uint32_t loops = 1;
  /// The CPU that each thread is pinned to, one per loop. Empty: the scheduler's choice, which is
  /// right beside other work; benches pin.
  std::vector<int> cpus;
  LoopOptions loop;
};

/// Names a submitted task to other threads. Copyable; may outlive the task and the Runtime.
/// Dropping it leaves the task running.
class SubmittedTask {
 public:
  explicit SubmittedTask(std::shared_ptr<detail::Job> job) noexcept : job_(std::move(job)) {}
  /// Asks the task to stop; it ends as `cancelled` unless it finished first. From any thread; no
  /// effect on a task that has ended.
  void request_stop() const { detail::Job::request_stop(job_); }

 private:
  std::shared_ptr<detail::Job> job_;
};

/// Loop threads for programs that have none: the door from threads and blocking calls into the
/// coroutine world.
///
///     auto runtime = Runtime::create(RuntimeOptions());
///     auto size = (*runtime)->run_blocking([&] { return size_of(client, key); });
///
/// Work is handed over as a factory: a callable that makes a Task<Result<T>>. It is called, and its
/// task runs and dies, on one loop's thread; the factory is kept as long as the task, so it may be
/// a capturing lambda, but what it refers to by reference is the caller's to keep alive.
///
/// Every function may be called from any thread that is no loop's own, but for submit and
/// submit_on, which may be called there too. In the child of a fork() a Runtime is unusable: calls
/// abort with a message, the destructor does nothing.
class Runtime {
 public:
  /// The threads run and their loops are ready when this returns. `unsupported` where the backend
  /// asked for is refused, `resource_exhausted` without threads or memory, `invalid_argument` for
  /// no loops or CPUs that cannot be had.
  static Result<std::unique_ptr<Runtime>> create(const RuntimeOptions& options);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Runs a task to its end and returns its result; the thread sleeps meanwhile. A stop of `token`
  /// is passed on to the task. An exception that leaves the task is rethrown here. `cancelled`
  /// after stop(). Aborts on a loop's thread, which would wait for itself.
  template <class Factory>
  auto run_blocking(Factory factory, std::stop_token token = {}) {
    return run_blocking_on(next_loop(), std::move(factory), std::move(token));
  }
  template <class Factory>
  auto run_blocking_on(std::size_t loop, Factory factory, std::stop_token token = {});

  /// Starts a task on the next loop in turn and calls `callback(Result<T>)` once, on that loop's
  /// thread, when it has ended; the callback must not block. `cancelled` after stop(): then the
  /// callback is never called. Neither the callback nor the task may end in an exception
  /// (terminates the program).
  template <class Factory, class Callback>
  Result<SubmittedTask> submit(Factory factory, Callback callback) {
    return submit_on(next_loop(), std::move(factory), std::move(callback));
  }
  template <class Factory, class Callback>
  Result<SubmittedTask> submit_on(std::size_t loop, Factory factory, Callback callback);

  /// Asks every task to stop, waits for their ends and joins the threads. Later calls have no
  /// effect; the destructor does the same. Aborts on a loop's thread.
  void stop();

  std::size_t loops() const noexcept { return doors_.size(); }
  /// Backend::description() of the loops.
  const std::string& backend_description() const noexcept { return backend_description_; }

 private:
  class Threads;

  explicit Runtime(std::size_t loops);
  std::size_t next_loop() noexcept;
  void check_process() const noexcept;
  const std::shared_ptr<detail::LoopDoor>& door(std::size_t loop) const noexcept;
  template <class T, class Factory, class Finish>
  std::shared_ptr<detail::Job> launch(std::size_t loop, Factory factory, Finish finish);

  // Fixed after construction.
  int process_;
  std::vector<std::shared_ptr<detail::LoopDoor>> doors_;
  std::string backend_description_;

  // Any thread.
  std::atomic<std::size_t> next_{0};
  std::unique_ptr<Threads> threads_;
};

template <class T, class Factory, class Finish>
std::shared_ptr<detail::Job> Runtime::launch(std::size_t loop, Factory factory, Finish finish) {
  static_assert(detail::is_result<T>, "the factory must make a Task<Result<T>>");
  check_process();
  auto job = std::make_shared<detail::Job>(door(loop));
  auto start = [job, factory = std::move(factory), finish = std::move(finish)]() mutable {
    Scope& scope = job->home().scope();
    scope.spawn(detail::run_job<T>(std::move(job), std::move(factory), std::move(finish)));
  };
  return job->home().admit(std::move(start)) ? job : nullptr;
}

template <class Factory, class Callback>
Result<SubmittedTask> Runtime::submit_on(std::size_t loop, Factory factory, Callback callback) {
  using T = typename std::invoke_result_t<Factory&>::value_type;
  auto finish = [callback = std::move(callback)](detail::JobOutcome<T> outcome) mutable noexcept {
    if (outcome.thrown) std::rethrow_exception(outcome.thrown);
    callback(std::move(*outcome.value));
  };
  auto job = launch<T>(loop, std::move(factory), std::move(finish));
  if (!job) return fail(detail::runtime_stopped());
  return SubmittedTask(std::move(job));
}

template <class Factory>
auto Runtime::run_blocking_on(std::size_t loop, Factory factory, std::stop_token token) {
  using T = typename std::invoke_result_t<Factory&>::value_type;
  RINGPULL_ASSERT(Loop::current_or_null() == nullptr,
                  "run_blocking was called on a loop's thread, which would wait for itself: "
                  "co_await the task there");
  auto box = std::make_shared<detail::JobOutcomeBox<T>>();
  auto job = launch<T>(loop, std::move(factory), [box](detail::JobOutcome<T> outcome) noexcept {
    box->put(std::move(outcome));
  });
  if (!job) return T(fail(detail::runtime_stopped()));
  detail::JobOutcome<T> outcome;
  {
    std::stop_callback on_stop(token, [&job] { detail::Job::request_stop(job); });
    outcome = box->take();
  }
  if (outcome.thrown) std::rethrow_exception(outcome.thrown);
  return T(std::move(*outcome.value));
}

}  // namespace ringpull::inline v0::engine
