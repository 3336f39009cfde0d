#include "s3/src/driver/write/s3_writer.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/timer.hpp>

#include "s3/src/driver/write/create_only.hpp"
#include "s3/src/driver/write/sidecar.hpp"
#include "s3/src/protocol/missing.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::Deadline;
using engine::Task;

namespace {

// What a caller sees done in one go: hooks hash, so that this is a tenth of a millisecond or two.
constexpr std::size_t kHookStep = std::size_t(256) << 10;

}  // namespace

S3Writer::S3Writer(Core& core, std::string_view path, const PartSizes& sizes, ByteHook hook)
    : core_(core),
      path_(path),
      key_(core.keys.key(path)),
      sizes_(sizes),
      hook_(std::move(hook)),
      upload_(core, key_, upload_checksum(core.options.checksum, core.server)),
      crc_(upload_.checksum()) {}

S3Writer::~S3Writer() {
  RINGPULL_ASSERT(state_ != State::open,
                  "a StorageWriter was destroyed before commit, close or cancel");
}

void S3Writer::resume(SearchResult found) {
  sidecar_ = found.sidecar;
  if (!found.upload) return;
  accepted_ = total_bytes(found.upload->parts);
  tail_ = std::move(found.upload->tail);
  upload_.adopt(std::move(found.upload->id), std::move(found.upload->parts),
                found.upload->checksum);
  crc_ = RunningCrc(upload_.checksum());
  changed_ = false;
  bool fits = tail_ && tail_->bytes <= sizes_.at(upload_.next_number() - 1);
  if (!fits) tail_.reset();
  if (tail_ || must_replace_last()) last_part_ = LastPart::to_reopen;
}

Result<void> S3Writer::usable(std::string_view action) const {
  std::string_view why;
  switch (state_) {
    case State::open: return {};
    case State::committed: why = "already committed"; break;
    case State::closed: why = "already closed"; break;
    case State::cancelled: why = "already cancelled"; break;
  }
  return fail(ErrorKind::invalid_argument, std::string(kDriverName) + ": " + std::string(action) +
                                               " " + path_ + ": " + std::string(why));
}

Error S3Writer::failure(Error error, std::string_view action) const {
  return storage_failure(std::move(error), action, path_);
}

Task<Result<void>> S3Writer::write(std::span<const std::byte> bytes) {
  RINGPULL_CO_CHECK(usable("write"));
  std::uint64_t before = accepted_;
  auto taken = co_await take(bytes);
  if (taken) co_return taken;
  co_return fail(failure(std::move(taken).error().with_maybe_applied(false), "write")
                     .with_bytes_done(accepted_ - before));
}

Task<Result<std::span<std::byte>>> S3Writer::prepare() {
  RINGPULL_CO_CHECK(usable("write"));
  auto ready = co_await make_ready();
  if (!ready) {
    Error error = std::move(ready).error().with_maybe_applied(false);
    co_return fail(failure(std::move(error), "write").with_bytes_done(0));
  }
  prepared_ = block_.size() - filled_;
  co_return block_.bytes().subspan(filled_);
}

Task<Result<void>> S3Writer::write_prepared(std::size_t bytes) {
  RINGPULL_CO_CHECK(usable("write"));
  RINGPULL_ASSERT(bytes <= prepared_, "more was written to a StorageWriter than it had prepared");
  prepared_ = 0;
  std::uint64_t before = accepted_;
  auto taken = co_await take_prepared(bytes);
  if (taken) co_return taken;
  co_return fail(failure(std::move(taken).error().with_maybe_applied(false), "write")
                     .with_bytes_done(accepted_ - before));
}

Task<Result<void>> S3Writer::take(std::span<const std::byte> bytes) {
  RINGPULL_CO_CHECK(intact());
  if (bytes.empty()) co_return Result<void>();
  while (true) {
    RINGPULL_CO_CHECK(co_await make_ready());
    std::size_t size = std::min({bytes.size(), block_.size() - filled_, kHookStep});
    std::memcpy(block_.data() + filled_, bytes.data(), size);
    accept(size);
    bytes = bytes.subspan(size);
    if (bytes.empty()) break;
    co_await engine::yield_now();
  }
  co_return co_await send_full_block();
}

