#include "s3/src/driver/tree/deletion.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <ringpull/engine/scope.hpp>

namespace ringpull::inline v0::s3::driver {

using engine::Task;

namespace {

struct SingleDeletes {
  SingleDeletes(Core& core_in, const std::vector<ObjectKey>& keys_in)
      : core(core_in), keys(keys_in) {}
  Core& core;
  const std::vector<ObjectKey>& keys;
  std::size_t next = 0;
  DeleteFailures failures;
};

Task<Result<void>> delete_next_ones(SingleDeletes& job) {
  while (job.next < job.keys.size()) {
    const ObjectKey& key = job.keys[job.next++];
    DeleteObjectOptions request(job.core.options.bucket, key);
    auto deleted = co_await job.core.client.delete_object(request);
    if (deleted) continue;
    bool refused = deleted.error().http_status() != 0;
    if (!refused) co_return fail(std::move(deleted).error());
    job.failures.emplace_back(key, std::move(deleted).error());
  }
  co_return Result<void>();
}

Task<Result<DeleteFailures>> delete_singly(Core& core, const std::vector<ObjectKey>& keys) {
  SingleDeletes job(core, keys);
  std::size_t workers = std::min(kSingleDeletes, keys.size());
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  for (std::size_t i = 0; i < workers; ++i) scope.spawn(delete_next_ones(job));
  RINGPULL_CO_CHECK(co_await scope.join());
  co_return std::move(job.failures);
}

}  // namespace

Task<Result<DeleteFailures>> delete_all(Core& core, std::vector<ObjectKey> keys) {
  if (keys.size() < 2 || !core.server.delete_objects) {
    auto failures = co_await delete_singly(core, keys);
    co_return failures;
  }
  DeleteObjectsOptions request(core.options.bucket, keys);
  auto deleted = co_await core.client.delete_objects(request);
  if (!deleted && deleted.error().is(ErrorKind::unsupported)) {
    core.server.delete_objects = false;
    auto failures = co_await delete_singly(core, keys);
    co_return failures;
  }
  if (!deleted) co_return fail(std::move(deleted).error());
  std::vector<ObjectKey> again;
  DeleteFailures failures;
  for (auto& failure : deleted->failures) {
    if (failure.error.is_retryable()) {
      again.push_back(std::move(failure.key));
    } else {
      failures.push_back(std::move(failure));
    }
  }
  RINGPULL_CO_TRY(DeleteFailures still, co_await delete_singly(core, again));
  failures.insert(failures.end(), std::make_move_iterator(still.begin()),
                  std::make_move_iterator(still.end()));
  co_return failures;
}

}  // namespace ringpull::inline v0::s3::driver
