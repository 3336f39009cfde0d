#pragma once
// Files and directories out of the way.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/storage_driver.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

/// The object at `path`, everything below it, and the sidecars of closed writers there; what only
/// begins with the same text stays. Of a directory, and where a sidecar shows that a writer was
/// closed, the uploads under way at and below `path` are aborted too, as far as the key may:
/// writers that were killed, and other drivers, leave some without a sidecar. For a file alone
/// nobody asks for them, since that would cost every remove a request.
///
/// One listing finds the file, its sidecar and what is below, unless a thousand siblings come
/// first: then there is a second one. Pages are deleted while the next is listed,
/// remove_concurrency of them at once: a file costs two requests, a directory two per page and one
/// for its uploads.
/// Deletions go on when one key fails; the Error counts and names the first of those.
engine::Task<Result<void>> remove(Core& core, std::string_view path);

/// kDeleteObjectsMax paths a request, remove_concurrency of them at once. Leaves sidecars alone: a
/// closed writer is no file.
engine::Task<Result<std::vector<RemoveFailure>>> remove_files(Core& core,
                                                              std::span<const std::string> paths);

}  // namespace ringpull::inline v0::s3::driver
