#include "s3/src/driver/core/core.hpp"

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/timer.hpp>
#include <ringpull/s3/storage_error.hpp>

#include "s3/src/protocol/missing.hpp"

namespace ringpull::inline v0::s3::driver {

engine::Task<engine::Deadline> cleanup_deadline(const Core& core) {
  engine::Context& context = co_await engine::current_context();
  engine::Duration time = kCleanupTime;
  if (context.stop_requested()) time = core.stopped_cleanup_time;
  co_return engine::Deadline::after(time);
}

Error storage_failure(Error error, std::string_view action, std::string_view path) {
  std::string place =
      std::string(kDriverName) + ": " + std::string(action) + " " + std::string(path);
  if (!is_missing_object(error)) return std::move(error).context(place);
  return std::move(error)
      .with_code(make_error_code(StorageErrc::path_not_found))
      .context(place + ": path not found");
}

}  // namespace ringpull::inline v0::s3::driver
