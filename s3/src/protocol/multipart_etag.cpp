#include "s3/src/protocol/multipart_etag.hpp"

#include <span>

#include <ringpull/s3/checksum.hpp>

namespace ringpull::inline v0::s3 {

std::string multipart_etag(const std::vector<CompletedPart>& parts) {
  Md5 digest;
  for (const CompletedPart& part : parts) {
    auto raw = unhex(part.etag.str());
    if (!raw || raw->size() != sizeof(Md5Digest)) return {};
    digest.update(std::as_bytes(std::span<const char>(raw->data(), raw->size())));
  }
  Md5Digest result = digest.finish();
  return hex(result) + "-" + std::to_string(parts.size());
}

}  // namespace ringpull::inline v0::s3
