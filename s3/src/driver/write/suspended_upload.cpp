#include "s3/src/driver/write/suspended_upload.hpp"

#include "s3/src/driver/write/upload_listing.hpp"
#include "s3/src/protocol/missing.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::Task;

namespace {

// How many uploads of one key are looked through. A Create whose answer got lost and that was
// repeated leaves an empty one in front of that which got the parts.
constexpr std::size_t kUploadsMax = 10;

/// Whether the server has the upload as the record tells, judged by its last part.
Task<Result<bool>> is_current(Core& core, const ObjectKey& key, const UploadRecord& record) {
  ListPartsOptions request(core.options.bucket, key, record.upload_id);
  auto count = static_cast<std::uint32_t>(record.parts.size());
  if (count > 0) request.part_number_marker = count - 1;
  RINGPULL_CO_TRY(ListPartsResult page, co_await list_parts_page(core, request));
  if (page.truncated) co_return false;
  if (count == 0) co_return page.parts.empty();
  if (page.parts.size() != 1) co_return false;
  const ListedPart& last = page.parts.front();
  const StoredPart& recorded = record.parts.back();
  co_return last.number.value() == count&& last.size_bytes == recorded.size_bytes&& last.etag ==
      recorded.etag;
}

Task<Result<SuspendedUpload>> from_listing(Core& core, const ObjectKey& key, UploadId id) {
  RINGPULL_CO_TRY(PartListing listing, co_await list_leading_parts(core, key, id));
  SuspendedUpload upload;
  upload.id = std::move(id);
  upload.parts = std::move(listing.parts);
  upload.checksum = listing.checksum;
  upload.modified = listing.modified;
  co_return upload;
}

/// Nothing when the server does not have the recorded upload any more.
Task<Result<std::optional<SuspendedUpload>>> from_sidecar(Core& core, const ObjectKey& key,
                                                          Sidecar sidecar) {
  std::optional<SuspendedUpload> found;
  auto current = co_await is_current(core, key, sidecar.record);
  if (!current && is_gone_upload(current.error())) co_return found;
  if (!current) co_return fail(std::move(current).error());
  if (*current) {
    SuspendedUpload& upload = found.emplace();
    upload.id = std::move(sidecar.record.upload_id);
    upload.parts = std::move(sidecar.record.parts);
    upload.checksum = sidecar.record.checksum;
    upload.part_bytes = sidecar.record.part_bytes;
    upload.tail = std::move(sidecar.tail);
    upload.modified = sidecar.modified;
    co_return found;
  }
  // A writer went on from here and was not closed, or docker distribution's was.
  RINGPULL_CO_TRY(found, co_await from_listing(core, key, sidecar.record.upload_id));
  found->checksum = sidecar.record.checksum;
  found->part_bytes = sidecar.record.part_bytes;
  co_return found;
}

/// The first upload that has parts, or else the first.
Task<Result<std::optional<SuspendedUpload>>> from_uploads_of(Core& core, const ObjectKey& key) {
  std::optional<SuspendedUpload> found;
  RINGPULL_CO_TRY(auto ids, co_await list_uploads_of(core, key, kUploadsMax));
  for (UploadId& id : ids) {
    auto listed = co_await from_listing(core, key, std::move(id));
    if (!listed && is_gone_upload(listed.error())) continue;  // listed late
    if (!listed) co_return fail(std::move(listed).error());
    bool has_parts = !listed->parts.empty();
    if (!found || has_parts) found = std::move(*listed);
    if (has_parts) break;
  }
  co_return found;
}

}  // namespace

Task<Result<SearchResult>> find_suspended_upload(Core& core, std::string_view path) {
  SearchResult result;
  ObjectKey key = core.keys.key(path);
  auto sidecar = co_await load_sidecar(core, path);
  // One that cannot be read is as good as none: all its bytes are in the upload, too.
  bool unreadable = !sidecar && sidecar.error().is(ErrorKind::protocol);
  if (!sidecar && !unreadable) co_return fail(std::move(sidecar).error());
  result.sidecar = unreadable || sidecar->has_value();
  if (sidecar && *sidecar) {
    RINGPULL_CO_TRY(result.upload, co_await from_sidecar(core, key, std::move(**sidecar)));
    if (result.upload) co_return result;
  }
  RINGPULL_CO_TRY(result.upload, co_await from_uploads_of(core, key));
  co_return result;
}

bool is_replaced_by(const ObjectInfo& file, const SuspendedUpload& upload) noexcept {
  bool known = file.last_modified && upload.modified;
  if (file.size_bytes == 0) return known && *file.last_modified > *upload.modified;
  return !known || *file.last_modified >= *upload.modified;
}

}  // namespace ringpull::inline v0::s3::driver
