#pragma once
// Everything below a directory.

#include <string_view>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/storage_driver.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

/// WalkOrder::bytes is one flat listing, a thousand keys a request and one page in memory, whatever
/// the tree looks like. A directory that is skipped in the middle of a page costs nothing; one that
/// goes on behind the page is jumped over by a new listing that starts behind it. `protocol` where
/// the server does not list in byte order (S3's directory buckets do not).
///
/// WalkOrder::components lists directory by directory and holds the names of those on the way down.
///
/// A start_after outside the walk asks one key more, to tell an empty rest from a missing `path`.
engine::Task<Result<void>> walk(Core& core, std::string_view path, const WalkOptions& options,
                                WalkVisitor& visitor);

}  // namespace ringpull::inline v0::s3::driver
