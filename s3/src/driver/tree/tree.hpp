#pragma once
// What lies where: stat and list.

#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/storage_driver.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

/// One HeadObject for a file, and one listing of one key more for anything else. The root costs one
/// listing of one key, whose failure tells a missing bucket from a missing permission, which
/// HeadBucket's cannot.
///
/// HeadObject answers 403 for a missing key where ListBucket is not allowed, and for a file where
/// GetObject is not; the listing then decides. `permission_denied` when that is refused as well.
engine::Task<Result<FileInfo>> stat(Core& core, std::string_view path);

engine::Task<Result<std::vector<std::string>>> list(Core& core, std::string_view path);

}  // namespace ringpull::inline v0::s3::driver
