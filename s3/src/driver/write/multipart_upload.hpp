#pragma once
// One multipart upload of a writer, its parts side by side.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/engine/task.hpp>

#include "s3/src/driver/core/core.hpp"
#include "s3/src/driver/write/running_crc.hpp"
#include "s3/src/driver/write/stored_part.hpp"

namespace ringpull::inline v0::s3::driver {

/// What new objects and uploads of a driver are sent with.
ObjectAttributes object_attributes(const Core& core);

/// Parts go out in tasks of the upload's own, which no stop of its caller reaches: that ends the
/// caller's wait only. The first part that fails ends the upload: all others are stopped, and every
/// wait gives that Error.
///
/// Blocks come from the memory budget. One is enough to go on; more are taken, up to
/// upload_concurrency and the one being filled, while the budget has room and nobody waits for it.
/// The last block stays here between two parts, so that whoever has begun need not queue again.
///
/// Where the answer to an attempt to create the upload was lost and a later one succeeded, what the
/// lost one may have made is looked for and aborted beside the first parts (abort_twins_of). An
/// upload without parts does not keep a file from being made: where that fails, only abort() says
/// so.
///
/// Made where the tasks are to run, one call at a time, halted before it is destroyed.
class MultipartUpload {
 public:
  MultipartUpload(Core& core, ObjectKey key, std::optional<ChecksumAlgorithm> checksum);
  MultipartUpload(const MultipartUpload&) = delete;
  MultipartUpload& operator=(const MultipartUpload&) = delete;

  /// Goes on with an upload that exists.
  void adopt(UploadId id, std::vector<StoredPart> parts, std::optional<ChecksumAlgorithm> checksum);

  /// Whether the upload exists, or was asked for.
  bool started() const noexcept { return started_; }
  const UploadId& id() const noexcept { return id_; }
  /// In the order of their numbers; one that is under way has no ETag yet.
  const std::vector<StoredPart>& parts() const noexcept { return parts_; }
  std::uint32_t next_number() const noexcept {
    return static_cast<std::uint32_t>(parts_.size()) + 1;
  }
  const std::optional<ChecksumAlgorithm>& checksum() const noexcept { return checksum_; }
  const std::optional<Error>& failure() const noexcept { return failure_; }

  /// Waits for a block of `size` bytes.
  engine::Task<Result<engine::BufferLease>> take_block(std::size_t size);
  /// Waits until one more part may be under way.
  engine::Task<Result<void>> room();
  /// Asks for the upload, where that was not done yet.
  void start();
  /// Starts sending the next part: all bytes of the block, which came from take_block.
  void send(engine::BufferLease block, std::optional<std::uint64_t> crc);
  /// The same from memory that stays valid until the parts have drained.
  void send(http::ConstBytes bytes, std::optional<std::uint64_t> crc);
  /// Runs a step of the writer's own like a part: drain() waits for it, halt() stops it, its
  /// failure is the upload's.
  void run(engine::Task<Result<void>> step);

  // For such a step, while nothing else is under way:

  /// The last part is to be sent again, larger.
  void drop_last() { parts_.pop_back(); }
  /// Begins another upload, without parts and checksum, in the place of one that was completed.
  engine::Task<Result<void>> replace();
  /// Parts that the server has already.
  void append_stored(std::vector<StoredPart> parts);
  /// Sends the next part and waits for it.
  engine::Task<Result<void>> store(http::ConstBytes bytes);

  /// Waits until nothing is under way.
  engine::Task<Result<void>> drain();
  /// Stops what is under way, and waits for that.
  engine::Task<void> halt();

  /// Makes the object of all parts, of which there is at least one. Drained. Gives the object's
  /// ETag where the server tells it.
  engine::Task<Result<ETag>> complete(bool create_only);
  /// Halted. Looks whether it is gone when the server may still be storing a part, which can keep
  /// an upload alive (AbortMultipartUpload in the API reference), and aborts it again. Also when
  /// the answer to the upload's creation was lost: then whatever has no parts under this key is
  /// aborted.
  engine::Task<Result<void>> abort();
  /// What that leaves behind where it fails, for people.
  std::string left() const;

 private:
  engine::Task<void> create();
  engine::Task<Result<void>> ask_for_upload();
  engine::Task<Result<void>> abort_twins();
  engine::Task<void> send_block(std::size_t index, engine::BufferLease block);
  engine::Task<void> send_bytes(std::size_t index, http::ConstBytes bytes);
  engine::Task<void> run_step(engine::Task<Result<void>> step);
  engine::Task<Result<void>> upload_part(std::size_t index, http::ConstBytes bytes);
  engine::Task<Result<void>> changed();
  std::size_t begin_part(std::uint64_t size, std::optional<std::uint64_t> crc);
  void end_task(Result<void> outcome);
  void give_back(engine::BufferLease block);
  std::optional<ObjectChecksum> whole_checksum() const;

  Core& core_;
  const ObjectKey key_;
  std::optional<ChecksumAlgorithm> checksum_;
  engine::Context root_;
  engine::Scope scope_{root_};
  engine::Event created_;
  engine::Event event_;  // something has ended
  UploadId id_;
  std::vector<StoredPart> parts_;
  std::optional<Error> failure_;
  engine::BufferLease spare_;
  std::size_t tasks_ = 0;
  std::size_t sending_ = 0;
  bool started_ = false;
  bool creation_unknown_ = false;
  bool twins_possible_ = false;
  bool aborted_ = false;
  engine::Duration creation_took_{};
  bool part_cut_off_ = false;  // the server may still be storing one
  bool filling_ = false;       // the caller holds a block
  bool wanted_ = false;        // the caller waits for one
};

}  // namespace ringpull::inline v0::s3::driver
