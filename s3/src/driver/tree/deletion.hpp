#pragma once
// Objects deleted by key, by whichever verb the server knows.

#include <vector>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/types.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

using DeleteFailures = std::vector<DeleteObjectsResult::Failure>;

/// Deletes up to kDeleteObjectsMax objects in one request; one by one, kSingleDeletes at once,
/// where the Core knows that the server has no DeleteObjects or it says so now. Keys for which
/// DeleteObjects reports a passing failure are tried once more that way, with the client's retries.
///
/// What the server refused is listed; an Error means that it could not be asked, or a stop.
engine::Task<Result<DeleteFailures>> delete_all(Core& core, std::vector<ObjectKey> keys);

/// Enough to hide the round trip; four removals side by side stay below a pool of 64 connections.
inline constexpr std::size_t kSingleDeletes = 16;

}  // namespace ringpull::inline v0::s3::driver
