#pragma once
// StorageStats filled: calls as they return, streams when they end.

#include <cstdint>
#include <memory>
#include <utility>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/s3/storage_driver.hpp>

namespace ringpull::inline v0::s3::driver {

/// One call or stream, from now until it ended.
class CallCounter {
 public:
  explicit CallCounter(OperationStats& stats) noexcept
      : stats_(stats), start_(engine::Loop::current().now()) {}

  void ended(bool success, std::uint64_t bytes = 0) noexcept {
    ++stats_.calls;
    stats_.failures += success ? 0 : 1;
    stats_.bytes += bytes;
    stats_.time += engine::Loop::current().now() - start_;
  }

 private:
  OperationStats& stats_;
  engine::TimePoint start_;
};

template <class T>
engine::Task<Result<T>> counted(OperationStats& stats, engine::Task<Result<T>> call) {
  CallCounter counter(stats);
  auto outcome = co_await std::move(call);
  counter.ended(outcome.has_value());
  co_return outcome;
}

/// The reader that `opening` gives, counted when it is closed; failed when one of its calls did,
/// other than by a stop.
engine::Task<Result<std::unique_ptr<StorageReader>>> counted_reader(
    StorageStats& stats, engine::Task<Result<std::unique_ptr<StorageReader>>> opening);
/// The writer that `opening` gives, counted by the first of commit, close and cancel; failed when
/// that or a write did. The bytes are those that it was given itself.
engine::Task<Result<std::unique_ptr<StorageWriter>>> counted_writer(
    StorageStats& stats, engine::Task<Result<std::unique_ptr<StorageWriter>>> opening);

}  // namespace ringpull::inline v0::s3::driver
