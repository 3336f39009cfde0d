#include "s3/src/driver/core/counting.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::BufferLease;
using engine::Task;

namespace {

bool is_stop(const Error& error) noexcept {
  return error.is(ErrorKind::cancelled) || error.is(ErrorKind::timed_out);
}

class CountedReader final : public StorageReader {
 public:
  CountedReader(StorageStats& stats, CallCounter counter, std::unique_ptr<StorageReader> inner)
      : stats_(stats), counter_(counter), inner_(std::move(inner)) {}

  std::uint64_t file_size_bytes() const noexcept override { return inner_->file_size_bytes(); }
  const ETag& etag() const noexcept override { return inner_->etag(); }
  ReaderStats stats() const noexcept override { return inner_->stats(); }

  Task<Result<BufferLease>> next() override {
    auto piece = co_await inner_->next();
    if (!piece) note(piece.error());
    co_return piece;
  }
  Task<Result<std::size_t>> read_some(std::span<std::byte> out) override {
    auto bytes = co_await inner_->read_some(out);
    if (!bytes) note(bytes.error());
    co_return bytes;
  }
  Task<void> close() override {
    co_await inner_->close();
    if (counted_) co_return;
    counted_ = true;
    ReaderStats done = inner_->stats();
    counter_.ended(!failed_, done.bytes_delivered);
    stats_.bytes_discarded += done.bytes_discarded;
  }

 private:
  void note(const Error& error) noexcept { failed_ = failed_ || !is_stop(error); }

  StorageStats& stats_;
  CallCounter counter_;
  std::unique_ptr<StorageReader> inner_;
  bool failed_ = false;
  bool counted_ = false;
};

class CountedWriter final : public StorageWriter {
 public:
  CountedWriter(CallCounter counter, std::unique_ptr<StorageWriter> inner)
      : counter_(counter), inner_(std::move(inner)), size_before_(inner_->size_bytes()) {}

  std::uint64_t size_bytes() const noexcept override { return inner_->size_bytes(); }

  Task<Result<void>> write(std::span<const std::byte> bytes) override {
    auto written = co_await inner_->write(bytes);
    if (!written) note(written.error());
    co_return written;
  }
  Task<Result<std::span<std::byte>>> prepare() override {
    auto room = co_await inner_->prepare();
    if (!room) note(room.error());
    co_return room;
  }
  Task<Result<void>> write_prepared(std::size_t bytes) override {
    auto written = co_await inner_->write_prepared(bytes);
    if (!written) note(written.error());
    co_return written;
  }
  Task<Result<void>> commit(const CommitOptions& options) override {
    auto committed = co_await inner_->commit(options);
    count(committed.has_value());
    co_return committed;
  }
  Task<Result<void>> close() override {
    auto closed = co_await inner_->close();
    count(closed.has_value());
    co_return closed;
  }
  Task<Result<void>> cancel() override {
    auto cancelled = co_await inner_->cancel();
    count(cancelled.has_value());
    co_return cancelled;
  }

 private:
  void note(const Error& error) noexcept { failed_ = failed_ || !is_stop(error); }
  void count(bool success) noexcept {
    if (counted_) return;
    counted_ = true;
    counter_.ended(success && !failed_, inner_->size_bytes() - size_before_);
  }

  CallCounter counter_;
  std::unique_ptr<StorageWriter> inner_;
  std::uint64_t size_before_;
  bool failed_ = false;
  bool counted_ = false;
};

}  // namespace

Task<Result<std::unique_ptr<StorageReader>>> counted_reader(
    StorageStats& stats, Task<Result<std::unique_ptr<StorageReader>>> opening) {
  CallCounter counter(stats.reader);
  auto reader = co_await std::move(opening);
  if (!reader) {
    counter.ended(false);
    co_return reader;
  }
  co_return std::make_unique<CountedReader>(stats, counter, std::move(*reader));
}

Task<Result<std::unique_ptr<StorageWriter>>> counted_writer(
    StorageStats& stats, Task<Result<std::unique_ptr<StorageWriter>>> opening) {
  CallCounter counter(stats.writer);
  auto writer = co_await std::move(opening);
  if (!writer) {
    counter.ended(false);
    co_return writer;
  }
  co_return std::make_unique<CountedWriter>(counter, std::move(*writer));
}

}  // namespace ringpull::inline v0::s3::driver
