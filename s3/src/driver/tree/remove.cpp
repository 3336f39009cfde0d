#include "s3/src/driver/tree/remove.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/sync.hpp>
#include <ringpull/s3/storage_error.hpp>

#include "s3/src/driver/tree/deletion.hpp"
#include "s3/src/driver/tree/listing.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::Scope;
using engine::Semaphore;
using engine::Task;

namespace {

/// What lies at a path and below it, by key.
class Subtree {
 public:
  Subtree(const KeyMap& keys, std::string_view path)
      : object_(keys.key(path).str()),
        below_(keys.prefix_below(path)),
        sidecar_(keys.sidecar_key(path).str()) {}

  const std::string& object() const noexcept { return object_; }
  const std::string& below() const noexcept { return below_; }
  const std::string& sidecar() const noexcept { return sidecar_; }

  bool holds(std::string_view key) const noexcept {
    return key == object_ || key == sidecar_ || key.starts_with(below_);
  }
  bool holds_upload(std::string_view key) const noexcept {
    return key == object_ || key.starts_with(below_);
  }
  /// A closed writer's sidecar, or anything in a directory, where killed writers may have been.
  bool hints_at_uploads(std::string_view key) const noexcept {
    return key == sidecar_ || key.starts_with(below_);
  }
  /// All below comes before this key in byte order.
  bool ends_before(std::string_view key) const noexcept {
    return key > below_ && !key.starts_with(below_);
  }

 private:
  std::string object_;
  std::string below_;
  std::string sidecar_;
};

/// What the parts of one remove share.
struct Removal {
  Removal(Core& core_in, std::string_view path)
      : core(core_in), tree(core_in.keys, path), slots(core_in.options.remove_concurrency) {}

  void report(DeleteFailures failures) {
    failed += failures.size();
    if (!first && !failures.empty()) first.emplace(std::move(failures.front()));
  }

