#pragma once
// What the server knows of uploads under way: found, taken apart, aborted.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/task.hpp>

#include "s3/src/driver/core/core.hpp"
#include "s3/src/driver/write/stored_part.hpp"

namespace ringpull::inline v0::s3::driver {

/// All that are under way with this very key and have no parts, after a creation whose answer is
/// not known: it may appear a moment later. Those with parts are others'.
engine::Task<Result<void>> abort_empty_uploads_of(Core& core, const ObjectKey& key);

/// After CreateMultipartUpload gave `own` with twins_possible, `took` being how long the call took:
/// what the lost attempts may have made with this key. That is without parts, and was begun while
/// the call lasted, by the server's own times. So an older upload stays, which may be suspended,
/// and one without a time does. One that another process began in these seconds and has not filled
/// yet looks the same: it is aborted. Takes Core::twin_search_time at most (`timed_out`).
engine::Task<Result<void>> abort_twins_of(Core& core, const ObjectKey& key, const UploadId& own,
                                          engine::Duration took);

/// The ids of the uploads with this very key, in the server's order (S3's: oldest first), up to
/// `most`. Reads as many pages as it takes.
engine::Task<Result<std::vector<UploadId>>> list_uploads_of(Core& core, const ObjectKey& key,
                                                            std::size_t most);

struct PartListing {
  PartListing() = default;

  std::vector<StoredPart> parts;
  /// The one that all of them carry, if any.
  std::optional<ChecksumAlgorithm> checksum;
  /// When the latest of them was stored; absent where there is none, or the server does not say.
  std::optional<std::chrono::sys_seconds> modified;
};

/// The parts of an upload from 1 to the first gap, all pages. Also ends with the first that is too
/// small to have another behind it.
engine::Task<Result<PartListing>> list_leading_parts(Core& core, const ObjectKey& key,
                                                     const UploadId& id);
engine::Task<Result<ListPartsResult>> list_parts_page(Core& core, const ListPartsOptions& request);

}  // namespace ringpull::inline v0::s3::driver
