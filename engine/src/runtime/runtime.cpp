#include <future>
#include <latch>
#include <pthread.h>
#include <sched.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <ringpull/engine/runtime.hpp>

namespace ringpull::inline v0::engine {

Error detail::runtime_stopped() {
  return Error(ErrorKind::cancelled, "the Runtime was stopped before the task could start");
}

void detail::LoopDoor::open(Loop& loop, Scope& scope, Event& stop) noexcept {
  std::lock_guard lock(mutex_);
  loop_ = &loop;
  scope_ = &scope;
  stop_ = &stop;
  open_ = true;
}

// What was let in before was posted before, so it starts before the event is set.
void detail::LoopDoor::request_stop() {
  std::lock_guard lock(mutex_);
  if (!std::exchange(open_, false)) return;
  loop_->post([stop = stop_] { stop->set(); });
}

void detail::LoopDoor::close() noexcept {
  std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

/// The threads of a Runtime, from their start to the join.
class Runtime::Threads {
 public:
  explicit Threads(std::size_t count) : ended_(static_cast<std::ptrdiff_t>(count)) {}
  Result<std::string> start(const RuntimeOptions& options,
                            const std::vector<std::shared_ptr<detail::LoopDoor>>& doors);
  void join();

 private:
  using Ready = std::promise<Result<std::string>>;
  void run(const RuntimeOptions& options, std::size_t index, detail::LoopDoor& door, Ready ready);

  // A loop dies only after every loop has ended: until then a peer may post to it.
  std::latch ended_;
  std::mutex join_mutex_;
  std::vector<std::thread> threads_;
};

namespace {

Result<void> pin_this_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu < 0 || cpu >= CPU_SETSIZE) {
    return fail(ErrorKind::invalid_argument, "there is no CPU " + std::to_string(cpu));
  }
  CPU_SET(static_cast<unsigned>(cpu), &set);
  int error = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
  if (error == 0) return {};
  return fail(Error::from_errno(error, "pin a loop's thread to CPU " + std::to_string(cpu))
                  .with_kind(ErrorKind::invalid_argument));
}

Result<std::unique_ptr<Loop>> make_loop(const RuntimeOptions& options, std::size_t index) {
  ::pthread_setname_np(::pthread_self(), ("ringpull-" + std::to_string(index)).c_str());
  if (!options.cpus.empty()) RINGPULL_CHECK(pin_this_thread(options.cpus[index]));
  return Loop::create(options.loop);
}

Task<void> serve(detail::LoopDoor& door, std::promise<Result<std::string>>& ready) {
  Context& context = co_await current_context();
  Scope scope(context);
  Event stop;
  door.open(Loop::current(), scope, stop);
  ready.set_value(Loop::current().backend().description());
  auto stopped = co_await stop.wait();
  RINGPULL_ASSERT(stopped, "the root task of a loop's thread was stopped from outside");
  scope.request_stop();
  auto joined = co_await scope.join();
  RINGPULL_ASSERT(joined, "a job left an Error behind");
}

}  // namespace

void Runtime::Threads::run(const RuntimeOptions& options, std::size_t index, detail::LoopDoor& door,
                           Ready ready) {
  auto loop = make_loop(options, index);
  if (!loop) {
    ready.set_value(fail(std::move(loop).error()));
    ended_.arrive_and_wait();
    return;
  }
  (*loop)->run([&door, &ready] { return serve(door, ready); });
  ended_.arrive_and_wait();
  door.close();
}

Result<std::string> Runtime::Threads::start(
    const RuntimeOptions& options, const std::vector<std::shared_ptr<detail::LoopDoor>>& doors) {
  std::vector<std::future<Result<std::string>>> answers;
  Result<std::string> outcome;
  for (std::size_t i = 0; i < doors.size(); ++i) {
    Ready ready;
    auto answer = ready.get_future();
    try {
      threads_.emplace_back(
          [this, options, i, door = doors[i], ready = std::move(ready)]() mutable {
            run(options, i, *door, std::move(ready));
          });
    } catch (const std::system_error& error) {
      ended_.count_down(static_cast<std::ptrdiff_t>(doors.size() - i));
      outcome = fail(ErrorKind::resource_exhausted, std::string("start a thread: ") + error.what());
      break;
    }
    answers.push_back(std::move(answer));
  }
  for (auto& answer : answers) {
    auto description = answer.get();
    if (outcome) outcome = std::move(description);
  }
  return outcome;
}

void Runtime::Threads::join() {
  std::lock_guard lock(join_mutex_);
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

Result<std::unique_ptr<Runtime>> Runtime::create(const RuntimeOptions& options) {
  if (options.loops == 0) {
    return fail(ErrorKind::invalid_argument, "a Runtime needs at least one loop");
  }
  if (!options.cpus.empty() && options.cpus.size() != options.loops) {
    return fail(ErrorKind::invalid_argument,
                "RuntimeOptions::cpus names " + std::to_string(options.cpus.size()) + " CPUs for " +
                    std::to_string(options.loops) + " loops; name one for each, or none");
  }
  std::unique_ptr<Runtime> runtime(new Runtime(options.loops));
  RINGPULL_TRY(runtime->backend_description_, runtime->threads_->start(options, runtime->doors_));
  return runtime;
}

Runtime::Runtime(std::size_t loops)
    : process_(::getpid()), threads_(std::make_unique<Threads>(loops)) {
  for (std::size_t i = 0; i < loops; ++i) doors_.push_back(std::make_shared<detail::LoopDoor>());
}

Runtime::~Runtime() {
  if (process_ == ::getpid()) {
    stop();
    return;
  }
  // The threads do not exist in the child of a fork: nothing can be joined, or freed in their name.
  (void)threads_.release();
}

void Runtime::stop() {
  check_process();
  RINGPULL_ASSERT(Loop::current_or_null() == nullptr,
                  "a Runtime was stopped on a loop's thread, which would wait for itself");
  for (auto& door : doors_) door->request_stop();
  threads_->join();
}

std::size_t Runtime::next_loop() noexcept {
  return next_.fetch_add(1, std::memory_order_relaxed) % doors_.size();
}

void Runtime::check_process() const noexcept {
  RINGPULL_ASSERT(process_ == ::getpid(),
                  "a Runtime was used in the child of a fork(): make a new one there");
}

const std::shared_ptr<detail::LoopDoor>& Runtime::door(std::size_t loop) const noexcept {
  RINGPULL_ASSERT(loop < doors_.size(), "a Runtime has no loop of that index");
  return doors_[loop];
}

}  // namespace ringpull::inline v0::engine