Task<Result<void>> S3Writer::take_prepared(std::size_t bytes) {
  RINGPULL_CO_CHECK(intact());
  if (bytes == 0) co_return Result<void>();
  while (true) {
    std::size_t size = std::min(bytes, kHookStep);
    accept(size);
    bytes -= size;
    if (bytes == 0) break;
    co_await engine::yield_now();
  }
  co_return co_await send_full_block();
}

/// Makes sure that the block has room for what comes next.
Task<Result<void>> S3Writer::make_ready() {
  prepared_ = 0;
  RINGPULL_CO_CHECK(intact());
  RINGPULL_CO_CHECK(co_await settle_last_part());
  co_return co_await make_room();
}

/// The next bytes of the block are what was written.
void S3Writer::accept(std::size_t bytes) {
  http::ConstBytes piece = block_.bytes().subspan(filled_, bytes);
  if (hook_) hook_(piece);
  crc_.update(piece);
  filled_ += bytes;
  accepted_ += bytes;
  changed_ = true;
}

/// Whether the first block becomes a part is open until more comes. Later ones need not wait.
Task<Result<void>> S3Writer::send_full_block() {
  if (filled_ < block_.size() || !upload_.started()) co_return Result<void>();
  co_return co_await send_block();
}

/// Makes sure that the block has room for a byte.
Task<Result<void>> S3Writer::make_room() {
  if (block_ && filled_ == block_.size()) {
    RINGPULL_CO_CHECK(co_await send_block());
  }
  std::uint32_t number = upload_.next_number();
  if (number > kPartNumberMax) {
    exhausted_ = sizes_.exhausted();
    co_return fail(*exhausted_);
  }
  if (block_) co_return Result<void>();
  RINGPULL_CO_TRY(block_, co_await upload_.take_block(static_cast<std::size_t>(sizes_.at(number))));
  co_return Result<void>();
}

Task<Result<void>> S3Writer::send_block() {
  RINGPULL_CO_CHECK(co_await ready_to_send());
  block_.resize(filled_);
  upload_.send(std::move(block_), crc_.value());
  filled_ = 0;
  crc_.reset();
  co_return Result<void>();
}

/// Waits until the next part may go out.
Task<Result<void>> S3Writer::ready_to_send() {
  if (replaced_ != 0 && upload_.next_number() > replaced_) {
    RINGPULL_CO_CHECK(co_await upload_.drain());
    replaced_ = 0;
  }
  co_return co_await upload_.room();
}

/// Whether nothing has failed for good.
Result<void> S3Writer::intact() const {
  if (exhausted_) return fail(*exhausted_);
  if (upload_.failure()) return fail(*upload_.failure());
  return {};
}

/// S3 takes no small part before another one; servers with uniform parts none of another size.
bool S3Writer::must_replace_last() const noexcept {
  if (upload_.parts().empty()) return false;
  std::uint64_t size = upload_.parts().back().size_bytes;
  return size < kPartBytesMin || (sizes_.uniform() && size != sizes_.first());
}

/// Before anything is appended. In a task of the upload: a stop of the caller leaves it running,
/// and the next call waits for it again.
Task<Result<void>> S3Writer::settle_last_part() {
  if (last_part_ == LastPart::settled) co_return Result<void>();
  if (last_part_ == LastPart::to_reopen) upload_.run(reopen_last_part());
  last_part_ = LastPart::reopening;
  RINGPULL_CO_CHECK(co_await upload_.drain());
  last_part_ = LastPart::settled;
  co_return Result<void>();
}

