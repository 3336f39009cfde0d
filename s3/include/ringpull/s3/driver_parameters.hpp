#pragma once
// The parameters of docker distribution's `s3` storage driver, and ours beside them. Every one of
// them is explained in docs/configuration.md.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/credentials.hpp>
#include <ringpull/s3/endpoint.hpp>
#include <ringpull/s3/names.hpp>
#include <ringpull/s3/parameter_text.hpp>
#include <ringpull/s3/request_log.hpp>
#include <ringpull/s3/s3_driver.hpp>
#include <ringpull/s3/secret.hpp>

namespace ringpull::inline v0::s3 {

/// Parameters as read and checked; the defaults are those of a configuration that says nothing.
class S3DriverParameters {
 public:
  S3DriverParameters() = default;

  // Where and what.
  Bucket bucket;
  std::string root_directory;
  Region region;                ///< us-east-1 where a custom endpoint is given and no region
  std::string region_endpoint;  ///< empty: Amazon's
  std::optional<bool> force_path_style;
  std::optional<Endpoint> redirect_endpoint;
  bool secure = true;
  bool skip_verify = false;
  bool use_dualstack = false;
  bool accelerate = false;
  bool use_fips_endpoint = false;

  // Who.
  std::string access_key;
  Secret secret_key;
  Secret session_token;
  bool v4_auth = true;
  PayloadSigning payload_signing = PayloadSigning::automatic;
  std::string user_agent;

  // What objects become.
  bool encrypt = false;
  std::string key_id;
  std::string storage_class = "STANDARD";  ///< empty: none is sent
  std::string object_acl = "private";      ///< empty: none is sent
  ChecksumMode checksum = ChecksumMode::automatic;

  // How much at once.
  std::uint64_t chunk_bytes = std::uint64_t(10) << 20;
  std::uint64_t copy_chunk_bytes = std::uint64_t(32) << 20;
  std::uint64_t copy_concurrency = 100;
  std::uint64_t copy_threshold_bytes = std::uint64_t(32) << 20;
  std::uint64_t upload_concurrency = 4;
  std::uint64_t read_concurrency = 8;
  std::uint64_t read_window_bytes = std::uint64_t(64) << 20;
  /// Absent: 256 MiB, or four chunks where that is more.
  std::optional<std::uint64_t> memory_budget_bytes;
  std::uint64_t connections_max = 256;

  S3LogLevel log_level = S3LogLevel::off;
};

/// All names, in alphabetical order. Static storage.
std::span<const std::string_view> s3_driver_parameter_names() noexcept;

/// Reads what a configuration says, and REGISTRY_STORAGE_S3_<NAME> from the environment over it.
/// `invalid_argument` for the first thing that is wrong: an unknown name, a value that is none, or
/// parameters that exclude each other. The text names parameter, origin, value (no secret's) and
/// what is allowed.
Result<S3DriverParameters> read_s3_driver_parameters(const ParameterMap& configuration,
                                                     const EnvironmentLookup& environment);

/// The pieces that parameters describe. What read_s3_driver_parameters has accepted never fails
/// here.
Result<Endpoint> make_endpoint(const S3DriverParameters& parameters);
Result<ClientOptions> make_client_options(const S3DriverParameters& parameters);
Result<S3DriverOptions> make_driver_options(const S3DriverParameters& parameters);
/// What the keys of all files begin with: "docker/", or nothing.
std::string key_prefix(const S3DriverParameters& parameters);
std::uint64_t memory_budget_bytes(const S3DriverParameters& parameters) noexcept;

}  // namespace ringpull::inline v0::s3
