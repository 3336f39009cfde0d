#pragma once
// The event loop. A program calls run(), or poll_once() from a loop of its own, or has threads with
// loops by Runtime (runtime.hpp). For awaiters there are submit(), resume_later() and timers().

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <ringpull/engine/backend.hpp>
#include <ringpull/engine/context.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/engine/timer_queue.hpp>

namespace ringpull::inline v0::engine {

class LoopOptions {
 public:
  LoopOptions() = default;
  BackendOptions backend;
  /// Coroutines resumed before the loop looks at the kernel again. 128: keeps completions from
  /// waiting behind a long run of ready work, and costs one look per 128 resumptions.
  std::uint32_t resume_budget = 128;
};

class Loop;

namespace detail {

/// One posted function; owned by the queue until it has run.
class Posted {
 public:
  virtual ~Posted() = default;
  virtual void run() noexcept = 0;
  Posted* next = nullptr;
};

/// First in, first out; grows by doubling and keeps its memory, so a steady state allocates
/// nothing.
class ReadyQueue {
 public:
  ReadyQueue() : slots_(kInitial) {}
  bool empty() const noexcept { return head_ == tail_; }
  void push(std::coroutine_handle<> handle) {
    if (tail_ - head_ == slots_.size()) grow();
    slots_[tail_++ & (slots_.size() - 1)] = handle;
  }
  std::coroutine_handle<> pop() noexcept { return slots_[head_++ & (slots_.size() - 1)]; }

 private:
  static constexpr std::size_t kInitial = 1024;
  void grow();
  std::vector<std::coroutine_handle<>> slots_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

/// Makes a loop the current one of this thread while it lives; at its end the kernel has all that
/// was queued.
class OnLoop {
 public:
  explicit OnLoop(Loop& loop);
  ~OnLoop();
  OnLoop(const OnLoop&) = delete;
  OnLoop& operator=(const OnLoop&) = delete;

 private:
  Loop* outer_;
};

}  // namespace detail

/// The event loop of one thread: a run queue of coroutines, timers, and a Backend that talks to the
/// kernel.
///
/// Created anywhere; bound to the first thread that runs or polls it, and used by that thread alone
/// from then on. Only post() and wake() may be called from others. A turn is: resume what is ready,
/// hand everything queued to the kernel and wait in one system call, collect completions and due
/// timers. Not usable in the child of a fork().
class Loop {
 public:
  static Result<std::unique_ptr<Loop>> create(const LoopOptions& options);
  /// On a given backend: a simulation, or a backend made by hand.
  static std::unique_ptr<Loop> create(std::unique_ptr<Backend> backend, const LoopOptions& options);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs `factory()`, which makes a Task<T>, to its end on the calling thread and returns its
  /// value. The factory runs on the loop, so that the task's frame belongs to it. Other work posted
  /// meanwhile runs too.
  template <class Factory>
  auto run(Factory&& factory);

  /// Runs `function` on the loop's thread soon. From any thread; wait-free but for one allocation
  /// and at most one wake. What is posted is a function or a factory of tasks: a Task itself never
  /// crosses threads. An exception that leaves the function terminates the program.
  template <class Function>
  void post(Function&& function);

  /// One turn for hosts with a loop of their own: runs what is ready and waits until `deadline` at
  /// most (a time in the past: not at all). True when it did anything.
  bool poll_once(Deadline deadline);
  /// Readable when poll_once would find work, timers included; of a loop made with
  /// BackendOptions::hosted (else `invalid_argument`). Valid as long as the loop. The host watches
  /// it for POLLIN and must call poll_once until it returns false before it sleeps again.
  Result<int> wakeup_fd();
  /// Ends a wait in progress. From any thread, and from a signal handler.
  void wake() noexcept { backend_->wake(); }

  /// The loop of this thread; aborts where none runs.
  static Loop& current() noexcept;
  static Loop* current_or_null() noexcept;

  /// The time as of this turn.
  TimePoint now() const noexcept { return now_; }
  Backend& backend() noexcept { return *backend_; }
  const Backend& backend() const noexcept { return *backend_; }

  /// For awaiters.
  void submit(Op& op) noexcept { backend_->submit(op); }
  void resume_later(std::coroutine_handle<> handle) { ready_.push(handle); }
  TimerQueue& timers() noexcept { return timers_; }
  /// Destroys a finished frame once nothing of it is on the stack.
  void destroy_later(std::coroutine_handle<> frame) { finished_.push_back(frame); }

 private:
  friend class detail::OnLoop;
  explicit Loop(std::unique_ptr<Backend> backend, const LoopOptions& options);
  void enter_thread();
  void collect_orphans() noexcept;
  void push_posted(detail::Posted* posted) noexcept;
  bool run_work();
  bool wait_for_work(TimePoint until);
  bool run_ready();
  bool run_posted();
  void run_until(const bool& done);
  void arm_wakeup_timer();

  // Fixed once made.
  std::unique_ptr<Backend> backend_;
  LoopOptions options_;
  std::thread::id thread_;
  int process_ = 0;

  // Touched by the loop's thread.
  TimePoint now_;
  detail::ReadyQueue ready_;
  TimerQueue timers_;
  std::vector<std::coroutine_handle<>> finished_;
  int wakeup_fd_ = -1;
  int wakeup_timer_ = -1;
  bool started_ = false;

  // Touched by any thread.
  alignas(64) std::atomic<detail::Posted*> posted_{nullptr};
};

namespace detail {

template <class Function>
class PostedFunction final : public Posted {
 public:
  explicit PostedFunction(Function function) : function_(std::move(function)) {}
  void run() noexcept override { function_(); }

 private:
  Function function_;
};

/// Runs a task to its end from outside any coroutine: the root of a tree of tasks.
template <class T>
class Root {
 public:
  explicit Root(Task<T> task) noexcept : task_(std::move(task)) {}
  /// Queues the first resumption. The Root must stay until done().
  void start(Loop& loop) {
    handle_ = task_.release();
    PromiseBase& promise = handle_.promise();
    promise.context_ = &context_;
    promise.started_ = true;
    promise.finished_ = &Root::on_finished;
    promise.owner_ = this;
    loop.resume_later(handle_);
  }
  ~Root() {
    if (handle_) handle_.destroy();
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  const bool& done() const noexcept { return done_; }
  Context& context() noexcept { return context_; }
  T take() { return handle_.promise().take(); }

 private:
  static void on_finished(void* owner, std::coroutine_handle<>) noexcept {
    static_cast<Root*>(owner)->done_ = true;
  }
  Task<T> task_;
  std::coroutine_handle<Promise<T>> handle_;
  Context context_;
  bool done_ = false;
};

}  // namespace detail

template <class Factory>
auto Loop::run(Factory&& factory) {
  detail::OnLoop scope(*this);
  using T = typename std::invoke_result_t<Factory&>::value_type;
  detail::Root<T> root(factory());
  root.start(*this);
  run_until(root.done());
  return root.take();
}

template <class Function>
void Loop::post(Function&& function) {
  using F = std::decay_t<Function>;
  push_posted(new detail::PostedFunction<F>(std::forward<Function>(function)));
}

}  // namespace ringpull::inline v0::engine