Task<Result<void>> S3Writer::reopen_last_part() {
  auto size = static_cast<std::size_t>(sizes_.at(upload_.next_number() - 1));
  RINGPULL_CO_TRY(block_, co_await upload_.take_block(size));
  if (tail_) {
    auto place = block_.bytes().first(static_cast<std::size_t>(tail_->bytes));
    auto loaded = co_await load_tail(core_, path_, *tail_, place);
    if (loaded) {
      filled_ = place.size();
      crc_.update(place);
      upload_.drop_last();
      replaced_ = upload_.next_number();
      co_return loaded;
    }
    bool sidecar_lost = is_missing_object(loaded.error()) ||
                        loaded.error().is(ErrorKind::precondition_failed) ||
                        loaded.error().is(ErrorKind::checksum_mismatch);
    if (!sidecar_lost) co_return loaded;
  }
  if (!must_replace_last()) co_return Result<void>();
  co_return co_await rebuild();
}

/// What docker distribution's driver does: makes the upload an object, which can be read, and an
/// upload of that.
Task<Result<void>> S3Writer::rebuild() {
  RINGPULL_CO_CHECK(co_await check_nothing_there());
  std::uint64_t total = total_bytes(upload_.parts());
  RINGPULL_CO_TRY(ETag etag, co_await make_partial_object());
  RINGPULL_CO_CHECK(co_await upload_.replace());
  crc_ = RunningCrc();
  RebuildPlan plan = plan_rebuild(total, sizes_, core_.options.copy_chunk_bytes);
  CopySource source(key_, std::move(etag));
  RINGPULL_CO_TRY(auto parts, co_await copy_ranges(core_, source, upload_.id(), plan));
  upload_.append_stored(std::move(parts));
  RINGPULL_CO_CHECK(co_await fit_block());
  if (plan.rest_bytes > 0) {
    RINGPULL_CO_CHECK(co_await keep_rest(source, plan));
  }
  DeleteObjectOptions partial(core_.options.bucket, key_);
  RINGPULL_CO_CHECK(co_await core_.client.delete_object(partial));
  partial_object_ = false;
  co_return Result<void>();
}

/// A partial object would replace a file that is there, and take it away when it goes itself.
Task<Result<void>> S3Writer::check_nothing_there() {
  HeadObjectOptions look(core_.options.bucket, key_);
  auto file = co_await core_.client.head_object(look);
  if (!file && file.error().http_status() == 404) co_return Result<void>();
  if (!file) co_return fail(std::move(file).error());
  co_return fail(ErrorKind::conflict,
                 "the last part of upload " + upload_.id().str() +
                     " is too short to have another behind it, and to read it back would replace "
                     "the file that is there; remove that, or write the file anew");
}

Task<Result<ETag>> S3Writer::make_partial_object() {
  partial_object_ = true;
  auto etag = co_await upload_.complete(false);
  if (!etag) {
    partial_object_ = etag.error().maybe_applied();
    co_return etag;
  }
  if (!etag->empty()) co_return etag;
  HeadObjectOptions look(core_.options.bucket, key_);
  RINGPULL_CO_TRY(ObjectInfo partial, co_await core_.client.head_object(look));
  co_return std::move(partial.etag);
}

/// The numbers have changed, and with them the size of the next part.
Task<Result<void>> S3Writer::fit_block() {
  auto size = static_cast<std::size_t>(sizes_.at(upload_.next_number()));
  if (size <= block_.capacity()) {
    block_.resize(size);
    co_return Result<void>();
  }
  block_.release();
  RINGPULL_CO_TRY(block_, co_await upload_.take_block(size));
  co_return Result<void>();
}

/// Takes what is too short for a part into the block, and leaves it on the server as close() would,
/// so that the partial object can go.
Task<Result<void>> S3Writer::keep_rest(const CopySource& source, const RebuildPlan& plan) {
  auto rest = block_.bytes().first(static_cast<std::size_t>(plan.rest_bytes));
  RINGPULL_CO_CHECK(co_await read_rest(core_, source, plan.rest_offset, rest));
  RINGPULL_CO_CHECK(co_await upload_.store(rest));
  RINGPULL_CO_CHECK(co_await store_state(rest));
  upload_.drop_last();
  replaced_ = upload_.next_number();
  filled_ = rest.size();
  co_return Result<void>();
}

