#pragma once
// The object that keeps the state of a closed writer: stored, read, removed.

#include <chrono>
#include <optional>
#include <string_view>

#include <ringpull/engine/task.hpp>

#include "s3/src/driver/core/core.hpp"
#include "s3/src/driver/write/upload_record.hpp"

namespace ringpull::inline v0::s3::driver {

/// Where a sidecar keeps the bytes of an upload's last part.
struct TailCopy {
  TailCopy() = default;

  ETag sidecar;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t crc64nvme = 0;
};

struct Sidecar {
  Sidecar() = default;

  UploadRecord record;
  std::optional<TailCopy> tail;
  /// When it was stored, by the server's clock.
  std::optional<std::chrono::sys_seconds> modified;
};

/// Replaces what was there. `tail` is empty, or the bytes of the record's last part. Sent with ACL
/// and encryption of the driver's objects, but in the default storage class: the others bill a
/// month for what lives until the next write.
///
/// Does nothing where a key has no room for the sidecar's suffix (the last 16 of 1024 bytes): such
/// uploads are continued like docker distribution's.
engine::Task<Result<void>> store_sidecar(Core& core, std::string_view path, UploadRecord record,
                                         http::ConstBytes tail);
/// Of `path`, without its tail: one request unless the upload has very many parts. Nothing when
/// there is none; `protocol` when it cannot be understood.
engine::Task<Result<std::optional<Sidecar>>> load_sidecar(Core& core, std::string_view path);
/// The tail into `out`, which has its size. `checksum_mismatch` when it is not what was stored,
/// `not_found` or `precondition_failed` when the sidecar was removed or replaced.
engine::Task<Result<void>> load_tail(Core& core, std::string_view path, const TailCopy& tail,
                                     http::MutableBytes out);
engine::Task<Result<void>> remove_sidecar(Core& core, std::string_view path);

}  // namespace ringpull::inline v0::s3::driver
