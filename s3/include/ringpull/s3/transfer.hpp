#pragma once
// Whole objects in many parts at once, between S3 and memory or a file.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/file.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3 {

class TransferOptions {
 public:
  TransferOptions() = default;

  /// Bytes per ranged GET or uploaded part. 8 MiB: the size from which larger ones gain no
  /// bandwidth on S3. An upload that would need more than kPartNumberMax parts takes larger ones.
  std::uint64_t part_bytes = 8 * 1024 * 1024;
  /// Parts under way at once. 16 saturate a LAN or a loopback; S3 gives about 50 MiB/s for each.
  std::size_t concurrency = 16;
  /// How long a stop waits for the id of an upload that is being created, so that it can be
  /// aborted. 5 s: S3 answers within one.
  engine::Duration stop_grace = std::chrono::seconds(5);
  /// Called with the size of the object as soon as a download knows it.
  std::function<void(std::uint64_t)> on_size;
  /// Called with the bytes of each finished part.
  std::function<void(std::uint64_t)> progress;
};

struct DownloadResult {
  DownloadResult() = default;
  ObjectInfo info;
};

struct UploadResult {
  UploadResult() = default;
  /// Empty where the server does not tell it: CompleteMultipartUploadResult::etag.
  ETag etag;
  std::uint32_t parts = 0;  ///< 0: one PutObject
};

/// Reads an object into memory, its parts side by side, each from the socket to its place. The
/// first request tells size and ETag, and all others are pinned to that version:
/// `precondition_failed` when the object changes meanwhile. `out` may be larger than the object;
/// `too_large` when it is smaller. After a failure the memory holds some of the bytes.
engine::Task<Result<DownloadResult>> download(Client& client, const GetObjectOptions& object,
                                              http::MutableBytes out,
                                              const TransferOptions& options);

/// The same into a file, from its first byte, through blocks leased from `pool`: at most
/// concurrency x part_bytes, and never more than the pool's budget (which must hold one part).
engine::Task<Result<DownloadResult>> download(Client& client, const GetObjectOptions& object,
                                              engine::File& file, engine::BufferPool& pool,
                                              const TransferOptions& options);

/// Sends bytes as one object: by PutObject when they fit one part, else by a multipart upload whose
/// parts go out side by side. Every failure, and a stop, aborts the upload before it returns
/// (shielded, for a minute at most), and looks for a third of a second whether a part that was cut
/// off keeps it alive. What leaves it: a lost answer to Complete, with maybe_applied() set, and an
/// abort that fails, which the message names.
///
/// An upload whose creation was not answered (lost, or not within stop_grace of a stop) may exist
/// without parts, its id known to nobody: after a failure with maybe_applied(), and where the
/// creation was repeated (CreateMultipartUploadResult::twins_possible) also beside an object that
/// is complete. It is not looked for, since another's upload of the same key looks alike.
/// Client::list_multipart_uploads shows it; a lifecycle rule (AbortIncompleteMultipartUpload)
/// removes it.
engine::Task<Result<UploadResult>> upload(Client& client, const PutObjectOptions& object,
                                          http::ConstBytes bytes, const TransferOptions& options);

/// The same from the first `size` bytes of a file, through blocks leased from `pool`.
engine::Task<Result<UploadResult>> upload(Client& client, const PutObjectOptions& object,
                                          engine::File& file, std::uint64_t size,
                                          engine::BufferPool& pool, const TransferOptions& options);

}  // namespace ringpull::inline v0::s3
