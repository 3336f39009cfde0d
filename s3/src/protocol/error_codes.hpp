#pragma once
// The one table of service codes: S3's list of error codes (API reference, "Error responses") as
// far as the verbs meet it, the codes that all AWS services share, and what compatible servers add.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html

#include <array>
#include <string_view>

#include <ringpull/engine/error.hpp>
#include <ringpull/s3/error.hpp>

namespace ringpull::inline v0::s3 {

struct KnownCode {
  std::string_view code;
  ErrorKind kind;
  RetryClass retry;
};

inline constexpr auto kKnownCodes = std::to_array<KnownCode>({
    // What is asked for is not there.
    {"NoSuchKey", ErrorKind::not_found, RetryClass::none},
    {"NoSuchBucket", ErrorKind::not_found, RetryClass::none},
    {"NoSuchUpload", ErrorKind::not_found, RetryClass::none},
    {"NoSuchVersion", ErrorKind::not_found, RetryClass::none},
    {"NotFound", ErrorKind::not_found, RetryClass::none},
    {"BucketAlreadyExists", ErrorKind::already_exists, RetryClass::none},
    {"BucketAlreadyOwnedByYou", ErrorKind::already_exists, RetryClass::none},

    // Conditions and concurrency.
    {"PreconditionFailed", ErrorKind::precondition_failed, RetryClass::none},
    {"NotModified", ErrorKind::not_modified, RetryClass::none},
    {"ConditionalRequestConflict", ErrorKind::conflict, RetryClass::transient},
    {"OperationAborted", ErrorKind::conflict, RetryClass::transient},
    {"PriorRequestNotComplete", ErrorKind::conflict, RetryClass::transient},
    {"BucketNotEmpty", ErrorKind::conflict, RetryClass::none},
    {"InvalidObjectState", ErrorKind::conflict, RetryClass::none},
    {"RestoreAlreadyInProgress", ErrorKind::conflict, RetryClass::none},

    // Who is asking.
    {"InvalidAccessKeyId", ErrorKind::unauthenticated, RetryClass::none},
    {"SignatureDoesNotMatch", ErrorKind::unauthenticated, RetryClass::none},
    {"InvalidToken", ErrorKind::unauthenticated, RetryClass::none},
    {"MissingSecurityHeader", ErrorKind::unauthenticated, RetryClass::none},
    {"MissingAuthenticationToken", ErrorKind::unauthenticated, RetryClass::none},
    {"AuthorizationHeaderMalformed", ErrorKind::unauthenticated, RetryClass::none},
    {"AuthorizationQueryParametersError", ErrorKind::unauthenticated, RetryClass::none},
    {"ExpiredToken", ErrorKind::unauthenticated, RetryClass::expired_credentials},
    {"ExpiredTokenException", ErrorKind::unauthenticated, RetryClass::expired_credentials},
    {"TokenRefreshRequired", ErrorKind::unauthenticated, RetryClass::expired_credentials},
    {"RequestTimeTooSkewed", ErrorKind::unauthenticated, RetryClass::clock_skew},
    {"RequestExpired", ErrorKind::unauthenticated, RetryClass::clock_skew},
    {"AccessDenied", ErrorKind::permission_denied, RetryClass::none},
    {"AccessDeniedException", ErrorKind::permission_denied, RetryClass::none},
    {"AccountProblem", ErrorKind::permission_denied, RetryClass::none},
    {"AllAccessDisabled", ErrorKind::permission_denied, RetryClass::none},
    {"CrossLocationLoggingProhibited", ErrorKind::permission_denied, RetryClass::none},
    {"Forbidden", ErrorKind::permission_denied, RetryClass::none},
    {"InvalidPayer", ErrorKind::permission_denied, RetryClass::none},
    {"InvalidSecurity", ErrorKind::permission_denied, RetryClass::none},
    {"KMS.DisabledException", ErrorKind::permission_denied, RetryClass::none},
    {"NotSignedUp", ErrorKind::permission_denied, RetryClass::none},
    {"QuotaExceeded", ErrorKind::resource_exhausted, RetryClass::none},

    // The bytes.
    {"BadDigest", ErrorKind::checksum_mismatch, RetryClass::none},
    {"InvalidDigest", ErrorKind::checksum_mismatch, RetryClass::none},
    {"XAmzContentChecksumMismatch", ErrorKind::checksum_mismatch, RetryClass::none},
    {"XAmzContentSHA256Mismatch", ErrorKind::checksum_mismatch, RetryClass::none},
    {"IncompleteBody", ErrorKind::truncated, RetryClass::transient},
    {"EntityTooLarge", ErrorKind::too_large, RetryClass::none},
    {"KeyTooLongError", ErrorKind::too_large, RetryClass::none},
    {"MaxMessageLengthExceeded", ErrorKind::too_large, RetryClass::none},
    {"MetadataTooLarge", ErrorKind::too_large, RetryClass::none},

    // The request itself.
    {"EntityTooSmall", ErrorKind::invalid_argument, RetryClass::none},
    {"IllegalLocationConstraintException", ErrorKind::invalid_argument, RetryClass::none},
    {"InvalidArgument", ErrorKind::invalid_argument, RetryClass::none},
    {"InvalidBucketName", ErrorKind::invalid_argument, RetryClass::none},
    {"InvalidPart", ErrorKind::invalid_argument, RetryClass::none},
    {"InvalidPartOrder", ErrorKind::invalid_argument, RetryClass::none},
    {"InvalidRange", ErrorKind::invalid_argument, RetryClass::none},
    {"InvalidRequest", ErrorKind::invalid_argument, RetryClass::none},
    {"InvalidStorageClass", ErrorKind::invalid_argument, RetryClass::none},
    {"InvalidURI", ErrorKind::invalid_argument, RetryClass::none},
    {"KMS.NotFoundException", ErrorKind::invalid_argument, RetryClass::none},
    {"MalformedXML", ErrorKind::invalid_argument, RetryClass::none},
    {"MissingContentLength", ErrorKind::invalid_argument, RetryClass::none},
    {"MissingContentMD5", ErrorKind::invalid_argument, RetryClass::none},
    {"PermanentRedirect", ErrorKind::invalid_argument, RetryClass::none},
    {"Redirect", ErrorKind::invalid_argument, RetryClass::none},
    {"TemporaryRedirect", ErrorKind::invalid_argument, RetryClass::none},
    {"AccessControlListNotSupported", ErrorKind::unsupported, RetryClass::none},
    {"MethodNotAllowed", ErrorKind::unsupported, RetryClass::none},
    {"NotImplemented", ErrorKind::unsupported, RetryClass::none},

    // The server's trouble.
    {"RequestTimeout", ErrorKind::timed_out, RetryClass::transient},
    {"RequestTimeoutException", ErrorKind::timed_out, RetryClass::transient},
    {"InternalError", ErrorKind::unavailable, RetryClass::server_error},
    {"InternalErrors", ErrorKind::unavailable, RetryClass::server_error},
    {"InternalFailure", ErrorKind::unavailable, RetryClass::server_error},
    {"InternalServerError", ErrorKind::unavailable, RetryClass::server_error},
    {"BadGateway", ErrorKind::unavailable, RetryClass::server_error},
    {"GatewayTimeout", ErrorKind::unavailable, RetryClass::server_error},
    {"ServiceUnavailable", ErrorKind::unavailable, RetryClass::throttle},
    {"SlowDown", ErrorKind::throttled, RetryClass::throttle},
    {"SlowDownRead", ErrorKind::throttled, RetryClass::throttle},
    {"SlowDownWrite", ErrorKind::throttled, RetryClass::throttle},
    {"XMinioServerNotInitialized", ErrorKind::unavailable, RetryClass::throttle},
    {"BandwidthLimitExceeded", ErrorKind::throttled, RetryClass::throttle},
    {"EC2ThrottledException", ErrorKind::throttled, RetryClass::throttle},
    {"KMS.ThrottlingException", ErrorKind::throttled, RetryClass::throttle},
    {"LimitExceededException", ErrorKind::throttled, RetryClass::throttle},
    {"ProvisionedThroughputExceededException", ErrorKind::throttled, RetryClass::throttle},
    {"RequestLimitExceeded", ErrorKind::throttled, RetryClass::throttle},
    {"RequestThrottled", ErrorKind::throttled, RetryClass::throttle},
    {"RequestThrottledException", ErrorKind::throttled, RetryClass::throttle},
    {"ThrottledException", ErrorKind::throttled, RetryClass::throttle},
    {"Throttling", ErrorKind::throttled, RetryClass::throttle},
    {"ThrottlingException", ErrorKind::throttled, RetryClass::throttle},
    {"TooManyRequestsException", ErrorKind::throttled, RetryClass::throttle},
    {"TransactionInProgressException", ErrorKind::throttled, RetryClass::throttle},
});

/// nullptr for a code that is not in the table.
constexpr const KnownCode* find_known_code(std::string_view code) noexcept {
  for (const KnownCode& known : kKnownCodes) {
    if (known.code == code) return &known;
  }
  return nullptr;
}

}  // namespace ringpull::inline v0::s3
