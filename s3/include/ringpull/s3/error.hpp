#pragma once
// How S3's failures become Error, and what may be done about each. Pure functions.

#include <cstdint>
#include <string_view>

#include <ringpull/engine/error.hpp>
#include <ringpull/http/response.hpp>

namespace ringpull::inline v0::s3 {

enum class Operation : std::uint8_t {
  get_object,
  head_object,
  put_object,
  delete_object,
  delete_objects,
  list_objects_v2,
  list_objects,
  head_bucket,
  copy_object,
  create_multipart_upload,
  upload_part,
  upload_part_copy,
  complete_multipart_upload,
  abort_multipart_upload,
  list_parts,
  list_multipart_uploads,
};

/// S3's name: "GetObject".
std::string_view to_string(Operation operation) noexcept;

/// What a repetition needs in order to succeed.
enum class RetryClass : std::uint8_t {
  none,                 ///< the same request fails again
  transient,            ///< connection lost, time limit passed
  server_error,         ///< 500, 502, 504
  throttle,             ///< 503, 429 and the codes that ask for fewer requests
  clock_skew,           ///< sign by the server's clock (its Date header)
  expired_credentials,  ///< sign with refreshed credentials
  wrong_region,         ///< sign for the region in Error::hint()
};

std::string_view to_string(RetryClass retry_class) noexcept;

/// Of any Error that a request can end with, also one from below HTTP.
RetryClass retry_class(const Error& error) noexcept;

/// What the caller knows about the request that failed.
struct ResponseContext {
  ResponseContext() = default;
  ResponseContext(Operation operation_in, std::string_view resource_in, std::string_view region_in)
      : operation(operation_in), resource(resource_in), region(region_in) {}

  Operation operation = Operation::get_object;
  /// For the message, e.g. "s3://bucket/key".
  std::string_view resource;
  /// The region that the request was signed for: a hint at the same one is none.
  std::string_view region;
};

/// The most of an error's body that is worth reading; what is longer is no S3 error document (those
/// have some 300 bytes, SignatureDoesNotMatch a few KiB).
inline constexpr std::size_t kErrorBodyBytesMax = std::size_t(64) << 10;

/// The one mapping from a response that is not a success (or holds `<Error>` inside a 200) to an
/// Error. Fills kind, http_status, service_code (unknown ones too), request_id, hint and
/// retry_after. `body` may be empty (HEAD), cut, HTML or larger than the limit: then the status
/// alone decides.
Error error_from_response(const ResponseContext& context, const http::ResponseHead& head,
                          std::string_view body);

/// The Error for a <Code> and <Message> that came without a status of their own (an entry of
/// DeleteObjects' result).
Error error_from_code(const ResponseContext& context, std::string_view code,
                      std::string_view message);

}  // namespace ringpull::inline v0::s3
