#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <ringpull/engine/loop.hpp>

namespace ringpull::inline v0::engine {

namespace {

thread_local Loop* current_loop = nullptr;

}  // namespace

Deadline Deadline::after(Duration duration) noexcept {
  TimePoint now = current_loop != nullptr ? current_loop->now() : Clock::now();
  if (duration > TimePoint::max() - now) return never();
  return Deadline(now + duration);
}

void detail::ReadyQueue::grow() {
  std::vector<std::coroutine_handle<>> larger(slots_.size() * 2);
  std::size_t count = tail_ - head_;
  for (std::size_t i = 0; i < count; ++i) larger[i] = slots_[(head_ + i) & (slots_.size() - 1)];
  slots_.swap(larger);
  head_ = 0;
  tail_ = count;
}

Result<std::unique_ptr<Loop>> Loop::create(const LoopOptions& options) {
  RINGPULL_TRY(auto backend, make_backend(options.backend));
  return create(std::move(backend), options);
}

std::unique_ptr<Loop> Loop::create(std::unique_ptr<Backend> backend, const LoopOptions& options) {
  return std::unique_ptr<Loop>(new Loop(std::move(backend), options));
}

Loop::Loop(std::unique_ptr<Backend> backend, const LoopOptions& options)
    : backend_(std::move(backend)), options_(options), process_(::getpid()), now_(backend_->now()) {
  finished_.reserve(16);  // emptied after each resumption: no allocation later on
}

Loop::~Loop() {
  collect_orphans();
  RINGPULL_ASSERT(backend_->in_flight() == 0, "a Loop was destroyed with operations in flight");
  RINGPULL_ASSERT(ready_.empty(), "a Loop was destroyed with tasks ready to run");
  detail::Posted* posted = posted_.exchange(nullptr);
  while (posted != nullptr) delete std::exchange(posted, posted->next);
  if (wakeup_timer_ >= 0) ::close(wakeup_timer_);
  if (wakeup_fd_ >= 0) ::close(wakeup_fd_);
}

/// Operations whose owners went away (a resolver's polls) were cancelled by them and free
/// themselves.
void Loop::collect_orphans() noexcept {
  constexpr int kTurnsMax = 1000;
  if (!started_ || thread_ != std::this_thread::get_id() || process_ != ::getpid()) return;
  detail::OnLoop scope(*this);
  for (int turn = 0; turn < kTurnsMax && backend_->in_flight() > 0; ++turn) {
    backend_->wait(backend_->now() + std::chrono::milliseconds(1));
  }
}

Loop& Loop::current() noexcept {
  RINGPULL_ASSERT(current_loop != nullptr, "no Loop runs on this thread");
  return *current_loop;
}

Loop* Loop::current_or_null() noexcept { return current_loop; }

detail::OnLoop::OnLoop(Loop& loop) : outer_(current_loop) {
  RINGPULL_ASSERT(outer_ != &loop,
                  "a Loop was run from inside one of its own tasks: await instead");
  loop.enter_thread();
  current_loop = &loop;
}

detail::OnLoop::~OnLoop() {
  current_loop->backend_->flush();
  current_loop = outer_;
}

void Loop::enter_thread() {
  RINGPULL_ASSERT(process_ == ::getpid(),
                  "a Loop was used in the child of a fork(): make a new one there");
  if (!started_) {
    thread_ = std::this_thread::get_id();
    auto started = backend_->start();
    RINGPULL_ASSERT(started.has_value(), "the backend of a Loop did not start on its thread");
    started_ = true;
  }
  RINGPULL_ASSERT(thread_ == std::this_thread::get_id(), "a Loop was used from a second thread");
  now_ = backend_->now();
}

void Loop::push_posted(detail::Posted* posted) noexcept {
  detail::Posted* head = posted_.load(std::memory_order_relaxed);
  do {
    posted->next = head;
  } while (!posted_.compare_exchange_weak(head, posted, std::memory_order_release,
                                          std::memory_order_relaxed));
  if (head != nullptr || current_loop == this) return;  // someone woke it already, or it is us
  if (current_loop != nullptr && current_loop->backend_->wake_peer(*backend_)) return;
  backend_->wake();
}

bool Loop::run_posted() {
  if (posted_.load(std::memory_order_relaxed) == nullptr) return false;
  detail::Posted* newest = posted_.exchange(nullptr, std::memory_order_acquire);
  detail::Posted* oldest = nullptr;
  while (newest != nullptr) {
    detail::Posted* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != nullptr) {
    std::unique_ptr<detail::Posted> posted(std::exchange(oldest, oldest->next));
    posted->run();
  }
  return true;
}

bool Loop::run_ready() {
  if (ready_.empty()) return false;
  for (std::uint32_t i = 0; i < options_.resume_budget && !ready_.empty(); ++i) {
    ready_.pop().resume();
    // Before anyone else runs: a frame's parameters may refer to what its joiner is about to end.
    while (!finished_.empty()) {
      auto frame = finished_.back();
      finished_.pop_back();
      frame.destroy();
    }
  }
  return true;
}

bool Loop::run_work() {
  bool worked = run_posted();
  worked |= run_ready();
  return worked;
}

bool Loop::wait_for_work(TimePoint until) {
  if (!ready_.empty() || posted_.load(std::memory_order_relaxed) != nullptr) {
    until = TimePoint::min();
  } else {
    until = std::min(until, timers_.next());
  }
  std::uint64_t completed = backend_->stats().completed;
  backend_->wait(until);
  now_ = backend_->now();
  bool worked = backend_->stats().completed != completed;
  worked |= timers_.fire_due(now_) > 0;
  return worked;
}

void Loop::run_until(const bool& done) {
  for (;;) {
    run_work();
    if (done) return;
    wait_for_work(TimePoint::max());
  }
}

bool Loop::poll_once(Deadline deadline) {
  detail::OnLoop scope(*this);
  bool worked = run_work();
  worked |= wait_for_work(worked ? TimePoint::min() : deadline.time());
  if (wakeup_fd_ >= 0) arm_wakeup_timer();
  // The wait may have used up the wake-up of a function posted meanwhile.
  return worked || !ready_.empty() || posted_.load(std::memory_order_relaxed) != nullptr;
}

Result<int> Loop::wakeup_fd() {
  if (wakeup_fd_ >= 0) return wakeup_fd_;
  if (!options_.backend.hosted) {
    return fail(ErrorKind::invalid_argument,
                "wakeup_fd needs a Loop made with BackendOptions::hosted");
  }
  int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) return fail(Error::from_errno(errno, "epoll_create1 for wakeup_fd"));
  int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer < 0) {
    int error = errno;
    ::close(set);
    return fail(Error::from_errno(error, "timerfd_create for wakeup_fd"));
  }
  epoll_event event{};
  event.events = EPOLLIN;
  int added = ::epoll_ctl(set, EPOLL_CTL_ADD, timer, &event);
  if (added == 0) added = ::epoll_ctl(set, EPOLL_CTL_ADD, backend_->descriptor(), &event);
  if (added != 0) {
    int error = errno;
    ::close(set);
    ::close(timer);
    return fail(Error::from_errno(error, "epoll_ctl for wakeup_fd"));
  }
  wakeup_fd_ = set;
  wakeup_timer_ = timer;
  arm_wakeup_timer();
  return wakeup_fd_;
}

void Loop::arm_wakeup_timer() {
  itimerspec when{};  // zero disarms
  if (timers_.next() != TimePoint::max()) {
    auto nanoseconds = std::max<std::int64_t>(1, timers_.next().time_since_epoch().count());
    when.it_value.tv_sec = nanoseconds / 1'000'000'000;
    when.it_value.tv_nsec = nanoseconds % 1'000'000'000;
  }
  ::timerfd_settime(wakeup_timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace ringpull::inline v0::engine
