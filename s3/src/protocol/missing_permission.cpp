#include "s3/src/protocol/missing_permission.hpp"

#include <string>
#include <utility>

namespace ringpull::inline v0::s3 {

Error name_permission(Error error, std::string_view permission) {
  if (!error.is(ErrorKind::permission_denied)) return error;
  return std::move(error).context("the permission " + std::string(permission) + " may be missing");
}

}  // namespace ringpull::inline v0::s3
