#include "s3/src/driver/read/reader.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/s3/storage_error.hpp>

#include "s3/src/driver/read/read_window.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::BufferLease;
using engine::Task;

namespace {

constexpr std::string_view kAction = "read";
// The loop's other work goes on after the caller's hook has seen this much.
constexpr std::size_t kHookStep = 256 * 1024;

/// Servers count bytes in signed 64-bit numbers; beyond them a Range means something else to each.
Result<void> check_offset(std::string_view path, std::uint64_t offset) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (offset <= kMost) return {};
  return fail(invalid_offset(kDriverName, path, offset, "it must be below 2^63"));
}

bool is_behind_the_end(const Error& error) { return error.http_status() == 416; }

Result<GetObjectOptions> range_request(const Core& core, std::string_view path,
                                       std::uint64_t offset, std::uint64_t size) {
  GetObjectOptions request(core.options.bucket, core.keys.key(path));
  RINGPULL_TRY(request.range, http::ByteRange::of_length(offset, size));
  return request;
}

/// What a request for bytes would have told, had there been any to give.
Task<Result<ObjectInfo>> look(Core& core, std::string_view path, const ETag& if_match) {
  HeadObjectOptions request(core.options.bucket, core.keys.key(path));
  request.conditions.if_match = if_match;
  auto file = co_await core.client.head_object(request);
  if (!file) co_return fail(storage_failure(std::move(file).error(), kAction, path));
  co_return file;
}

/// After an answer that the file ends at or before `offset`.
Task<Result<ObjectInfo>> look_behind_the_end(Core& core, std::string_view path,
                                             std::uint64_t offset, const ETag& if_match) {
  RINGPULL_CO_TRY(ObjectInfo file, co_await look(core, path, if_match));
  if (file.size_bytes <= offset) co_return file;
  Error grown(ErrorKind::conflict, "the file was replaced meanwhile; read it again");
  co_return fail(storage_failure(std::move(grown), kAction, path));
}

/// What the budget can ever hold, in whole pages.
std::uint64_t block_bytes_max(const Core& core) {
  constexpr std::uint64_t kPage = 4096;
  return std::max(kPage, core.pool.budget().limit_bytes() / kPage * kPage);
}

class Reader final : public StorageReader {
 public:
  Reader(Core& core, std::string_view path, const ReaderOptions& options, const ObjectInfo& file);
  ~Reader() override {
    RINGPULL_ASSERT(closed_, "a StorageReader was destroyed before its close() was awaited");
  }

  /// The first part, whose request is answered already.
  void start_first(GetObjectOptions request, GetObjectStream stream, BufferLease block);

  std::uint64_t file_size_bytes() const noexcept override { return file_size_; }
  const ETag& etag() const noexcept override { return etag_; }
  Task<Result<BufferLease>> next() override;
  Task<Result<std::size_t>> read_some(std::span<std::byte> out) override;
  Task<void> close() override;
  ReaderStats stats() const noexcept override { return stats_; }

 private:
  /// A run of the file, from the request for it until the caller has taken all of it.
  struct Part {
    Part(std::uint64_t offset_in, BufferLease block_in)
        : offset(offset_in), block(std::move(block_in)) {}
    std::size_t left() const noexcept { return block.size() - taken; }

    std::uint64_t offset;
    BufferLease block;
    std::size_t taken = 0;  // by read_some
    std::optional<Error> failure;
    engine::Event ended;
  };

  std::size_t next_part_bytes() const noexcept;
  Part& add_part(BufferLease block);
  void demand(std::size_t bytes) noexcept;
  void read_ahead();
  Task<Result<Part*>> head();
  void drop_head() noexcept;
  Task<void> show(http::ConstBytes bytes);

  Task<void> fetch_first(Part& part, GetObjectOptions request, GetObjectStream stream);
  Task<void> fetch(Part& part);
  Task<Result<std::size_t>> fetch_range(Part& part);
  void end_part(Part& part, Result<std::size_t> outcome);

