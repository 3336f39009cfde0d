#include <atomic>
#include <chrono>
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>
#include <optional>
#include <sched.h>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/runtime.hpp>
#include <ringpull/engine/timer.hpp>

#include "tests/support/on_each_backend.hpp"

namespace ringpull::engine {
namespace {

using namespace std::chrono_literals;

class RuntimeTest : public ringpull::testing::OnEachBackend {
 protected:
  std::unique_ptr<Runtime> make_runtime(std::uint32_t loops = 1) {
    RuntimeOptions options;
    options.loops = loops;
    options.loop.backend.kind = GetParam();
    return Runtime::create(options).value();
  }
};
RINGPULL_ON_EACH_BACKEND(RuntimeTest);

/// Results that callbacks leave on loop threads for the thread of the test.
class Inbox {
 public:
  void put(Result<int> result) {
    std::lock_guard lock(mutex_);
    results_.push_back(std::move(result));
    arrived_.notify_one();
  }
  std::vector<Result<int>> take(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return results_.size() >= count; });
    return std::move(results_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Result<int>> results_;
};

Task<Result<int>> answer() {
  RINGPULL_CO_CHECK(co_await sleep_for(1us));
  co_return 42;
}

Task<Result<int>> refuse() {
  co_await yield_now();
  co_return fail(ErrorKind::not_found, "no such thing");
}

Task<Result<int>> throw_it() {
  co_await yield_now();
  throw std::runtime_error("thrown in a task");
}

Task<Result<int>> sleep_until_stopped() {
  RINGPULL_CO_CHECK(co_await sleep_until(Deadline::never()));
  co_return 0;
}

TEST_P(RuntimeTest, ReturnsTheResultOfATask) {
  auto runtime = make_runtime();
  EXPECT_EQ(runtime->run_blocking(answer).value(), 42);
  EXPECT_EQ(runtime->run_blocking(refuse).error().kind(), ErrorKind::not_found);
}

TEST_P(RuntimeTest, RethrowsWhatATaskThrowsAndGoesOn) {
  auto runtime = make_runtime();
  EXPECT_THROW((void)runtime->run_blocking(throw_it), std::runtime_error);
  EXPECT_EQ(runtime->run_blocking(answer).value(), 42);
}

Task<Result<std::string>> text_of(const std::string& text) {
  co_await yield_now();
  co_return text;
}

TEST_P(RuntimeTest, KeepsTheFactoryAsLongAsItsTask) {
  auto runtime = make_runtime();
  std::string text(1000, 'x');
  auto result = runtime->run_blocking([copy = text] { return text_of(copy); });
  EXPECT_EQ(result.value(), text);
}

TEST_P(RuntimeTest, DestroysTheFactoryBeforeItReturns) {
  auto runtime = make_runtime();
  for (int i = 0; i < 100; ++i) {
    auto witness = std::make_shared<std::string>("held by the factory");
    auto result = runtime->run_blocking([witness] { return text_of(*witness); });
    EXPECT_EQ(witness.use_count(), 1);
  }
}

TEST_P(RuntimeTest, PassesAStopOfTheTokenOn) {
  auto runtime = make_runtime();
  std::stop_source source;
  std::thread stopper([&source] { source.request_stop(); });
  auto result = runtime->run_blocking(sleep_until_stopped, source.get_token());
  stopper.join();
  EXPECT_EQ(result.error().kind(), ErrorKind::cancelled);
  auto again = runtime->run_blocking(sleep_until_stopped, source.get_token());
  EXPECT_EQ(again.error().kind(), ErrorKind::cancelled);
}

TEST_P(RuntimeTest, CallsBackOnTheLoopsThread) {
  auto runtime = make_runtime();
  Inbox inbox;
  std::atomic<bool> on_a_loop{false};
  auto submitted = runtime->submit(answer, [&](Result<int> result) {
    on_a_loop = Loop::current_or_null() != nullptr;
    inbox.put(std::move(result));
  });
  ASSERT_TRUE(submitted.has_value());
  EXPECT_EQ(inbox.take(1)[0].value(), 42);
  EXPECT_TRUE(on_a_loop);
}

TEST_P(RuntimeTest, StopsTheOneTaskWhoseHandleIsAsked) {
  auto runtime = make_runtime();
  Inbox first;
  Inbox second;
  auto put_in = [](Inbox& inbox) { return [&inbox](Result<int> r) { inbox.put(std::move(r)); }; };
  auto one = runtime->submit(sleep_until_stopped, put_in(first)).value();
  auto two = runtime->submit(sleep_until_stopped, put_in(second)).value();
  one.request_stop();
  EXPECT_EQ(first.take(1)[0].error().kind(), ErrorKind::cancelled);
  EXPECT_EQ(runtime->run_blocking(answer).value(), 42);
  two.request_stop();
  two.request_stop();
  EXPECT_EQ(second.take(1)[0].error().kind(), ErrorKind::cancelled);
}

TEST_P(RuntimeTest, AHandleMayOutliveTheRuntime) {
  std::optional<SubmittedTask> handle;
  Inbox inbox;
  {
    auto runtime = make_runtime();
    handle = runtime->submit(answer, [&](Result<int> r) { inbox.put(std::move(r)); }).value();
  }
  handle->request_stop();
  EXPECT_EQ(inbox.take(1).size(), 1U);
}

TEST_P(RuntimeTest, StopEndsEveryTaskWithItsCallback) {
  auto runtime = make_runtime(2);
  Inbox inbox;
  for (int i = 0; i < 100; ++i) {
    auto submitted =
        runtime->submit(sleep_until_stopped, [&](Result<int> r) { inbox.put(std::move(r)); });
    ASSERT_TRUE(submitted.has_value());
  }
  runtime->stop();
  auto results = inbox.take(100);
  EXPECT_EQ(results.size(), 100U);
  for (auto& result : results) EXPECT_EQ(result.error().kind(), ErrorKind::cancelled);
}

TEST_P(RuntimeTest, RefusesWorkOnceItWasStopped) {
  auto runtime = make_runtime();
  runtime->stop();
  runtime->stop();
  EXPECT_EQ(runtime->run_blocking(answer).error().kind(), ErrorKind::cancelled);
  auto submitted = runtime->submit(answer, [](Result<int>) { ADD_FAILURE() << "was called"; });
  EXPECT_EQ(submitted.error().kind(), ErrorKind::cancelled);
}

Task<Result<std::thread::id>> thread_of_task() { co_return std::this_thread::get_id(); }

TEST_P(RuntimeTest, SpreadsTasksOverItsLoopsInTurn) {
  auto runtime = make_runtime(3);
  std::vector<std::thread::id> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(runtime->run_blocking(thread_of_task).value());
  EXPECT_EQ(std::set<std::thread::id>(ids.begin(), ids.end()).size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ids[i], ids[i + 3]);
    EXPECT_EQ(runtime->run_blocking_on(i, thread_of_task).value(), ids[i]);
  }
}

Task<Result<int>> submit_from_a_task(Runtime& runtime, Inbox& inbox) {
  auto submitted = runtime.submit(answer, [&inbox](Result<int> r) { inbox.put(std::move(r)); });
  co_return submitted.has_value() ? 1 : 0;
}

TEST_P(RuntimeTest, ATaskMaySubmitFurtherOnes) {
  auto runtime = make_runtime(2);
  Inbox inbox;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(runtime->run_blocking([&] { return submit_from_a_task(*runtime, inbox); }).value(),
              1);
  }
  EXPECT_EQ(inbox.take(4).size(), 4U);
}

