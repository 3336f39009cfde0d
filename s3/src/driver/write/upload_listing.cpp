#include "s3/src/driver/write/upload_listing.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/timer.hpp>

#include "s3/src/multipart/abort_upload.hpp"
#include "s3/src/protocol/missing.hpp"
#include "s3/src/protocol/missing_permission.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::Task;

namespace {

// An upload whose creation was repeated has a few twins at most.
constexpr std::size_t kTwinsMax = 100;
// A creation that was cut off may still be carried out once its uploads were looked for: a third of
// a second is long for that. Pauses before each look, so that most looks come early.
constexpr std::array kLookPauses = {std::chrono::milliseconds(0), std::chrono::milliseconds(50),
                                    std::chrono::milliseconds(100), std::chrono::milliseconds(200)};
/// Of the times in a listing.
constexpr std::chrono::seconds kTimeStep{1};

/// The number behind x-amz-checksum-crc32c or -crc64nvme.
std::optional<std::uint64_t> crc_value(const ObjectChecksum& checksum) {
  if (checksum.composite || checksum.algorithm == ChecksumAlgorithm::sha256) return std::nullopt;
  auto raw = unbase64(checksum.base64);
  std::size_t size = checksum.algorithm == ChecksumAlgorithm::crc32c ? 4 : 8;
  if (!raw || raw->size() != size) return std::nullopt;
  std::uint64_t value = 0;
  for (char byte : *raw) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// Takes up the next part; the list's algorithm is that of part 1, and none as soon as one lacks
/// it.
void append_part(PartListing& listing, const ListedPart& part) {
  StoredPart stored(part.size_bytes, part.etag);
  if (listing.parts.empty() && !part.checksums.empty() && crc_value(part.checksums.front())) {
    listing.checksum = part.checksums.front().algorithm;
  }
  for (const ObjectChecksum& checksum : part.checksums) {
    if (checksum.algorithm == listing.checksum) stored.crc = crc_value(checksum);
  }
  if (!stored.crc) listing.checksum.reset();
  listing.modified = std::max(listing.modified, part.last_modified);  // nothing is before all times
  listing.parts.push_back(std::move(stored));
}

/// One that was listed and is gone has nothing to abort.
Task<Result<bool>> is_empty(Core& core, const ObjectKey& key, const UploadId& id) {
  ListPartsOptions request(core.options.bucket, key, id);
  request.parts_max = 1;
  auto page = co_await list_parts_page(core, request);
  if (page) co_return page->parts.empty();
  if (is_gone_upload(page.error())) co_return false;
  co_return fail(std::move(page).error());
}

Task<Result<void>> abort_empty(Core& core, const ObjectKey& key, const std::vector<UploadId>& ids) {
  for (const UploadId& id : ids) {
    RINGPULL_CO_TRY(bool empty, co_await is_empty(core, key, id));
    if (!empty) continue;
    RINGPULL_CO_CHECK(
        co_await abort_upload(core.client, core.options.bucket, key, id, LateParts::none));
  }
  co_return Result<void>();
}

/// Those with this very key, all pages, up to `most`.
Task<Result<std::vector<ListedUpload>>> list_all_of(Core& core, const ObjectKey& key,
                                                    std::size_t most) {
  std::vector<ListedUpload> uploads;
  ListMultipartUploadsOptions request(core.options.bucket, key.str());
  while (true) {
    auto page = co_await core.client.list_multipart_uploads(request);
    if (!page) {
      co_return fail(name_permission(std::move(page).error(), "s3:ListBucketMultipartUploads"));
    }
    for (ListedUpload& upload : page->uploads) {
      if (upload.key != key) continue;
      uploads.push_back(std::move(upload));
      if (uploads.size() == most) co_return uploads;
    }
    if (!page->truncated) co_return uploads;
    // S3 ignores the upload's marker without the key's.
    request.key_marker = std::move(page->next_key_marker);
    request.upload_id_marker = std::move(page->next_upload_id_marker);
  }
}

/// The others that were begun no more than `before` before `own`, and not after it; nothing where
/// its time is not known.
std::vector<UploadId> begun_with(const UploadId& own, const std::vector<ListedUpload>& uploads,
                                 std::chrono::seconds before) {
  std::vector<UploadId> ids;
  auto ours = std::find_if(uploads.begin(), uploads.end(),
                           [&](const ListedUpload& upload) { return upload.upload_id == own; });
  if (ours == uploads.end() || !ours->initiated) return ids;
  std::chrono::sys_seconds earliest = *ours->initiated - before;
  std::chrono::sys_seconds latest = *ours->initiated + kTimeStep;
  for (const ListedUpload& upload : uploads) {
    bool with_ours =
        upload.initiated && *upload.initiated >= earliest && *upload.initiated <= latest;
    if (with_ours && upload.upload_id != own) ids.push_back(upload.upload_id);
  }
  return ids;
}

Task<Result<void>> look_for_twins_of(Core& core, const ObjectKey& key, const UploadId& own,
                                     std::chrono::seconds before) {
  for (engine::Duration pause : kLookPauses) {
    RINGPULL_CO_CHECK(co_await engine::sleep_for(pause));
    RINGPULL_CO_TRY(auto uploads, co_await list_all_of(core, key, kTwinsMax));
    std::vector<UploadId> twins = begun_with(own, uploads, before);
    RINGPULL_CO_CHECK(co_await abort_empty(core, key, twins));
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> abort_empty_uploads_of(Core& core, const ObjectKey& key) {
  for (engine::Duration pause : kLookPauses) {
    RINGPULL_CO_CHECK(co_await engine::sleep_for(pause));
    RINGPULL_CO_TRY(auto ids, co_await list_uploads_of(core, key, kTwinsMax));
    RINGPULL_CO_CHECK(co_await abort_empty(core, key, ids));
  }
  co_return Result<void>();
}

Task<Result<void>> abort_twins_of(Core& core, const ObjectKey& key, const UploadId& own,
                                  engine::Duration took) {
  // The server's times are cut to seconds.
  std::chrono::seconds before = std::chrono::ceil<std::chrono::seconds>(took) + kTimeStep;
  engine::Deadline limit = engine::Deadline::after(core.twin_search_time);
  auto alone = co_await engine::with_deadline(limit, look_for_twins_of(core, key, own, before));
  co_return alone;
}

Task<Result<std::vector<UploadId>>> list_uploads_of(Core& core, const ObjectKey& key,
                                                    std::size_t most) {
  RINGPULL_CO_TRY(auto uploads, co_await list_all_of(core, key, most));
  std::vector<UploadId> ids;
  for (ListedUpload& upload : uploads) ids.push_back(std::move(upload.upload_id));
  co_return ids;
}

Task<Result<ListPartsResult>> list_parts_page(Core& core, const ListPartsOptions& request) {
  auto page = co_await core.client.list_parts(request);
  if (!page) {
    co_return fail(name_permission(std::move(page).error(), "s3:ListMultipartUploadParts"));
  }
  co_return page;
}

Task<Result<PartListing>> list_leading_parts(Core& core, const ObjectKey& key, const UploadId& id) {
  PartListing listing;
  ListPartsOptions request(core.options.bucket, key, id);
  while (true) {
    RINGPULL_CO_TRY(ListPartsResult page, co_await list_parts_page(core, request));
    for (const ListedPart& part : page.parts) {
      bool gap = part.number.value() != listing.parts.size() + 1;
      bool small = !listing.parts.empty() && listing.parts.back().size_bytes < kPartBytesMin;
      if (gap || small) co_return listing;
      append_part(listing, part);
    }
    if (!page.truncated) co_return listing;
    request.part_number_marker = page.next_part_number_marker;
  }
}

}  // namespace ringpull::inline v0::s3::driver
