#pragma once
// How transfers and moves begin an upload in parts; abort_upload.hpp is its end. Writers of the
// driver begin theirs in driver/write/multipart_upload.cpp.

#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/s3/client.hpp>

namespace ringpull::inline v0::s3 {

/// CreateMultipartUpload for a caller who will abort what it makes. A stop or deadline does not end
/// it at once, which would leave an upload whose id nobody knows: the answer is waited for, `grace`
/// long. So it may succeed although the caller is to stop. maybe_applied() where an upload may
/// exist.
engine::Task<Result<CreateMultipartUploadResult>> create_upload(
    Client& client, const CreateMultipartUploadOptions& request, engine::Duration grace);

}  // namespace ringpull::inline v0::s3