  // Fixed after construction.
  Core& core_;
  const std::string path_;
  const ByteHook hook_;
  const std::uint64_t file_size_;
  const ETag etag_;

  engine::Context context_;  // of its own: a stop of one call is no stop of the reader
  engine::Scope scope_{context_};
  std::deque<Part> parts_;        // in the file's order; the front is the caller's next
  std::uint64_t next_offset_;     // where the next part begins
  std::uint64_t part_bytes_;      // how large it may be
  std::uint64_t held_bytes_ = 0;  // in parts_
  ReadWindow window_;             // read_ahead stops there
  std::size_t running_ = 0;       // requests
  bool broken_ = false;           // a part has failed: none behind it is of use
  bool closed_ = false;
  ReaderStats stats_;
};

Reader::Reader(Core& core, std::string_view path, const ReaderOptions& options,
               const ObjectInfo& file)
    : core_(core),
      path_(path),
      hook_(options.hook),
      file_size_(file.size_bytes),
      etag_(file.etag),
      next_offset_(options.offset),
      part_bytes_(std::min(core.options.read_first_bytes, block_bytes_max(core))),
      window_(core.options.read_window_least_bytes, core.options.read_window_bytes) {}

std::size_t Reader::next_part_bytes() const noexcept {
  if (next_offset_ >= file_size_) return 0;
  return static_cast<std::size_t>(std::min(part_bytes_, file_size_ - next_offset_));
}

/// The next part begins behind it and may be twice as large.
Reader::Part& Reader::add_part(BufferLease block) {
  Part& part = parts_.emplace_back(next_offset_, std::move(block));
  next_offset_ += part.block.size();
  held_bytes_ += part.block.size();
  std::uint64_t most = std::min(core_.options.read_part_bytes, block_bytes_max(core_));
  part_bytes_ = std::max(part_bytes_, std::min(2 * part_bytes_, most));
  ++running_;
  return part;
}

/// What the caller takes decides how far to read ahead.
void Reader::demand(std::size_t bytes) noexcept { window_.advance(stats_.bytes_delivered + bytes); }

/// Starts what fits; called whenever there may be room. Memory that becomes free elsewhere is seen
/// at the next call.
void Reader::read_ahead() {
  while (!closed_ && !broken_ && next_offset_ < file_size_ && held_bytes_ < window_.bytes() &&
         running_ < core_.options.read_concurrency) {
    std::size_t size = next_part_bytes();
    bool fits = held_bytes_ + size <= core_.options.read_window_bytes;
    if (!fits && !parts_.empty()) return;
    auto block = core_.pool.try_lease(size, engine::MemoryHold::lasting);
    if (!block) return;
    Part& part = add_part(std::move(*block));
    scope_.spawn(fetch(part));
  }
}

void Reader::start_first(GetObjectOptions request, GetObjectStream stream, BufferLease block) {
  block.resize(next_part_bytes());
  Part& part = add_part(std::move(block));
  scope_.spawn(fetch_first(part, std::move(request), std::move(stream)));
}

Task<void> Reader::fetch_first(Part& part, GetObjectOptions request, GetObjectStream stream) {
  auto outcome =
      co_await core_.client.read_object_body(request, std::move(stream), part.block.bytes());
  end_part(part, std::move(outcome));
}

Task<void> Reader::fetch(Part& part) {
  engine::TimePoint begun = engine::Loop::current().now();
  auto outcome = co_await fetch_range(part);
  if (outcome && *outcome == core_.options.read_part_bytes) {
    engine::TimePoint now = engine::Loop::current().now();
    window_.received(*outcome, now - begun, now);
  }
  end_part(part, std::move(outcome));
}

