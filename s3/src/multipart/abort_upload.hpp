#pragma once
// The end of a multipart upload that is not to become an object.

#include <cstdint>

#include <ringpull/engine/task.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/names.hpp>

namespace ringpull::inline v0::s3 {

/// Whether the server may still be storing a part, because a request for one was cut off.
enum class LateParts : std::uint8_t { none, possible };

/// AbortMultipartUpload; an upload that is already gone is a success. Where the permission may be
/// what is missing, the Error names it.
///
/// A part that arrives late can keep an upload alive, or bring it back (AbortMultipartUpload in the
/// API reference; radosgw does so). Where one is possible this looks whether the upload is gone,
/// and for a third of a second whether it stays so, and aborts it again if not.
engine::Task<Result<void>> abort_upload(Client& client, const Bucket& bucket, const ObjectKey& key,
                                        const UploadId& id, LateParts late);

}  // namespace ringpull::inline v0::s3
