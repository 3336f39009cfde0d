#pragma once
// The permissions that a configuration needs, as Amazon's policies write them. Pure.
// docs/permissions.md says what needs which.

#include <cstdint>
#include <string>
#include <string_view>

#include <ringpull/s3/driver_parameters.hpp>

namespace ringpull::tools {

enum class PolicyAccess : std::uint8_t { read_write, read_only };

/// The least identity policy: this bucket, the keys below `rootdirectory`, and what encryption, ACL
/// and storage class ask for beyond. `parameters.region` must be the bucket's: it tells the
/// partition. JSON, indented, with a line feed at its end.
std::string least_policy(const s3::S3DriverParameters& parameters, PolicyAccess access);

/// The resource that a permission of least_policy is given on: "arn:aws:s3:::images/docker/*".
std::string policy_resource(const s3::S3DriverParameters& parameters, std::string_view permission);

}  // namespace ringpull::tools
