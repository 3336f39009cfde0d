#pragma once
// Tasks side by side, never detached. when_all and when_any stand on Scope; a time limit or a stop
// for one task is in combinators.hpp.

#include <coroutine>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <ringpull/engine/context.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/task.hpp>

namespace ringpull::inline v0::engine {

/// A nursery: the only place where tasks run concurrently. Every task spawned has ended when join()
/// returns; a Scope that dies unjoined aborts.
///
///     Context& context = co_await current_context();
///     Scope scope(context);
///     scope.spawn(fetch(part_a));
///     scope.spawn(fetch(part_b));
///     auto outcome = co_await scope.join();
///
/// A child that ends with an Error stops its siblings (they end as `cancelled`); join() returns the
/// first Error. A stop or deadline of the context stops all children. Tasks start at the loop's
/// next step, in the order of spawn(). An exception that leaves a child is rethrown by join().
class Scope {
 public:
  /// Children inherit `parent`, which outlives the scope.
  explicit Scope(Context& parent) noexcept { context_.attach(&parent, Deadline::never()); }
  ~Scope() { RINGPULL_ASSERT(active_ == 0, "a Scope was destroyed before it was joined"); }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  void spawn(Task<void> task) { adopt<void>(std::move(task)); }
  void spawn(Task<Result<void>> task) { adopt<Result<void>>(std::move(task)); }

  /// Asks every child to stop; join() still waits for them. Children spawned later start stopped.
  void request_stop() noexcept { context_.request_stop(StopReason::cancelled); }
  std::size_t active() const noexcept { return active_; }
  Context& context() noexcept { return context_; }

  class [[nodiscard]] Join {
   public:
    explicit Join(Scope& scope) noexcept : scope_(scope) {}
    bool await_ready() const noexcept { return scope_.active_ == 0; }
    void await_suspend(std::coroutine_handle<> waiter) noexcept { scope_.joiner_ = waiter; }
    [[nodiscard]] Result<void> await_resume() { return scope_.outcome(); }

   private:
    Scope& scope_;
  };
  /// Completes when the last child has ended; never early, whatever stops. The scope may be used
  /// again afterwards.
  Join join() noexcept { return Join(*this); }

 private:
  template <class T>
  void adopt(Task<T> task) {
    auto handle = task.release();
    detail::PromiseBase& promise = handle.promise();
    promise.context_ = &context_;
    promise.started_ = true;
    promise.finished_ = &Scope::on_finished<T>;
    promise.owner_ = this;
    ++active_;
    Loop::current().resume_later(handle);
  }
  template <class T>
  static void on_finished(void* owner, std::coroutine_handle<> frame) noexcept {
    auto& scope = *static_cast<Scope*>(owner);
    auto handle = std::coroutine_handle<detail::Promise<T>>::from_address(frame.address());
    detail::Promise<T>& promise = handle.promise();
    if (promise.exception_) {
      scope.child_threw(promise.exception_);
    } else if constexpr (!std::is_void_v<T>) {
      T outcome = promise.take();
      if (!outcome) scope.child_failed(std::move(outcome).error());
    }
    scope.child_ended(frame);
  }
  void child_failed(Error error) noexcept;
  void child_threw(std::exception_ptr exception) noexcept;
  void child_ended(std::coroutine_handle<> frame) noexcept;
  Result<void> outcome();

  Context context_;
  std::optional<Error> first_error_;
  std::exception_ptr exception_;
  std::coroutine_handle<> joiner_;
  std::size_t active_ = 0;
};

namespace detail {

template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>& slot) {
  auto value = co_await std::move(task);
  slot.emplace(std::move(value));
}

template <class T>
Task<void> keep_first(Task<T> task, std::optional<T>& slot, std::size_t index, std::size_t& winner,
                      Scope& scope) {
  auto value = co_await std::move(task);
  if (slot) co_return;
  slot.emplace(std::move(value));
  winner = index;
  scope.request_stop();
}

}  // namespace detail

/// Runs all tasks at once and gives their values in order. An Error in a value does not stop the
/// others (a Scope does).
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  Context& context = co_await current_context();
  std::vector<std::optional<T>> slots(tasks.size());
  Scope scope(context);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    scope.spawn(detail::keep_result<T>(std::move(tasks[i]), slots[i]));
  }
  auto joined = co_await scope.join();
  (void)joined;
  std::vector<T> values;
  values.reserve(slots.size());
  for (auto& slot : slots) values.push_back(std::move(*slot));
  co_return values;
}

template <class A, class B>
Task<std::pair<A, B>> when_all(Task<A> a, Task<B> b) {
  Context& context = co_await current_context();
  std::optional<A> first;
  std::optional<B> second;
  Scope scope(context);
  scope.spawn(detail::keep_result<A>(std::move(a), first));
  scope.spawn(detail::keep_result<B>(std::move(b), second));
  auto joined = co_await scope.join();
  (void)joined;
  co_return std::pair<A, B>(std::move(*first), std::move(*second));
}

template <class T>
class AnyResult {
 public:
  AnyResult(std::size_t which, T result) : index(which), value(std::move(result)) {}
  std::size_t index;
  T value;
};

/// The first of the tasks to end; the others are stopped and waited for. `tasks` must not be empty.
template <class T>
Task<AnyResult<T>> when_any(std::vector<Task<T>> tasks) {
  RINGPULL_ASSERT(!tasks.empty(), "when_any needs at least one task");
  Context& context = co_await current_context();
  std::optional<T> slot;
  std::size_t winner = 0;
  Scope scope(context);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    scope.spawn(detail::keep_first<T>(std::move(tasks[i]), slot, i, winner, scope));
  }
  auto joined = co_await scope.join();
  (void)joined;
  co_return AnyResult<T>(winner, std::move(*slot));
}

}  // namespace ringpull::inline v0::engine
