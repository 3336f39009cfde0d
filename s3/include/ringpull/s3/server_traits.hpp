#pragma once
// What S3 servers differ in, and what is known of it by the name of an endpoint.

#include <ringpull/s3/endpoint.hpp>

namespace ringpull::inline v0::s3 {

/// What tells S3 servers apart for a driver. A method that turns out to be missing is noticed at
/// its first refusal, and not tried again.
class ServerTraits {
 public:
  ServerTraits() = default;

  bool delete_objects = true;   ///< else one DeleteObject per key
  bool list_objects_v2 = true;  ///< else ListObjects with markers
  /// All parts of an upload but the last must have one size (Cloudflare R2).
  bool uniform_parts = false;
  bool checksum_headers = false;  ///< takes x-amz-checksum-* on uploads
  /// If-None-Match: * keeps a file from being replaced; else create_only is a look before.
  bool conditional_writes = true;
};

/// Amazon, Cloudflare R2 and Google Cloud Storage have names to be known by. Everything else
/// (Ceph's radosgw, MinIO, SeaweedFS and others run by their users) gets what all of those can do:
/// no checksum headers, which only their recent releases take.
ServerTraits server_traits(const Endpoint& endpoint);

/// Whether the endpoint is one of Amazon's, in whatever partition.
bool is_amazon(const Endpoint& endpoint) noexcept;

}  // namespace ringpull::inline v0::s3
