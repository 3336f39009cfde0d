#include "s3/src/driver/write/create_only.hpp"

#include "s3/src/protocol/missing.hpp"

namespace ringpull::inline v0::s3::driver {

engine::Task<Result<void>> check_absent(Core& core, const ObjectKey& key) {
  if (core.server.conditional_writes) co_return Result<void>();
  HeadObjectOptions look(core.options.bucket, key);
  auto found = co_await core.client.head_object(look);
  if (found) co_return fail(ErrorKind::already_exists, "there is a file already");
  if (is_missing_object(found.error())) co_return Result<void>();
  co_return fail(std::move(found).error());
}

}  // namespace ringpull::inline v0::s3::driver
