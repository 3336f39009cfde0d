#pragma once
// An upload that a closed, killed or foreign writer has left, found again.

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include <ringpull/engine/task.hpp>

#include "s3/src/driver/core/core.hpp"
#include "s3/src/driver/write/sidecar.hpp"
#include "s3/src/driver/write/stored_part.hpp"

namespace ringpull::inline v0::s3::driver {

struct SuspendedUpload {
  SuspendedUpload() = default;

  UploadId id;
  /// From part 1 on, without a gap.
  std::vector<StoredPart> parts;
  std::optional<ChecksumAlgorithm> checksum;
  /// Of the first parts, where a writer of ours has said so.
  std::optional<std::uint64_t> part_bytes;
  /// The bytes of the last part, where the sidecar has them.
  std::optional<TailCopy> tail;
  /// When a writer last stored something of it, by the server's clock. Absent where nothing was
  /// stored but the upload itself.
  std::optional<std::chrono::sys_seconds> modified;
};

struct SearchResult {
  SearchResult() = default;

  std::optional<SuspendedUpload> upload;
  bool sidecar = false;  ///< there is one, of use or not
};

/// Trusts the sidecar's list of parts when the server has that upload and its last part is the one
/// recorded: two requests. Otherwise the server's own list, cut at the first gap: of the sidecar's
/// upload, or of the first one with parts that ListMultipartUploads gives for this very key (S3's
/// order: oldest first, as docker distribution's driver takes it).
engine::Task<Result<SearchResult>> find_suspended_upload(Core& core, std::string_view path);

/// Whether the file at the upload's path was made after anything was last stored of the upload, so
/// that going on would bring back bytes that it has replaced. Times are whole seconds: a file with
/// bytes counts as the later one when both are of the same second, or one of them is not known; an
/// empty one has nothing to lose.
bool is_replaced_by(const ObjectInfo& file, const SuspendedUpload& upload) noexcept;

}  // namespace ringpull::inline v0::s3::driver
