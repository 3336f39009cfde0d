#pragma once
// An object's bytes as the parts of a new upload with its key.

#include <cstdint>
#include <vector>

#include <ringpull/engine/task.hpp>
#include <ringpull/http/range.hpp>

#include "s3/src/driver/core/core.hpp"
#include "s3/src/driver/write/part_sizes.hpp"
#include "s3/src/driver/write/stored_part.hpp"

namespace ringpull::inline v0::s3::driver {

/// How an object is taken apart: ranges that the server copies, then a rest that is too short.
struct RebuildPlan {
  RebuildPlan() = default;

  std::vector<http::ByteRange> ranges;
  std::uint64_t rest_offset = 0;
  std::uint64_t rest_bytes = 0;
};

/// Uniform parts where they must be. Otherwise no rest unless all is below 5 MiB, and ranges of
/// `copy_chunk_bytes` at least, but so few that half of the part numbers remain.
RebuildPlan plan_rebuild(std::uint64_t total, const PartSizes& sizes,
                         std::uint64_t copy_chunk_bytes);

struct CopySource {
  CopySource(ObjectKey key_in, ETag etag_in) : key(std::move(key_in)), etag(std::move(etag_in)) {}

  ObjectKey key;
  ETag etag;  ///< only this version
};

/// Copies the ranges to the upload's parts from 1 on, copy_concurrency at once.
engine::Task<Result<std::vector<StoredPart>>> copy_ranges(Core& core, const CopySource& source,
                                                          const UploadId& upload,
                                                          const RebuildPlan& plan);
engine::Task<Result<void>> read_rest(Core& core, const CopySource& source, std::uint64_t offset,
                                     http::MutableBytes out);

}  // namespace ringpull::inline v0::s3::driver