Task<Result<int>> allowed_cpu() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  co_return CPU_COUNT(&set) == 1 ? sched_getcpu() : -1;
}

TEST_P(RuntimeTest, PinsItsThreadsWhereAsked) {
  RuntimeOptions options;
  options.loops = 2;
  options.loop.backend.kind = GetParam();
  int cpu = sched_getcpu();
  options.cpus = {cpu, cpu};
  auto runtime = Runtime::create(options).value();
  EXPECT_EQ(runtime->run_blocking_on(0, allowed_cpu).value(), cpu);
  EXPECT_EQ(runtime->run_blocking_on(1, allowed_cpu).value(), cpu);
}

TEST_P(RuntimeTest, RefusesOptionsThatCannotBe) {
  RuntimeOptions options;
  options.loop.backend.kind = GetParam();
  options.loops = 0;
  EXPECT_EQ(Runtime::create(options).error().kind(), ErrorKind::invalid_argument);
  options.loops = 2;
  options.cpus = {0};
  EXPECT_EQ(Runtime::create(options).error().kind(), ErrorKind::invalid_argument);
  options.cpus = {sched_getcpu(), 100'000};
  auto refused = Runtime::create(options);
  EXPECT_EQ(refused.error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(refused.error().message(), "there is no CPU 100000");
}

TEST_P(RuntimeTest, NamesItsBackend) {
  auto runtime = make_runtime();
  std::string name = GetParam() == BackendKind::uring ? "io_uring" : "epoll";
  EXPECT_EQ(runtime->backend_description().rfind(name, 0), 0U) << runtime->backend_description();
}

/// What eight threads share: a pool that is smaller than what they want together.
class SharedDriver {
 public:
  Task<Result<int>> use(std::size_t bytes) {
    RINGPULL_CO_TRY(BufferLease lease, co_await pool_.lease(bytes));
    lease.data()[bytes - 1] = std::byte{1};
    co_await yield_now();
    uses_.fetch_add(1);
    co_return 1;
  }
  int uses() const { return uses_.load(); }

 private:
  static MemoryBudgetOptions small() {
    MemoryBudgetOptions options;
    options.limit_bytes = 64 << 10;
    return options;
  }
  MemoryBudget budget_{small()};
  BufferPool pool_{budget_};
  std::atomic<int> uses_{0};
};

TEST_P(RuntimeTest, OneObjectServesEightForeignThreads) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 50;
  SharedDriver driver;
  Inbox inbox;
  auto runtime = make_runtime(2);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        auto blocking = runtime->run_blocking([&driver] { return driver.use(20'000); });
        EXPECT_EQ(blocking.value(), 1);
        auto submitted = runtime->submit([&driver] { return driver.use(50'000); },
                                         [&inbox](Result<int> r) { inbox.put(std::move(r)); });
        EXPECT_TRUE(submitted.has_value());
        if (i % 2 == 0) submitted->request_stop();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  auto results = inbox.take(kThreads * kRounds);
  int succeeded = 0;
  for (auto& result : results) {
    if (result) ++succeeded;
    EXPECT_TRUE(result || result.error().is(ErrorKind::cancelled));
  }
  EXPECT_EQ(driver.uses(), kThreads * kRounds + succeeded);
  runtime->stop();
}

TEST_P(RuntimeTest, StopsWhileForeignThreadsStillSubmit) {
  auto runtime = make_runtime(2);
  std::atomic<int> accepted{0};
  std::atomic<int> called{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (;;) {
        auto submitted = runtime->submit(sleep_until_stopped, [&](Result<int>) { ++called; });
        if (!submitted) return;
        ++accepted;
        auto blocking = runtime->run_blocking(answer);
        EXPECT_TRUE(blocking || blocking.error().is(ErrorKind::cancelled));
      }
    });
  }
  while (accepted.load() < 100) std::this_thread::yield();
  runtime->stop();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(called.load(), accepted.load());
}

}  // namespace
}  // namespace ringpull::engine
