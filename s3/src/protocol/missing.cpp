#include "s3/src/protocol/missing.hpp"

#include <string_view>

namespace ringpull::inline v0::s3 {

bool is_missing_object(const Error& error) noexcept {
  std::string_view code = error.service_code();
  bool told = code == "NoSuchKey" || code == "NoSuchVersion" || code == "NotFound";
  bool told_by_head = code.empty() && error.http_status() == 404;
  return error.is(ErrorKind::not_found) && (told || told_by_head);
}

bool is_gone_upload(const Error& error) noexcept {
  return error.is(ErrorKind::not_found) && error.service_code() == "NoSuchUpload";
}

}  // namespace ringpull::inline v0::s3
