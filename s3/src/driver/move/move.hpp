#pragma once
// Files under another path, copied by the server.

#include <string_view>

#include <ringpull/engine/task.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

/// HeadObject of `from`, a copy of exactly that version, DeleteObject of `from`. Up to
/// copy_threshold_bytes the copy is one CopyObject; beyond, an upload whose parts the server
/// copies. `precondition_failed` when `from` is replaced meanwhile, unless the server gives it weak
/// ETags, which pin nothing.
///
/// A copy that fails aborts its upload, for a minute at most; one that is stopped, for five seconds
/// after up to five for the answer that names the upload. An upload remains, and
/// the Error names it, where the abort fails too. Where the answer that names the upload was lost,
/// also to a stop, the uploads of `to` that have no parts are aborted: one with parts belongs to
/// another registry that moves the same blob. Hit all the same, that move fails and can be
/// repeated. The same where only an earlier attempt's answer was lost, for uploads that were begun
/// while the creation lasted (abort_twins_of); one that stays nevertheless does not hold the move
/// up.
///
/// A copy whose answer was lost counts when the object at `to`, or its place in a listing, has the
/// size and the ETag that the copy has. Otherwise `from` stays, and the Error is maybe_applied().
///
/// Moving a file onto itself changes nothing.
engine::Task<Result<void>> move(Core& core, std::string_view from, std::string_view to);

}  // namespace ringpull::inline v0::s3::driver
