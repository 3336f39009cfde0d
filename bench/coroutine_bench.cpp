// What the engine adds to the bare system calls: a nested call, a spawned task, an operation's way
// through the ring and back, what a second loop adds, and the end of a thousand receives that will
// never complete.
#include <array>
#include <atomic>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <latch>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/runtime.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/stream.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/engine/timer.hpp>

namespace {

using namespace ringpull;
using namespace ringpull::engine;
using namespace std::chrono_literals;

/// Runs `body(state)` on a new loop, with the backend that RINGPULL_BACKEND asks for.
void run_on_loop(benchmark::State& state, Task<void> (*body)(benchmark::State&)) {
  auto loop = Loop::create(LoopOptions());
  if (!loop) return state.SkipWithError(loop.error().message().c_str());
  (*loop)->run([&] { return body(state); });
  state.SetLabel(std::string(to_string((*loop)->backend().kind())));
}

using Pair = std::array<StreamSocket, 2>;

Pair socket_pair(Loop& loop) {
  std::array<int, 2> fds{-1, -1};
  const int type = SOCK_STREAM | SOCK_CLOEXEC | loop.backend().socket_flags();
  if (socketpair(AF_UNIX, type, 0, fds.data()) != 0) return {};
  return {StreamSocket(Fd(fds[0])), StreamSocket(Fd(fds[1]))};
}

[[gnu::noinline]] Task<int> leaf(int value) { co_return value + 1; }

Task<void> call_nested(benchmark::State& state) {
  int value = 0;
  for (auto _ : state) {
    auto next = co_await leaf(value);
    value = next;
  }
  benchmark::DoNotOptimize(value);
}
void nested_call(benchmark::State& state) { run_on_loop(state, call_nested); }
BENCHMARK(nested_call);

[[gnu::noinline]] Task<int> yielding_leaf(int value) {
  co_await yield_now();
  co_return value + 1;
}

Task<void> call_nested_suspending(benchmark::State& state) {
  int value = 0;
  for (auto _ : state) {
    auto next = co_await yielding_leaf(value);
    value = next;
  }
  benchmark::DoNotOptimize(value);
}
void nested_call_that_suspends(benchmark::State& state) {
  run_on_loop(state, call_nested_suspending);
}
BENCHMARK(nested_call_that_suspends);

Task<void> child(int& count) {
  ++count;
  co_return;
}

constexpr int kSpawned = 100;

Task<void> spawn_and_join(benchmark::State& state) {
  Context& context = co_await current_context();
  int count = 0;
  for (auto _ : state) {
    Scope scope(context);
    for (int i = 0; i < kSpawned; ++i) scope.spawn(child(count));
    auto joined = co_await scope.join();
    benchmark::DoNotOptimize(joined);
  }
  benchmark::DoNotOptimize(count);
  state.SetItemsProcessed(state.iterations() * kSpawned);
}
void spawn_100_and_join(benchmark::State& state) { run_on_loop(state, spawn_and_join); }
BENCHMARK(spawn_100_and_join);

Task<void> bounce_byte(benchmark::State& state) {
  Pair ends = socket_pair(Loop::current());
  std::array<std::byte, 1> byte{};
  for (auto _ : state) {
    auto written = co_await ends[0].write_all(byte);
    auto read = co_await ends[1].read_exact(byte);
    if (!written || !read) {
      state.SkipWithError("the socket pair failed");
      break;
    }
  }
}
void one_byte_through_a_socket_pair(benchmark::State& state) { run_on_loop(state, bounce_byte); }
BENCHMARK(one_byte_through_a_socket_pair);

constexpr int kBounces = 20'000;

Task<Result<void>> bounce_many() {
  Pair ends = socket_pair(Loop::current());
  std::array<std::byte, 1> byte{};
  for (int i = 0; i < kBounces; ++i) {
    RINGPULL_CO_CHECK(co_await ends[0].write_all(byte));
    RINGPULL_CO_CHECK(co_await ends[1].read_exact(byte));
  }
  co_return Result<void>();
}

/// Loops share nothing, so that two on two free cores do twice the work of one.
void bytes_through_socket_pairs_by_loops(benchmark::State& state) {
  const auto loops = static_cast<std::uint32_t>(state.range(0));
  RuntimeOptions options;
  options.loops = loops;
  for (std::uint32_t i = 0; i < loops; ++i) options.cpus.push_back(static_cast<int>(i));
  auto runtime = Runtime::create(options);
  if (!runtime) return state.SkipWithError(runtime.error().message().c_str());
  for (auto _ : state) {
    std::latch ended(loops);
    std::atomic<bool> failed{false};
    for (std::uint32_t i = 0; i < loops; ++i) {
      auto submitted = (*runtime)->submit_on(i, bounce_many, [&](const Result<void>& outcome) {
        if (!outcome) failed = true;
        ended.count_down();
      });
      if (!submitted) return state.SkipWithError(submitted.error().message().c_str());
    }
    ended.wait();
    if (failed) return state.SkipWithError("a socket pair failed");
  }
  state.SetItemsProcessed(state.iterations() * loops * kBounces);
}
BENCHMARK(bytes_through_socket_pairs_by_loops)
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

Task<void> receive_in_vain(StreamSocket& socket, std::size_t& cancelled) {
  std::array<std::byte, 64> buffer;
  auto read = co_await socket.read_exact(buffer);
  if (!read && read.error().kind() == ErrorKind::cancelled) ++cancelled;
}

Task<void> cancel_receives(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Context& context = co_await current_context();
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(socket_pair(Loop::current()));
    if (!pairs.back()[0].is_open()) {
      state.SkipWithError("no more descriptors: ulimit -n is under twice the number of receives");
      co_return;
    }
  }
  for (auto _ : state) {
    std::size_t cancelled = 0;
    Scope scope(context);
    for (Pair& pair : pairs) scope.spawn(receive_in_vain(pair[0], cancelled));
    // Until the kernel has them all: a receive that was not submitted is cheap to cancel.
    auto slept = co_await sleep_for(2ms);
    benchmark::DoNotOptimize(slept);
    const bool all_pending = Loop::current().backend().in_flight() >= count;

    const auto start = std::chrono::steady_clock::now();
    scope.request_stop();
    auto joined = co_await scope.join();
    const auto end = std::chrono::steady_clock::now();

    benchmark::DoNotOptimize(joined);
    state.SetIterationTime(std::chrono::duration<double>(end - start).count());
    if (!all_pending || cancelled != count) {
      state.SkipWithError("not every receive was pending and then cancelled");
      break;
    }
  }
}
void cancel_pending_receives_and_join(benchmark::State& state) {
  run_on_loop(state, cancel_receives);
}
BENCHMARK(cancel_pending_receives_and_join)
    ->Arg(1000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
