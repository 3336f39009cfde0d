#include "s3/src/multipart/abort_upload.hpp"

#include <array>
#include <chrono>

#include <ringpull/engine/timer.hpp>

#include "s3/src/protocol/missing.hpp"
#include "s3/src/protocol/missing_permission.hpp"

namespace ringpull::inline v0::s3 {

using engine::Task;

namespace {

// A third of a second is long for a part that was cut off. Pauses before each look, so that most
// looks come early.
constexpr std::array kLookPauses = {std::chrono::milliseconds(0), std::chrono::milliseconds(50),
                                    std::chrono::milliseconds(100), std::chrono::milliseconds(200)};
// Each time another part has arrived late; there are few.
constexpr int kAbortsMax = 8;

Task<Result<void>> abort_once(Client& client, const AbortMultipartUploadOptions& request) {
  auto aborted = co_await client.abort_multipart_upload(request);
  if (!aborted) {
    co_return fail(name_permission(std::move(aborted).error(), "s3:AbortMultipartUpload"));
  }
  co_return aborted;
}

}  // namespace

Task<Result<void>> abort_upload(Client& client, const Bucket& bucket, const ObjectKey& key,
                                const UploadId& id, LateParts late) {
  AbortMultipartUploadOptions request(bucket, key, id);
  RINGPULL_CO_CHECK(co_await abort_once(client, request));
  if (late == LateParts::none) co_return Result<void>();
  ListPartsOptions look(bucket, key, id);
  look.parts_max = 1;
  int aborts = 1;
  for (std::size_t pause = 0; pause < kLookPauses.size() && aborts < kAbortsMax; ++pause) {
    RINGPULL_CO_CHECK(co_await engine::sleep_for(kLookPauses[pause]));
    auto parts = co_await client.list_parts(look);
    if (!parts && is_gone_upload(parts.error())) continue;
    if (!parts) break;  // the permission to look is missing, and there was one abort
    RINGPULL_CO_CHECK(co_await abort_once(client, request));
    ++aborts;
    pause = 0;  // then the next one is after the first pause
  }
  co_return Result<void>();
}

}  // namespace ringpull::inline v0::s3
