#pragma once
// Reading files: as streams, by single ranges, and small ones whole.

#include <cstddef>
#include <memory>
#include <string_view>

#include <ringpull/engine/buffer.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/body.hpp>
#include <ringpull/s3/storage_driver.hpp>

#include "s3/src/driver/core/core.hpp"

namespace ringpull::inline v0::s3::driver {

/// A file of up to read_first_bytes is read by one GetObject. Larger ones continue with parts that
/// double up to read_part_bytes, each pinned to the ETag of the first, read side by side into
/// blocks of the pool and delivered in order. The reader asks ahead of its caller for as much again
/// as the caller has taken, up to what a ReadWindow allows and read_concurrency requests: whoever
/// wants only the head of a file causes little traffic behind it.
///
/// Memory: waits for a block only while it holds none, and takes those ahead only where they are
/// free at once and not of the budget's reserve. So however many readers share however small a
/// budget, the one that holds the next bytes of its file can always go on. Where memory is short
/// parts shrink to read_first_bytes.
engine::Task<Result<std::unique_ptr<StorageReader>>> open_reader(Core& core, std::string_view path,
                                                                 const ReaderOptions& options);

/// One GetObject; where it has no bytes to give (`out` is empty, or `offset` is at or behind the
/// end) a HeadObject tells size and ETag.
engine::Task<Result<RangedRead>> read_range(Core& core, std::string_view path,
                                            http::MutableBytes out,
                                            const RangedReadOptions& options);

/// One GetObject, its memory allocated once the size is known.
engine::Task<Result<engine::Buffer>> get_content(Core& core, std::string_view path,
                                                 std::size_t bytes_max);

}  // namespace ringpull::inline v0::s3::driver
