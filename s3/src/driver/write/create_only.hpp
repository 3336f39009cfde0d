#pragma once
// CommitOptions::create_only for servers that replace files whatever they are told.

#include <ringpull/engine/task.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

/// `already_exists` when there is an object. No request where the server takes If-None-Match.
engine::Task<Result<void>> check_absent(Core& core, const ObjectKey& key);

}  // namespace ringpull::inline v0::s3::driver
