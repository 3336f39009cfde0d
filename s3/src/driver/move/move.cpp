#include "s3/src/driver/move/move.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/http/range.hpp>

#include "s3/src/driver/tree/listing.hpp"
#include "s3/src/driver/write/multipart_upload.hpp"
#include "s3/src/driver/write/upload_listing.hpp"
#include "s3/src/multipart/abort_upload.hpp"
#include "s3/src/multipart/create_upload.hpp"
#include "s3/src/protocol/missing.hpp"
#include "s3/src/protocol/multipart_etag.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::Deadline;
using engine::Task;

namespace {

/// How long a stop waits for the id of an upload that is being created.
constexpr auto kStopGrace = std::chrono::seconds(5);

/// What the workers of one copy share.
struct Copy {
  Copy(Core& core_in, ObjectKey from_in, ObjectKey to_in, ObjectInfo source_in)
      : core(core_in),
        from(std::move(from_in)),
        to(std::move(to_in)),
        source(std::move(source_in)) {}

  const Bucket& bucket() const noexcept { return core.options.bucket; }

  Core& core;
  ObjectKey from;
  ObjectKey to;
  ObjectInfo source;
  // A copy in parts:
  UploadId id;
  std::uint64_t part_bytes = 0;
  std::uint64_t next_byte = 0;
  std::uint32_t parts_taken = 0;
  std::vector<CompletedPart> completed;
  bool completing = false;
};

std::uint64_t part_size(const S3DriverOptions& options, std::uint64_t size) {
  std::uint64_t least = (size + kPartNumberMax - 1) / kPartNumberMax;
  return std::max(options.copy_chunk_bytes, least);
}

/// Whether the object at `to` is the source's content: ETags that are equal stand for equal bytes.
Task<bool> is_copied(Copy& job) {
  HeadObjectOptions look(job.bucket(), job.to);
  auto found = co_await job.core.client.head_object(look);
  co_return found && !found->etag.if_strong().empty() && found->etag == job.source.etag &&
      found->size_bytes == job.source.size_bytes;
}

Task<Result<void>> copy_whole(Copy& job) {
  CopyObjectOptions request;
  request.source_bucket = job.bucket();
  request.source_key = job.from;
  request.source_if_match = job.source.etag.if_strong();
  request.bucket = job.bucket();
  request.key = job.to;
  request.attributes = object_attributes(job.core);
  auto copied = co_await job.core.client.copy_object(request);
  if (copied) co_return Result<void>();
  if (copied.error().maybe_applied()) {
    bool done = co_await is_copied(job);
    if (done) co_return Result<void>();
  }
  co_return fail(std::move(copied).error());
}

Task<Result<void>> copy_parts(Copy& job) {
  while (job.next_byte < job.source.size_bytes) {
    std::uint64_t size = std::min(job.part_bytes, job.source.size_bytes - job.next_byte);
    PartNumber number(++job.parts_taken);
    UploadPartCopyOptions request;
    request.source_bucket = job.bucket();
    request.source_key = job.from;
    request.source_if_match = job.source.etag.if_strong();
    RINGPULL_CO_TRY(request.source_range, http::ByteRange::of_length(job.next_byte, size));
    request.bucket = job.bucket();
    request.key = job.to;
    request.upload_id = job.id;
    request.number = number;
    job.next_byte += size;
    RINGPULL_CO_TRY(UploadPartCopyResult part, co_await job.core.client.upload_part_copy(request));
    job.completed.emplace_back(number, std::move(part.etag));
  }
  co_return Result<void>();
}

Task<Result<void>> copy_all_parts(Copy& job) {
  std::uint64_t parts = (job.source.size_bytes + job.part_bytes - 1) / job.part_bytes;
  std::uint64_t workers = std::min<std::uint64_t>(parts, job.core.options.copy_concurrency);
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  for (std::uint64_t i = 0; i < workers; ++i) scope.spawn(copy_parts(job));
  auto joined = co_await scope.join();
  co_return joined;
}

Task<Result<void>> copy_and_complete(Copy& job) {
  RINGPULL_CO_CHECK(co_await copy_all_parts(job));
  std::sort(job.completed.begin(), job.completed.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  CompleteMultipartUploadOptions request(job.bucket(), job.to, job.id);
  request.parts = job.completed;
  job.completing = true;
  auto completed = co_await job.core.client.complete_multipart_upload(request);
  if (!completed) co_return fail(std::move(completed).error());
  // The client may take the number of parts for a proof; a source is not deleted on that.
  bool unproven = completed->answer_lost && multipart_etag(job.completed).empty();
  if (unproven) {
    co_return fail(Error(ErrorKind::connection_closed, "the answer to the completion was lost")
                       .with_maybe_applied(true));
  }
  co_return Result<void>();
}

/// What only the server of the upload says; a proxy's 404 means nothing.
Task<Result<bool>> upload_is_gone(Copy& job) {
  ListPartsOptions request(job.bucket(), job.to, job.id);
  request.parts_max = 1;
  auto parts = co_await job.core.client.list_parts(request);
  if (!parts && is_gone_upload(parts.error())) co_return true;
  if (!parts) co_return fail(std::move(parts).error());
  co_return false;
}

/// Whether the object at `to` is what the parts make. Parts whose ETags are no MD5s prove nothing:
/// an older object may have as many.
Task<Result<bool>> is_joined(Copy& job) {
  std::string expected = multipart_etag(job.completed);
  if (expected.empty()) co_return false;
  HeadObjectOptions look(job.bucket(), job.to);
  auto found = co_await job.core.client.head_object(look);
  if (found) {
    co_return found->size_bytes == job.source.size_bytes && found->etag.str() == expected;
  }
  // A key that may not read objects may list them. Of all keys that begin like this one it is
  // first.
  RINGPULL_CO_TRY(auto listed, co_await first_object(job.core, job.to.str()));
  co_return listed && listed->key == job.to && listed->size_bytes == job.source.size_bytes &&
      listed->etag.str() == expected;
}

/// Finds out whether a copy that failed went through all the same; aborts it if not. The upload's
/// end alone shows nothing: others may have aborted it.
Task<Result<void>> clean_up(Copy& job, Error failure) {
  if (job.completing && failure.maybe_applied()) {
    auto gone = co_await upload_is_gone(job);
    Result<bool> joined = false;
    if (gone && *gone) joined = co_await is_joined(job);
    if (joined && *joined) co_return Result<void>();
    if (gone && *gone) {
      std::string why = joined ? std::string() : " (" + joined.error().message() + ")";
      co_return fail(std::move(failure).context("the upload " + job.id.str() +
                                                " is gone and nothing shows that it was completed" +
                                                why + ", so the old file stays"));
    }
    if (!gone) {
      co_return fail(std::move(failure).context("whether the upload " + job.id.str() +
                                                " was completed is unknown (" +
                                                gone.error().message() + ")"));
    }
  }
  auto aborted =
      co_await abort_upload(job.core.client, job.bucket(), job.to, job.id, LateParts::possible);
  if (!aborted) {
    co_return fail(std::move(failure).context("the upload " + job.id.str() + " is left behind (" +
                                              aborted.error().message() + ")"));
  }
  co_return fail(std::move(failure));
}

/// What CopyObject copies by itself; an upload has to be told.
void take_over(ObjectAttributes& attributes, const ObjectInfo& source) {
  if (!source.content_type.empty()) attributes.content_type = source.content_type;
  attributes.content_encoding = source.content_encoding;
  attributes.content_disposition = source.content_disposition;
  attributes.content_language = source.content_language;
  attributes.cache_control = source.cache_control;
  attributes.metadata = source.metadata;
}

/// After a creation whose answer was lost. Gives its failure.
Task<Result<void>> abort_unnamed_upload(Copy& job, Error failure) {
  auto aborted = co_await abort_empty_uploads_of(job.core, job.to);
  if (!aborted) {
    failure = std::move(failure).context("an upload without parts may be left behind (" +
                                         aborted.error().message() + ")");
  }
  co_return fail(std::move(failure).with_maybe_applied(false));
}

Task<Result<void>> copy_in_parts(Copy& job) {
  job.part_bytes = part_size(job.core.options, job.source.size_bytes);
  CreateMultipartUploadOptions create(job.bucket(), job.to);
  create.attributes = object_attributes(job.core);
  take_over(create.attributes, job.source);
  engine::TimePoint begun = engine::Loop::current().now();
  auto created = co_await create_upload(job.core.client, create, kStopGrace);
  if (!created && created.error().maybe_applied()) {
    Deadline deadline = co_await cleanup_deadline(job.core);
    auto failed =
        co_await engine::shielded(deadline, abort_unnamed_upload(job, std::move(created).error()));
    co_return failed;
  }
  if (!created) co_return fail(std::move(created).error());
  job.id = std::move(created->upload_id);
  if (created->twins_possible) {
    // One that stays has no parts, and is no reason not to move.
    engine::Duration took = engine::Loop::current().now() - begun;
    auto alone = co_await abort_twins_of(job.core, job.to, job.id, took);
    (void)alone;
  }
  auto copied = co_await copy_and_complete(job);
  if (copied) co_return Result<void>();
  Deadline deadline = co_await cleanup_deadline(job.core);
  auto outcome = co_await engine::shielded(deadline, clean_up(job, std::move(copied).error()));
  co_return outcome;
}

}  // namespace

Task<Result<void>> move(Core& core, std::string_view from, std::string_view to) {
  HeadObjectOptions look(core.options.bucket, core.keys.key(from));
  auto source = co_await core.client.head_object(look);
  if (!source) co_return fail(storage_failure(std::move(source).error(), "move", from));
  if (from == to) co_return Result<void>();
  std::string both = std::string(from) + " to " + std::string(to);
  Copy job(core, core.keys.key(from), core.keys.key(to), std::move(*source));
  Result<void> copied;
  if (job.source.size_bytes <= core.options.copy_threshold_bytes) {
    copied = co_await copy_whole(job);
  } else {
    copied = co_await copy_in_parts(job);
  }
  if (!copied) co_return fail(storage_failure(std::move(copied).error(), "move", both));
  DeleteObjectOptions remove(core.options.bucket, job.from);
  auto removed = co_await core.client.delete_object(remove);
  if (!removed) {
    Error error = std::move(removed).error().context("copied, but the old file is still there");
    co_return fail(storage_failure(std::move(error), "move", both));
  }
  co_return Result<void>();
}

}  // namespace ringpull::inline v0::s3::driver
