#pragma once
// Options in, unsigned requests out. What cannot be sent soundly is `invalid_argument` here, before
// a byte leaves: an empty or oversized key, CR, LF or NUL in a key or a header, a part number out
// of range.

#include <string>

#include <ringpull/engine/result.hpp>
#include <ringpull/http/request.hpp>
#include <ringpull/http/url.hpp>
#include <ringpull/s3/clock_offset.hpp>
#include <ringpull/s3/endpoint.hpp>
#include <ringpull/s3/error.hpp>
#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3 {

struct PreparedRequest {
  PreparedRequest() = default;

  Operation operation = Operation::get_object;
  /// Where to connect.
  http::Url origin;
  /// With Host; signing and framing are still to be added.
  http::RequestHead head;
  /// The XML that the verb sends; empty where the body is the caller's or there is none.
  std::string body;
  /// For messages: "s3://bucket/key".
  std::string resource;
  /// The bucket where the Host names it, not the path: Signature Version 2 signs it all the same.
  std::string virtual_bucket;
  /// The access key id that signed it last; empty before, and for anonymous requests.
  std::string signed_by;
  /// That signature was made with a session token.
  bool session_token = false;
  /// The clock that it was made by.
  ClockOffset clock;
};

Result<PreparedRequest> prepare(const Endpoint& endpoint, const GetObjectOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const HeadObjectOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const PutObjectOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const DeleteObjectOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const DeleteObjectsOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const HeadBucketOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const ListObjectsV2Options& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const ListObjectsOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const CopyObjectOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint,
                                const CreateMultipartUploadOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const UploadPartOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const UploadPartCopyOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint,
                                const CompleteMultipartUploadOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint,
                                const AbortMultipartUploadOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint, const ListPartsOptions& options);
Result<PreparedRequest> prepare(const Endpoint& endpoint,
                                const ListMultipartUploadsOptions& options);

}  // namespace ringpull::inline v0::s3