  Core& core;
  Subtree tree;
  Semaphore slots;
  bool found = false;
  bool uploads_aborted = false;
  std::size_t failed = 0;
  std::optional<DeleteObjectsResult::Failure> first;
};

struct Aborts {
  Aborts(Removal& job_in, const std::vector<ListedUpload>& uploads_in)
      : job(job_in), uploads(uploads_in) {}
  Removal& job;
  const std::vector<ListedUpload>& uploads;
  std::size_t next = 0;
};

Task<Result<void>> abort_next_ones(Aborts& aborts) {
  Core& core = aborts.job.core;
  while (aborts.next < aborts.uploads.size()) {
    const ListedUpload& upload = aborts.uploads[aborts.next++];
    if (!aborts.job.tree.holds_upload(upload.key.str())) continue;
    AbortMultipartUploadOptions request(core.options.bucket, upload.key, upload.upload_id);
    RINGPULL_CO_CHECK(co_await core.client.abort_multipart_upload(request));
  }
  co_return Result<void>();
}

Task<Result<void>> abort_listed_uploads(Removal& job) {
  ListMultipartUploadsOptions request(job.core.options.bucket, job.tree.object());
  while (true) {
    RINGPULL_CO_TRY(ListMultipartUploadsResult page,
                    co_await job.core.client.list_multipart_uploads(request));
    Aborts aborts(job, page.uploads);
    engine::Context& context = co_await engine::current_context();
    Scope scope(context);
    for (std::size_t i = 0; i < kSingleDeletes; ++i) scope.spawn(abort_next_ones(aborts));
    RINGPULL_CO_CHECK(co_await scope.join());
    if (!page.truncated) co_return Result<void>();
    request.key_marker = std::move(page.next_key_marker);
    request.upload_id_marker = std::move(page.next_upload_id_marker);
  }
}

/// Before the first object goes, since it is what tells a later remove of the uploads.
Task<Result<void>> abort_uploads(Removal& job) {
  if (job.uploads_aborted) co_return Result<void>();
  job.uploads_aborted = true;
  auto aborted = co_await abort_listed_uploads(job);
  // A key may be allowed to delete objects and not to touch uploads: they are for the bucket's
  // lifecycle rule then.
  bool may_not = !aborted && (aborted.error().is(ErrorKind::permission_denied) ||
                              aborted.error().is(ErrorKind::unsupported));
  if (may_not) co_return Result<void>();
  co_return aborted;
}

Task<Result<void>> delete_page(Removal& job, std::vector<ObjectKey> keys, Semaphore::Permit slot) {
  RINGPULL_CO_TRY(DeleteFailures failures, co_await delete_all(job.core, std::move(keys)));
  job.report(std::move(failures));
  slot.release();
  co_return Result<void>();
}

/// Deletes what a page holds of the tree, once there is a slot; returns when that has begun.
Task<Result<void>> delete_found(Removal& job, Scope& scope, const ListedPage& page) {
  std::vector<ObjectKey> keys;
  bool uploads = false;
  for (const ListedObject& object : page.objects) {
    if (!job.tree.holds(object.key.str())) continue;
    keys.push_back(object.key);
    uploads = uploads || job.tree.hints_at_uploads(object.key.str());
  }
  if (keys.empty()) co_return Result<void>();
  job.found = true;
  if (uploads) {
    RINGPULL_CO_CHECK(co_await abort_uploads(job));
  }
  RINGPULL_CO_TRY(Semaphore::Permit slot, co_await job.slots.acquire());
  scope.spawn(delete_page(job, std::move(keys), std::move(slot)));
  co_return Result<void>();
}

/// The last key that the pages so far came to.
Task<Result<std::string>> delete_from_first_page(Removal& job, Scope& scope, Listing& listing) {
  while (!listing.done()) {
    RINGPULL_CO_TRY(ListedPage page, co_await listing.next());
    if (page.empty()) continue;
    RINGPULL_CO_CHECK(co_await delete_found(job, scope, page));
    co_return page.objects.back().key.str();
  }
  co_return std::string();
}

Task<Result<void>> delete_subtree(Removal& job, Scope& scope) {
  // In byte order: the object, siblings ("a-b", "a.b"), what is below ("a/"), more siblings, and
  // among them the sidecar ("a~").
  Listing nearby(job.core, job.tree.object(), Listing::Grouping::flat);
  RINGPULL_CO_TRY(std::string last, co_await delete_from_first_page(job, scope, nearby));
  if (nearby.done()) co_return Result<void>();
  if (!job.tree.ends_before(last)) {
    Listing below(job.core, job.tree.below(), Listing::Grouping::flat);
    if (last > job.tree.below()) below.seek(last);
    while (!below.done()) {
      RINGPULL_CO_TRY(ListedPage page, co_await below.next());
      RINGPULL_CO_CHECK(co_await delete_found(job, scope, page));
    }
  }
  if (last < job.tree.sidecar()) {
    ListedPage unseen;
    auto sidecar = co_await first_object(job.core, job.tree.sidecar());
    if (!sidecar) co_return fail(std::move(sidecar).error());
    if (*sidecar) unseen.objects.push_back(std::move(**sidecar));
    RINGPULL_CO_CHECK(co_await delete_found(job, scope, unseen));
  }
  co_return Result<void>();
}

Error incomplete(const Removal& job, std::string_view path) {
  std::string text = std::to_string(job.failed) +
                     " objects could not be deleted, the first of them " + job.first->key.str();
  return storage_failure(Error(job.first->error).context(text), "remove", path);
}

/// One remove_files: failures by path.
struct FilesRemoval {
  FilesRemoval(Core& core_in, std::span<const std::string> paths_in)
      : core(core_in), paths(paths_in) {}
  Core& core;
  std::span<const std::string> paths;
  std::size_t next = 0;
  std::size_t batches_asked = 0;
  std::vector<RemoveFailure> failures;
};

/// Nobody could be asked for these.
void report_unasked(FilesRemoval& job, std::span<const std::string> batch, const Error& error) {
  for (const std::string& path : batch) {
    job.failures.emplace_back(path, storage_failure(Error(error), "remove", path));
  }
}

Task<Result<void>> remove_next_batches(FilesRemoval& job) {
  engine::Context& context = co_await engine::current_context();
  while (job.next < job.paths.size()) {
    auto batch = job.paths.subspan(job.next);
    batch = batch.first(std::min(batch.size(), kDeleteObjectsMax));
    job.next += batch.size();
    std::vector<ObjectKey> keys;
    keys.reserve(batch.size());
    for (const std::string& path : batch) keys.push_back(job.core.keys.key(path));
    auto refused = co_await delete_all(job.core, std::move(keys));
    if (!refused && context.stop_requested()) co_return fail(std::move(refused).error());
    if (!refused) {
      report_unasked(job, batch, refused.error());
      continue;
    }
    ++job.batches_asked;
    for (auto& failure : *refused) {
      std::string path = job.core.keys.path(failure.key.str()).value_or(failure.key.str());
      Error error = storage_failure(std::move(failure.error), "remove", path);
      job.failures.emplace_back(std::move(path), std::move(error));
    }
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> remove(Core& core, std::string_view path) {
  Removal job(core, path);
  engine::Context& context = co_await engine::current_context();
  Scope scope(context);
  scope.spawn(delete_subtree(job, scope));
  auto done = co_await scope.join();
  if (!done) co_return fail(storage_failure(std::move(done).error(), "remove", path));
  if (!job.found) co_return fail(path_not_found(kDriverName, "remove", path));
  if (job.failed > 0) co_return fail(incomplete(job, path));
  co_return Result<void>();
}

Task<Result<std::vector<RemoveFailure>>> remove_files(Core& core,
                                                      std::span<const std::string> paths) {
  FilesRemoval job(core, paths);
  engine::Context& context = co_await engine::current_context();
  Scope scope(context);
  for (std::size_t i = 0; i < core.options.remove_concurrency; ++i) {
    scope.spawn(remove_next_batches(job));
  }
  RINGPULL_CO_CHECK(co_await scope.join());
  bool nothing_tried = !job.failures.empty() && job.batches_asked == 0;
  if (nothing_tried) co_return fail(std::move(job.failures.front().error));
  co_return std::move(job.failures);
}

}  // namespace ringpull::inline v0::s3::driver
