#include "s3/src/driver/core.hpp"

#include <ringpull/s3/storage_error.hpp>

namespace ringpull::inline v0::s3::driver {

Error storage_failure(Error error, std::string_view action, std::string_view path) {
  // A bucket or an upload that is gone is no missing path: it keeps its own code and text.
  bool missing = error.is(ErrorKind::not_found) && error.service_code() != "NoSuchBucket" &&
                 error.service_code() != "NoSuchUpload";
  std::string place =
      std::string(kDriverName) + ": " + std::string(action) + " " + std::string(path);
  if (!missing) return std::move(error).context(place);
  return std::move(error)
      .with_code(make_error_code(StorageErrc::path_not_found))
      .context(place + ": path not found");
}

}  // namespace ringpull::inline v0::s3::driver
