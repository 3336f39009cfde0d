#pragma once
// The writer behind open_writer.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <ringpull/s3/storage_driver.hpp>

#include "s3/src/driver/core/core.hpp"
#include "s3/src/driver/write/multipart_upload.hpp"
#include "s3/src/driver/write/part_sizes.hpp"
#include "s3/src/driver/write/rebuild.hpp"
#include "s3/src/driver/write/suspended_upload.hpp"

namespace ringpull::inline v0::s3::driver {

/// Bytes gather in one block, leased when the first one comes, until it is a part. What fits into
/// the first block is one PutObject; a multipart upload begins when that is full and more comes.
///
/// A last part that cannot have another behind it (S3: below 5 MiB) is replaced before anything is
/// appended: its bytes come from the sidecar, or, where there is none, from the object that
/// rebuild() makes of the upload. It is stored again before any part behind it goes out, so
/// that the parts up to the first gap are what was written at every instant.
class S3Writer final : public StorageWriter {
 public:
  S3Writer(Core& core, std::string_view path, const PartSizes& sizes, ByteHook hook);
  ~S3Writer() override;
  S3Writer(const S3Writer&) = delete;
  S3Writer& operator=(const S3Writer&) = delete;

  /// Before anything else.
  void resume(SearchResult found);

  engine::Task<Result<void>> write(std::span<const std::byte> bytes) override;
  engine::Task<Result<std::span<std::byte>>> prepare() override;
  engine::Task<Result<void>> write_prepared(std::size_t bytes) override;
  std::uint64_t size_bytes() const noexcept override { return accepted_; }
  engine::Task<Result<void>> commit(const CommitOptions& options) override;
  engine::Task<Result<void>> close() override;
  engine::Task<Result<void>> cancel() override;

 private:
  enum class State : std::uint8_t { open, committed, closed, cancelled };
  enum class LastPart : std::uint8_t { settled, to_reopen, reopening };

  // Failures.
  Result<void> usable(std::string_view action) const;
  Result<void> intact() const;
  Error failure(Error error, std::string_view action) const;
  Error with_leftovers(Error error, const Result<void>& dropped) const;

  // Taking bytes.
  engine::Task<Result<void>> take(std::span<const std::byte> bytes);
  engine::Task<Result<void>> take_prepared(std::size_t bytes);
  engine::Task<Result<void>> make_ready();
  void accept(std::size_t bytes);
  engine::Task<Result<void>> send_full_block();
  engine::Task<Result<void>> make_room();
  engine::Task<Result<void>> send_block();
  engine::Task<Result<void>> ready_to_send();

  // Going on behind a last part that is too short.
  bool must_replace_last() const noexcept;
  engine::Task<Result<void>> settle_last_part();
  engine::Task<Result<void>> reopen_last_part();
  engine::Task<Result<void>> rebuild();
  engine::Task<Result<void>> check_nothing_there();
  engine::Task<Result<ETag>> make_partial_object();
  engine::Task<Result<void>> fit_block();
  engine::Task<Result<void>> keep_rest(const CopySource& source, const RebuildPlan& plan);

  // Ending.
  engine::Task<Result<void>> suspend();
  engine::Task<Result<void>> store_state(std::span<const std::byte> tail);
  engine::Task<Result<void>> make_object(const CommitOptions& options);
  engine::Task<Result<void>> put_object(const CommitOptions& options);
  engine::Task<bool> is_block_there();
  engine::Task<Result<void>> complete(const CommitOptions& options);
  engine::Task<Error> resolve_failed_commit(Error error);
  engine::Task<Result<void>> drop(engine::Deadline deadline);
  engine::Task<Result<void>> remove_traces();
  engine::Task<void> release();

  Core& core_;
  const std::string path_;
  const ObjectKey key_;
  const PartSizes sizes_;
  const ByteHook hook_;
  MultipartUpload upload_;
  engine::BufferLease block_;  // its size is that of the part it becomes
  std::size_t filled_ = 0;
  std::size_t prepared_ = 0;  // bytes behind them that the caller may be filling
  RunningCrc crc_;            // of what is in the block
  std::uint64_t accepted_ = 0;
  std::optional<TailCopy> tail_;
  std::optional<Error> exhausted_;
  std::string left_;  // what could not be removed, for people
  State state_ = State::open;
  LastPart last_part_ = LastPart::settled;
  std::uint32_t replaced_ = 0;  // the last part, on its way again: nothing may pass it
  bool changed_ = true;         // something is not as the server (and the sidecar) has it
  bool making_ = false;         // the request that makes the file may have been sent
  bool close_failed_ = false;
  bool sidecar_ = false;         // there may be one
  bool partial_object_ = false;  // there may be one of the upload, made to read it back
};

}  // namespace ringpull::inline v0::s3::driver
