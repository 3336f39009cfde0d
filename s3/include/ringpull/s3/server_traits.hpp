#pragma once
// What is known of S3 servers by the name of their endpoint.

#include <ringpull/s3/endpoint.hpp>
#include <ringpull/s3/s3_driver.hpp>

namespace ringpull::inline v0::s3 {

/// Amazon, Cloudflare R2 and Google Cloud Storage have names to be known by. Everything else
/// (Ceph's radosgw, MinIO, SeaweedFS and others run by their users) gets what all of those can do:
/// no checksum headers, which only their recent releases take.
ServerTraits server_traits(const Endpoint& endpoint);

/// Whether the endpoint is one of Amazon's, in whatever partition.
bool is_amazon(const Endpoint& endpoint) noexcept;

}  // namespace ringpull::inline v0::s3
