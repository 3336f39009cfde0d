#include "s3/src/driver/write/multipart_upload.hpp"

#include <utility>

#include <ringpull/engine/loop.hpp>

#include "s3/src/driver/write/upload_listing.hpp"
#include "s3/src/multipart/abort_upload.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::BufferLease;
using engine::Task;

ObjectAttributes object_attributes(const Core& core) {
  ObjectAttributes attributes = core.options.attributes;
  if (attributes.content_type.empty()) attributes.content_type = "application/octet-stream";
  return attributes;
}

MultipartUpload::MultipartUpload(Core& core, ObjectKey key,
                                 std::optional<ChecksumAlgorithm> checksum)
    : core_(core), key_(std::move(key)), checksum_(checksum) {}

void MultipartUpload::adopt(UploadId id, std::vector<StoredPart> parts,
                            std::optional<ChecksumAlgorithm> checksum) {
  id_ = std::move(id);
  checksum_ = checksum;
  parts_ = std::move(parts);
  started_ = true;
  created_.set();
}

Task<Result<BufferLease>> MultipartUpload::take_block(std::size_t size) {
  while (true) {
    if (failure_) co_return fail(*failure_);
    if (spare_ && spare_.capacity() < size) spare_.release();
    BufferLease block = std::move(spare_);
    if (!block) {
      auto leased = core_.pool.try_lease(size, engine::MemoryHold::lasting);
      if (leased) block = std::move(*leased);
    }
    if (!block && sending_ == 0) {
      // Nothing is held any more: waiting for the budget cannot be waiting for ourselves.
      RINGPULL_CO_TRY(block, co_await core_.pool.lease(size, engine::MemoryHold::lasting));
    }
    if (block) {
      block.resize(size);
      filling_ = true;
      co_return std::move(block);
    }
    wanted_ = true;
    auto waited = co_await changed();
    wanted_ = false;
    if (!waited) co_return fail(std::move(waited).error());
  }
}

Task<Result<void>> MultipartUpload::room() {
  while (true) {
    if (failure_) co_return fail(*failure_);
    if (sending_ < core_.options.upload_concurrency || sending_ == 0) co_return Result<void>();
    RINGPULL_CO_CHECK(co_await changed());
  }
}

void MultipartUpload::start() {
  if (started_) return;
  started_ = true;
  ++tasks_;
  scope_.spawn(create());
}

void MultipartUpload::send(BufferLease block, std::optional<std::uint64_t> crc) {
  std::size_t index = begin_part(block.size(), crc);
  filling_ = false;
  scope_.spawn(send_block(index, std::move(block)));
}

void MultipartUpload::send(http::ConstBytes bytes, std::optional<std::uint64_t> crc) {
  std::size_t index = begin_part(bytes.size(), crc);
  scope_.spawn(send_bytes(index, bytes));
}

void MultipartUpload::run(Task<Result<void>> step) {
  ++tasks_;
  scope_.spawn(run_step(std::move(step)));
}

Task<Result<void>> MultipartUpload::replace() {
  id_ = UploadId();
  parts_.clear();
  checksum_.reset();
  co_return co_await ask_for_upload();
}

void MultipartUpload::append_stored(std::vector<StoredPart> parts) {
  for (StoredPart& part : parts) parts_.push_back(std::move(part));
}

Task<Result<void>> MultipartUpload::store(http::ConstBytes bytes) {
  parts_.emplace_back(bytes.size(), ETag());
  co_return co_await upload_part(parts_.size() - 1, bytes);
}

Task<Result<void>> MultipartUpload::drain() {
  while (true) {
    if (failure_) co_return fail(*failure_);
    if (tasks_ == 0) co_return Result<void>();
    RINGPULL_CO_CHECK(co_await changed());
  }
}

Task<void> MultipartUpload::halt() {
  scope_.request_stop();
  auto joined = co_await scope_.join();
  (void)joined;  // tasks keep their failure in failure_
  spare_.release();
}

Task<Result<ETag>> MultipartUpload::complete(bool create_only) {
  CompleteMultipartUploadOptions request(core_.options.bucket, key_, id_);
  request.create_only = create_only;
  request.checksum = whole_checksum();
  request.parts.reserve(parts_.size());
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    request.parts.emplace_back(PartNumber(static_cast<std::uint32_t>(i) + 1), parts_[i].etag);
  }
  auto completed = co_await core_.client.complete_multipart_upload(request);
  if (!completed) co_return fail(std::move(completed).error());
  co_return std::move(completed->etag);
}

