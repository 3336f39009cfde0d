#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include <ringpull/engine/combinators.hpp>

#include "tools/check/steps.hpp"

namespace ringpull::tools {

using engine::Deadline;
using engine::Task;

namespace {

/// Ten requests, each of them small.
constexpr auto kCleanupTime = std::chrono::seconds(30);

/// Where the key may not abort, what it may complete it can delete.
Task<Result<void>> end_upload(Probe& probe) {
  s3::AbortMultipartUploadOptions options(probe.bucket(), probe.upload->key, probe.upload->id);
  auto ended = co_await probe.client().abort_multipart_upload(options);
  if (!ended && !probe.upload->parts.empty()) {
    auto completed = co_await finish_upload(probe);
    if (completed) ended = Result<void>();
  }
  if (ended) probe.upload.reset();
  co_return ended;
}

Task<Result<std::vector<s3::ListedUpload>>> uploads_left(Probe& probe) {
  s3::ListMultipartUploadsOptions options(probe.bucket(), probe.key_prefix());
  RINGPULL_CO_TRY(s3::ListMultipartUploadsResult page,
                  co_await probe.client().list_multipart_uploads(options));
  co_return std::move(page.uploads);
}

/// A CreateMultipartUpload that was stopped may have made one whose id never came.
Task<void> abort_unknown_uploads(Probe& probe) {
  auto uploads = co_await uploads_left(probe);
  if (!uploads) co_return;  // verify_nothing_left says so
  for (const s3::ListedUpload& upload : *uploads) {
    s3::AbortMultipartUploadOptions options(probe.bucket(), upload.key, upload.upload_id);
    auto aborted = co_await probe.client().abort_multipart_upload(options);
    (void)aborted;  // nor is this one forgotten
  }
}

Task<Result<void>> delete_stored(Probe& probe) {
  Result<void> outcome;
  std::vector<s3::ObjectKey> left;
  for (const s3::ObjectKey& key : probe.stored) {
    s3::DeleteObjectOptions options(probe.bucket(), key);
    auto deleted = co_await probe.client().delete_object(options);
    if (deleted) continue;
    left.push_back(key);
    outcome = std::move(deleted);
  }
  probe.stored = std::move(left);
  co_return outcome;
}

Task<Result<void>> end_all(Probe& probe) {
  Result<void> ended;
  if (probe.upload) ended = co_await end_upload(probe);
  co_await abort_unknown_uploads(probe);
  auto deleted = co_await delete_stored(probe);
  co_return deleted ? ended : deleted;
}

std::string names_of(const Probe& probe) {
  std::string names;
  for (const s3::ObjectKey& key : probe.stored) names += ' ' + key.str();
  if (probe.upload)
    names += fmt::format(" {} (upload {})", probe.upload->key.str(), probe.upload->id.str());
  return names;
}

}  // namespace

Task<StepOutcome> clean_up(Probe& probe) {
  std::size_t count = probe.stored.size();
  probe.asks_for("s3:DeleteObject");
  auto outcome = co_await engine::shielded(Deadline::after(kCleanupTime), end_all(probe));
  if (!outcome) {
    co_return fail(std::move(outcome).error().context("left behind:" + names_of(probe)));
  }
  probe.learn(Fact::cleanup);
  co_return fmt::format("{} objects deleted", count);
}

Task<StepOutcome> verify_nothing_left(Probe& probe) {
  s3::ListObjectsV2Options options(probe.bucket(), probe.key_prefix());
  probe.asks_for("s3:ListBucket");
  RINGPULL_CO_TRY(s3::ListObjectsV2Result page, co_await probe.client().list_objects_v2(options));
  probe.asks_for("s3:ListBucketMultipartUploads");
  RINGPULL_CO_TRY(std::vector<s3::ListedUpload> uploads, co_await uploads_left(probe));
  if (page.objects.empty() && uploads.empty()) {
    co_return fmt::format("no object and no upload below {}", options.prefix);
  }
  co_return fail(ErrorKind::internal,
                 fmt::format("{} objects and {} uploads are left below {}; delete and abort them",
                             page.objects.size(), uploads.size(), options.prefix));
}

}  // namespace ringpull::tools
