#pragma once
// The writing half of S3Driver.

#include <memory>
#include <span>
#include <string_view>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/storage_driver.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

/// One PutObject up to what S3 takes in one, else an upload in parts straight from `bytes`.
engine::Task<Result<void>> put_content(Core& core, std::string_view path,
                                       std::span<const std::byte> bytes);

/// Takes no memory of the budget: the first write() or prepare() does. Without `append` nothing is
/// asked of the server: neither is a closed writer's upload of this path looked for.
engine::Task<Result<std::unique_ptr<StorageWriter>>> open_writer(Core& core, std::string_view path,
                                                                 const WriterOptions& options);

}  // namespace ringpull::inline v0::s3::driver