Task<Result<void>> S3Writer::store_state(std::span<const std::byte> tail) {
  UploadRecord record;
  record.upload_id = upload_.id();
  record.part_bytes = sizes_.first();
  record.checksum = upload_.checksum();
  record.parts = upload_.parts();
  sidecar_ = true;
  co_return co_await store_sidecar(core_, path_, std::move(record), tail);
}

Task<Result<void>> S3Writer::close() {
  if (state_ != State::open) co_return Result<void>();
  state_ = State::closed;
  auto suspended = intact();
  if (suspended) suspended = co_await suspend();
  if (suspended) {
    co_await release();
    co_return suspended;
  }
  Error error = std::move(suspended).error().with_maybe_applied(false);
  if (!intact()) {
    Deadline deadline = co_await cleanup_deadline(core_);
    auto dropped = co_await drop(deadline);
    co_return fail(failure(with_leftovers(std::move(error), dropped), "close"));
  }
  // What has reached the server can be appended to, or cancelled.
  co_await release();
  close_failed_ = true;
  co_return fail(failure(std::move(error), "close"));
}

Task<Result<void>> S3Writer::suspend() {
  if (last_part_ == LastPart::reopening) {
    RINGPULL_CO_CHECK(co_await settle_last_part());
  }
  if (!changed_) co_return Result<void>();
  http::ConstBytes tail = block_.bytes().first(filled_);
  std::uint32_t number = upload_.next_number();
  if (tail.empty()) {
    upload_.start();
  } else {
    RINGPULL_CO_CHECK(co_await ready_to_send());
    upload_.send(tail, crc_.value());
  }
  RINGPULL_CO_CHECK(co_await upload_.drain());
  // A tail that is a decent part by itself stays one: sending it twice more would cost more than a
  // number.
  bool short_part = !tail.empty() && (must_replace_last() || tail.size() < sizes_.at(number) / 2);
  if (!short_part) tail = http::ConstBytes();
  co_return co_await store_state(tail);
}

Task<Result<void>> S3Writer::commit(const CommitOptions& options) {
  RINGPULL_CO_CHECK(usable("commit"));
  state_ = State::committed;
  auto made = co_await make_object(options);
  if (!made) {
    Error error = co_await resolve_failed_commit(std::move(made).error());
    co_return fail(failure(std::move(error), "commit"));
  }
  co_await release();
  if (sidecar_) {
    // The file is there; a sidecar without its upload says nothing.
    auto removed =
        co_await engine::shielded(Deadline::after(kCleanupTime), remove_sidecar(core_, path_));
    (void)removed;
  }
  co_return made;
}

Task<Result<void>> S3Writer::make_object(const CommitOptions& options) {
  RINGPULL_CO_CHECK(intact());
  if (last_part_ == LastPart::reopening) {
    RINGPULL_CO_CHECK(co_await settle_last_part());
  }
  if (!upload_.started()) co_return co_await put_object(options);
  co_return co_await complete(options);
}

Task<Result<void>> S3Writer::put_object(const CommitOptions& options) {
  if (options.condition) {
    RINGPULL_CO_CHECK(options.condition());
  }
  PutObjectOptions request(core_.options.bucket, key_);
  request.attributes = object_attributes(core_);
  request.create_only = options.create_only;
  if (options.create_only) {
    RINGPULL_CO_CHECK(co_await check_absent(core_, key_));
  }
  request.checksum = crc_.checksum();
  http::SpanSource body(http::ConstBytes(block_.bytes().first(filled_)));
  making_ = true;
  auto put = co_await core_.client.put_object(request, body);
  if (put) co_return Result<void>();
  bool stopped = put.error().is(ErrorKind::cancelled) || put.error().is(ErrorKind::timed_out);
  if (!put.error().maybe_applied() || stopped) co_return fail(std::move(put).error());
  bool there = co_await is_block_there();
  if (there) co_return Result<void>();
  co_return fail(std::move(put).error());
}

