#pragma once
// A proof by which client and move know that an upload whose completion got no answer has become
// the object that is there.

#include <string>
#include <vector>

#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3 {

/// S3's ETag of an upload whose parts have MD5s for ETags: the MD5 of those, and their number.
/// Empty when the parts' ETags are something else (encryption, other servers).
std::string multipart_etag(const std::vector<CompletedPart>& parts);

}  // namespace ringpull::inline v0::s3