Task<Result<void>> MultipartUpload::abort() {
  if (!id_.empty()) {
    auto alone = co_await abort_twins();  // told from others by the time of the one that goes next
    LateParts late = part_cut_off_ ? LateParts::possible : LateParts::none;
    RINGPULL_CO_CHECK(co_await abort_upload(core_.client, core_.options.bucket, key_, id_, late));
    aborted_ = true;
    co_return alone;
  }
  if (!creation_unknown_) co_return Result<void>();
  auto aborted = co_await abort_empty_uploads_of(core_, key_);
  co_return aborted;
}

std::string MultipartUpload::left() const {
  if (id_.empty() || aborted_) return "an upload without parts may be left behind";
  return "upload " + id_.str() + " is left behind";
}

Task<void> MultipartUpload::create() {
  auto created = co_await ask_for_upload();
  end_task(std::move(created));
}

Task<Result<void>> MultipartUpload::ask_for_upload() {
  CreateMultipartUploadOptions request(core_.options.bucket, key_);
  request.attributes = object_attributes(core_);
  request.checksum_algorithm = checksum_;
  // A CRC over the whole object can be made from those of its parts, and outlives them.
  request.full_object_checksum = checksum_.has_value();
  engine::TimePoint begun = engine::Loop::current().now();
  auto created = co_await core_.client.create_multipart_upload(request);
  creation_took_ = engine::Loop::current().now() - begun;
  if (!created) {
    creation_unknown_ = created.error().maybe_applied();
    co_return fail(std::move(created).error());
  }
  id_ = std::move(created->upload_id);
  twins_possible_ = created->twins_possible;
  created_.set();
  auto alone = co_await abort_twins();
  (void)alone;  // abort() tries again, and tells
  co_return Result<void>();
}

Task<Result<void>> MultipartUpload::abort_twins() {
  if (!twins_possible_) co_return Result<void>();
  auto aborted = co_await abort_twins_of(core_, key_, id_, creation_took_);
  if (aborted) twins_possible_ = false;
  co_return aborted;
}

Task<void> MultipartUpload::send_block(std::size_t index, BufferLease block) {
  auto sent = co_await upload_part(index, block.bytes());
  --sending_;
  give_back(std::move(block));
  end_task(std::move(sent));
}

Task<void> MultipartUpload::send_bytes(std::size_t index, http::ConstBytes bytes) {
  auto sent = co_await upload_part(index, bytes);
  --sending_;
  end_task(std::move(sent));
}

Task<void> MultipartUpload::run_step(Task<Result<void>> step) {
  auto outcome = co_await std::move(step);
  end_task(std::move(outcome));
}

Task<Result<void>> MultipartUpload::upload_part(std::size_t index, http::ConstBytes bytes) {
  RINGPULL_CO_CHECK(co_await created_.wait());
  PartNumber number(static_cast<std::uint32_t>(index) + 1);
  UploadPartOptions request(core_.options.bucket, key_, id_, number);
  if (parts_[index].crc) {
    RunningCrc crc(checksum_);
    crc.append(*parts_[index].crc, bytes.size());
    request.checksum = crc.checksum();
  }
  http::SpanSource body(bytes);
  auto sent = co_await core_.client.upload_part(request, body);
  if (!sent) {
    part_cut_off_ = part_cut_off_ || sent.error().maybe_applied();
    co_return fail(std::move(sent).error());
  }
  parts_[index].etag = std::move(sent->etag);
  co_return Result<void>();
}

Task<Result<void>> MultipartUpload::changed() {
  event_.reset();
  auto waited = co_await event_.wait();
  co_return waited;
}

std::size_t MultipartUpload::begin_part(std::uint64_t size, std::optional<std::uint64_t> crc) {
  start();
  StoredPart part(size, ETag());
  part.crc = crc;
  parts_.push_back(std::move(part));
  ++tasks_;
  ++sending_;
  return parts_.size() - 1;
}

void MultipartUpload::end_task(Result<void> outcome) {
  --tasks_;
  if (!outcome && !failure_) {
    failure_ = std::move(outcome).error();
    scope_.request_stop();
  }
  event_.set();
}

/// Keeps the block where the caller is going to need it, unless others wait for memory and another
/// one of ours is still to come back.
void MultipartUpload::give_back(BufferLease block) {
  if (filling_ || spare_ || failure_) return;
  bool last = sending_ == 0;
  if (last || (wanted_ && core_.pool.budget().stats().waiting == 0)) spare_ = std::move(block);
}

std::optional<ObjectChecksum> MultipartUpload::whole_checksum() const {
  RunningCrc whole(checksum_);
  for (const StoredPart& part : parts_) {
    if (!part.crc) return std::nullopt;
    whole.append(*part.crc, part.size_bytes);
  }
  return whole.checksum();
}

}  // namespace ringpull::inline v0::s3::driver