/// Whether the file holds the bytes of the block: told by its checksum, or by an ETag that is their
/// MD5.
Task<bool> S3Writer::is_block_there() {
  HeadObjectOptions request(core_.options.bucket, key_);
  request.checksum_mode = crc_.algorithm().has_value();
  auto file = co_await core_.client.head_object(request);
  if (!file || file->size_bytes != filled_) co_return false;
  auto expected = crc_.checksum();
  for (const ObjectChecksum& stored : file->checksums) {
    if (!expected || stored.composite || stored.algorithm != expected->algorithm) continue;
    co_return stored.base64 == expected->base64;
  }
  Md5 md5;
  std::span<const std::byte> rest = block_.bytes().first(filled_);
  while (!rest.empty()) {
    auto piece = rest.first(std::min(rest.size(), kHookStep));
    md5.update(piece);
    rest = rest.subspan(piece.size());
    co_await engine::yield_now();
  }
  Md5Digest digest = md5.finish();
  co_return hex(digest) == file->etag.str();
}

Task<Result<void>> S3Writer::complete(const CommitOptions& options) {
  // An upload without parts cannot be completed; one with an empty part can.
  if (filled_ > 0 || upload_.parts().empty()) {
    RINGPULL_CO_CHECK(co_await send_block());
  }
  RINGPULL_CO_CHECK(co_await upload_.drain());
  if (options.condition) {
    RINGPULL_CO_CHECK(options.condition());
  }
  if (options.create_only) {
    RINGPULL_CO_CHECK(co_await check_absent(core_, key_));
  }
  making_ = true;
  auto completed = co_await upload_.complete(options.create_only);
  if (!completed) co_return fail(std::move(completed).error());
  co_return Result<void>();
}

/// What there is to say in the end, after the upload was aborted, or left because it may have
/// become the file.
Task<Error> S3Writer::resolve_failed_commit(Error error) {
  Deadline deadline = co_await cleanup_deadline(core_);
  bool open = making_ && error.maybe_applied();
  if (open && upload_.started()) {
    co_await release();
    HeadObjectOptions request(core_.options.bucket, key_);
    auto look = co_await engine::shielded(deadline, core_.client.head_object(request));
    bool absent = !look && is_missing_object(look.error());
    if (!absent) {
      co_return std::move(error).context("upload " + upload_.id().str() +
                                         " has become the file or is left behind");
    }
  }
  auto dropped = co_await drop(deadline);
  co_return with_leftovers(std::move(error).with_maybe_applied(open), dropped);
}

Task<Result<void>> S3Writer::cancel() {
  if (!close_failed_) {
    RINGPULL_CO_CHECK(usable("cancel"));
  }
  close_failed_ = false;
  state_ = State::cancelled;
  Deadline deadline = co_await cleanup_deadline(core_);
  auto dropped = co_await drop(deadline);
  if (!dropped) {
    Error error = std::move(dropped).error().context(left_);
    co_return fail(failure(std::move(error), "cancel"));
  }
  co_return dropped;
}

/// Ends what is under way and gives the memory back.
Task<void> S3Writer::release() {
  co_await upload_.halt();
  block_.release();
}

/// Removes everything of this file that is not the file.
Task<Result<void>> S3Writer::drop(Deadline deadline) {
  co_await release();
  auto dropped = co_await engine::shielded(deadline, remove_traces());
  co_return dropped;
}

Task<Result<void>> S3Writer::remove_traces() {
  Result<void> outcome;
  if (upload_.started()) {
    outcome = co_await upload_.abort();
    if (!outcome) left_ = upload_.left();
  }
  if (sidecar_) {
    auto removed = co_await remove_sidecar(core_, path_);
    if (outcome && !removed) left_ = "the record of its upload is left behind";
    if (outcome) outcome = std::move(removed);
  }
  if (partial_object_) {
    DeleteObjectOptions partial(core_.options.bucket, key_);
    auto removed = co_await core_.client.delete_object(partial);
    if (outcome && !removed) left_ = "a partial file is left behind";
    if (outcome) outcome = std::move(removed);
  }
  co_return outcome;
}

Error S3Writer::with_leftovers(Error error, const Result<void>& dropped) const {
  if (dropped) return error;
  return std::move(error).context(left_ + " (" + dropped.error().message() + ")");
}

}  // namespace ringpull::inline v0::s3::driver