Task<Result<std::size_t>> Reader::fetch_range(Part& part) {
  RINGPULL_CO_TRY(GetObjectOptions request,
                  range_request(core_, path_, part.offset, part.block.size()));
  request.conditions.if_match = etag_.if_strong();
  RINGPULL_CO_TRY(GetObjectIntoResult read,
                  co_await core_.client.get_object_into(request, part.block.bytes()));
  bool same_version = read.object.info.etag == etag_ && read.object.info.size_bytes == file_size_;
  if (same_version) co_return read.bytes;
  co_return fail(Error(ErrorKind::precondition_failed,
                       "the file was replaced while it was read, and the server ignores If-Match")
                     .with_bytes_done(read.bytes));
}

void Reader::end_part(Part& part, Result<std::size_t> outcome) {
  --running_;
  stats_.bytes_received += outcome ? *outcome : outcome.error().bytes_done();
  if (!outcome) {
    broken_ = true;
    part.failure.emplace(storage_failure(std::move(outcome).error(), kAction, path_));
  }
  part.ended.set();
  read_ahead();
}

/// The part that holds the caller's next bytes, once they are there; null at the end.
Task<Result<Reader::Part*>> Reader::head() {
  if (closed_) {
    co_return fail(ErrorKind::invalid_argument,
                   std::string(kDriverName) + ": read " + path_ + ": the reader is closed");
  }
  read_ahead();
  Part* none = nullptr;
  if (parts_.empty()) {
    if (next_offset_ >= file_size_) co_return none;
    // A small block is free sooner than a large one.
    std::uint64_t least = std::min(core_.options.read_first_bytes, block_bytes_max(core_));
    auto size = static_cast<std::size_t>(std::min<std::uint64_t>(next_part_bytes(), least));
    auto block = co_await core_.pool.lease(size);
    if (!block) co_return fail(storage_failure(std::move(block).error(), kAction, path_));
    Part& part = add_part(std::move(*block));
    scope_.spawn(fetch(part));
  }
  Part* head = &parts_.front();
  auto ended = co_await head->ended.wait();
  if (!ended) co_return fail(storage_failure(std::move(ended).error(), kAction, path_));
  if (head->failure) co_return fail(*head->failure);
  co_return head;
}

void Reader::drop_head() noexcept {
  held_bytes_ -= parts_.front().block.size();
  parts_.pop_front();
}

Task<void> Reader::show(http::ConstBytes bytes) {
  if (!hook_) co_return;
  while (!bytes.empty()) {
    std::size_t size = std::min(bytes.size(), kHookStep);
    hook_(bytes.first(size));
    bytes = bytes.subspan(size);
    if (!bytes.empty()) co_await engine::yield_now();
  }
}

Task<Result<BufferLease>> Reader::next() {
  demand(parts_.empty() ? next_part_bytes() : parts_.front().left());
  RINGPULL_CO_TRY(Part * part, co_await head());
  BufferLease piece;
  if (part == nullptr) co_return piece;
  std::size_t size = part->left();
  held_bytes_ -= part->block.size();
  piece = std::move(part->block);
  if (part->taken > 0) std::memmove(piece.data(), piece.data() + part->taken, size);
  piece.resize(size);
  parts_.pop_front();
  stats_.bytes_delivered += size;
  read_ahead();
  co_await show(piece.bytes());
  co_return piece;
}

Task<Result<std::size_t>> Reader::read_some(std::span<std::byte> out) {
  if (out.empty()) co_return std::size_t{0};
  demand(out.size());
  RINGPULL_CO_TRY(Part * part, co_await head());
  if (part == nullptr) co_return std::size_t{0};
  std::size_t size = std::min(out.size(), part->left());
  std::memcpy(out.data(), part->block.data() + part->taken, size);
  part->taken += size;
  stats_.bytes_delivered += size;
  if (part->left() == 0) drop_head();
  read_ahead();
  co_await show(out.first(size));
  co_return size;
}

Task<void> Reader::close() {
  closed_ = true;
  scope_.request_stop();
  auto joined = co_await scope_.join();
  (void)joined;  // each part has kept its own failure
  parts_.clear();
  held_bytes_ = 0;
  stats_.bytes_discarded = stats_.bytes_received - stats_.bytes_delivered;
}

/// Nothing to read: a file that ends at or before the offset.
Task<Result<std::unique_ptr<StorageReader>>> open_behind_the_end(Core& core, std::string_view path,
                                                                 const ReaderOptions& options) {
  ETag any;
  RINGPULL_CO_TRY(ObjectInfo file, co_await look_behind_the_end(core, path, options.offset, any));
  co_return std::make_unique<Reader>(core, path, options, file);
}

RangedRead nothing_read(const ObjectInfo& file) {
  RangedRead done;
  done.file_size_bytes = file.size_bytes;
  done.etag = file.etag;
  return done;
}

}  // namespace

Task<Result<std::unique_ptr<StorageReader>>> open_reader(Core& core, std::string_view path,
                                                         const ReaderOptions& options) {
  RINGPULL_CO_CHECK(check_offset(path, options.offset));
  auto size =
      static_cast<std::size_t>(std::min(core.options.read_first_bytes, block_bytes_max(core)));
  auto block = co_await core.pool.lease(size);
  if (!block) co_return fail(storage_failure(std::move(block).error(), kAction, path));
  RINGPULL_CO_TRY(GetObjectOptions request, range_request(core, path, options.offset, size));
  auto stream = co_await core.client.get_object(request);
  if (!stream) {
    if (!is_behind_the_end(stream.error())) {
      co_return fail(storage_failure(std::move(stream).error(), kAction, path));
    }
    auto empty = co_await open_behind_the_end(core, path, options);
    co_return empty;
  }
  const ObjectInfo& file = stream->result.info;
  if (file.etag.empty() && file.size_bytes > size) {
    Error unpinned(ErrorKind::protocol,
                   "the server gives no ETag, so that parts of the file could be of two versions");
    co_return fail(storage_failure(std::move(unpinned), kAction, path));
  }
  auto reader = std::make_unique<Reader>(core, path, options, file);
  if (file.size_bytes > options.offset) {
    reader->start_first(std::move(request), std::move(*stream), std::move(*block));
  }
  co_return reader;
}

Task<Result<RangedRead>> read_range(Core& core, std::string_view path, http::MutableBytes out,
                                    const RangedReadOptions& options) {
  RINGPULL_CO_CHECK(check_offset(path, options.offset));
  if (out.empty()) {
    RINGPULL_CO_TRY(ObjectInfo file, co_await look(core, path, options.if_match));
    co_return nothing_read(file);
  }
  RINGPULL_CO_TRY(GetObjectOptions request, range_request(core, path, options.offset, out.size()));
  request.conditions.if_match = options.if_match;
  auto read = co_await core.client.get_object_into(request, out);
  if (read) {
    RangedRead done = nothing_read(read->object.info);
    done.bytes = read->bytes;
    co_return done;
  }
  if (!is_behind_the_end(read.error())) {
    co_return fail(storage_failure(std::move(read).error(), kAction, path));
  }
  RINGPULL_CO_TRY(ObjectInfo file,
                  co_await look_behind_the_end(core, path, options.offset, options.if_match));
  co_return nothing_read(file);
}

Task<Result<engine::Buffer>> get_content(Core& core, std::string_view path, std::size_t bytes_max) {
  GetObjectOptions request(core.options.bucket, core.keys.key(path));
  auto stream = co_await core.client.get_object(request);
  if (!stream) co_return fail(storage_failure(std::move(stream).error(), kAction, path));
  std::uint64_t size = stream->result.info.size_bytes;
  if (size > bytes_max) {
    Error larger(ErrorKind::too_large, "the file has " + std::to_string(size) +
                                           " bytes, more than the " + std::to_string(bytes_max) +
                                           " allowed; read it as a stream");
    co_return fail(storage_failure(std::move(larger), kAction, path));
  }
  engine::Buffer content(static_cast<std::size_t>(size));
  auto read = co_await core.client.read_object_body(request, std::move(*stream), content.bytes());
  if (!read) co_return fail(storage_failure(std::move(read).error(), kAction, path));
  co_return content;
}

}  // namespace ringpull::inline v0::s3::driver
