#pragma once
// The verbs of S3 over HTTP: signing, retries and error mapping, one method a verb.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <ringpull/engine/deadline.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/body.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/credentials_provider.hpp>
#include <ringpull/s3/endpoint.hpp>
#include <ringpull/s3/request_log.hpp>
#include <ringpull/s3/retry.hpp>
#include <ringpull/s3/sigv4.hpp>
#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3 {

/// Whether SigV4 covers the bytes of uploads.
enum class PayloadSigning : std::uint8_t {
  automatic,  ///< over plain HTTP; over TLS the channel protects them
  always,     ///< costs a SHA-256 of every byte before it is sent
  never,      ///< UNSIGNED-PAYLOAD
};

enum class SignatureVersion : std::uint8_t {
  v4,
  v2,  ///< for old compatible servers; without the body's hash, whatever PayloadSigning says
};

class ClientOptions {
 public:
  explicit ClientOptions(Endpoint endpoint_in) : endpoint(std::move(endpoint_in)) {}

  Endpoint endpoint;
  RetryOptions retry;
  SignatureVersion signature_version = SignatureVersion::v4;
  PayloadSigning payload_signing = PayloadSigning::automatic;
  /// How long a verb may take, retries included, where the caller's deadline is not nearer. Verbs
  /// that carry an object's bytes: an hour, a 5 GiB part at 12 Mbit/s. The others: 15 minutes,
  /// since S3 may take most of that to complete an upload of 10,000 parts.
  engine::Duration transfer_time = std::chrono::hours(1);
  engine::Duration request_time = std::chrono::minutes(15);
  /// How long one attempt of CopyObject, UploadPartCopy and CompleteMultipartUpload waits for its
  /// answer, instead of http's TimeLimits::first_byte. Many servers answer only when all is done,
  /// and S3 itself takes several minutes to complete a large upload. 10 min: 5 GiB, the most that
  /// one request copies, at 9 MB/s. An answer that never comes leaves a third of request_time,
  /// which ends all attempts together, for another attempt. A connection that died meanwhile is
  /// told apart sooner, by engine::TcpOptions' keepalive.
  engine::Duration work_time = std::chrono::minutes(10);
  /// The largest XML answer that is read. A page of 1000 keys of 1 KiB is 1.6 MiB; percent-encoded
  /// three times that.
  std::size_t document_bytes_max = 16 * 1024 * 1024;
  std::string user_agent = "ringpull";
  /// Nothing is told by default.
  RequestLogOptions log;
  /// The wall clock, for signing only.
  std::function<std::chrono::sys_seconds()> clock;
};

/// What the verbs did, for reports.
struct ClientStats {
  ClientStats() = default;
  std::uint64_t requests = 0;  ///< sent, repetitions included
  std::uint64_t retries = 0;
  std::uint64_t throttled = 0;
};

/// An object whose bytes have not been read yet.
struct GetObjectStream {
  GetObjectStream(GetObjectResult result_in, http::Response body_in)
      : result(std::move(result_in)), body(std::move(body_in)) {}

  GetObjectResult result;
  http::Response body;
};

/// How much of the caller's memory get_object_into has filled, and of what.
struct GetObjectIntoResult {
  GetObjectIntoResult() = default;
  GetObjectResult object;
  std::size_t bytes = 0;
};

/// One S3 service as seen from one loop. Verbs may run side by side.
///
/// Every verb retries by RetryOptions; what it returns in the end is the last failure, in one of
/// the kinds of ErrorKind with S3's own code beside it. `not_found` is always an answer of the
/// server's: a host name that does not exist is `unavailable`, credentials that are not there are
/// `unauthenticated`. maybe_applied() is set when an attempt was
/// sent and its answer lost, so that a change may have happened. Options are read until the verb
/// completes. A body source is read from its start at every attempt; one that cannot be rewound is
/// sent once.
///
/// Cancellation and deadlines end a verb promptly; its connection is closed. An upload that was
/// created stays until abort_multipart_upload.
class Client {
 public:
  /// Both outlive the client.
  Client(ClientOptions options, http::Client& http, CredentialsProvider& credentials);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// The head of the answer. Its body is the caller's: for read_object_body, or to be read without
  /// retries.
  engine::Task<Result<GetObjectStream>> get_object(const GetObjectOptions& options);
  /// Reads the body of what get_object has opened with the same options, from its beginning; how
  /// many bytes. It goes from the socket to `out`. A connection that breaks in the middle is
  /// resumed from the last byte, pinned to the same version by its ETag: `precondition_failed` when
  /// the object changed meanwhile. `too_large` when it does not fit. Failures carry bytes_done(),
  /// and those bytes are in `out`.
  engine::Task<Result<std::size_t>> read_object_body(const GetObjectOptions& options,
                                                     GetObjectStream stream,
                                                     http::MutableBytes out);
  /// Both in one: reads the object, or its `range`, into memory.
  engine::Task<Result<GetObjectIntoResult>> get_object_into(const GetObjectOptions& options,
                                                            http::MutableBytes out);
  engine::Task<Result<ObjectInfo>> head_object(const HeadObjectOptions& options);
  /// A checksum in the answer must be the one that was sent; `checksum_mismatch` otherwise.
  ///
  /// With create_only, an object that is found after an attempt whose answer was lost is looked at:
  /// when its size and its checksum (or an ETag that is an MD5) are those of the body, the verb has
  /// succeeded. Otherwise `already_exists`; with maybe_applied() when an answer was lost, so that
  /// the object may still be this one, unrecognised (ETags under KMS are no MD5s) or replaced.
  engine::Task<Result<PutObjectResult>> put_object(const PutObjectOptions& options,
                                                   http::BodySource& body);
  engine::Task<Result<void>> delete_object(const DeleteObjectOptions& options);
  engine::Task<Result<DeleteObjectsResult>> delete_objects(const DeleteObjectsOptions& options);
  engine::Task<Result<HeadBucketResult>> head_bucket(const HeadBucketOptions& options);
  /// `unsupported` also where a server that knows only ListObjects took the request for one.
  engine::Task<Result<ListObjectsV2Result>> list_objects_v2(const ListObjectsV2Options& options);
  engine::Task<Result<ListObjectsResult>> list_objects(const ListObjectsOptions& options);
  engine::Task<Result<CopyObjectResult>> copy_object(const CopyObjectOptions& options);

  /// Repeated like all verbs, although each attempt that arrives makes an upload of its own: the
  /// result tells where one may have been made in vain.
  engine::Task<Result<CreateMultipartUploadResult>> create_multipart_upload(
      const CreateMultipartUploadOptions& options);
  /// Checksums as with put_object.
  engine::Task<Result<UploadPartResult>> upload_part(const UploadPartOptions& options,
                                                     http::BodySource& body);
  engine::Task<Result<UploadPartCopyResult>> upload_part_copy(const UploadPartCopyOptions& options);
  /// An answer that got lost is resolved by looking at the object: an upload that is gone after
  /// such an attempt counts as completed when the object's ETag (or its checksum, when one is
  /// given) is the one that these parts make; so does an object in the way of create_only.
  /// Otherwise the failure, with maybe_applied().
  engine::Task<Result<CompleteMultipartUploadResult>> complete_multipart_upload(
      const CompleteMultipartUploadOptions& options);
  /// An upload that is already gone, by the server's own NoSuchUpload, is a success.
  engine::Task<Result<void>> abort_multipart_upload(const AbortMultipartUploadOptions& options);
  engine::Task<Result<ListPartsResult>> list_parts(const ListPartsOptions& options);
  engine::Task<Result<ListMultipartUploadsResult>> list_multipart_uploads(
      const ListMultipartUploadsOptions& options);

  /// A URL that gives GetObject, HeadObject or PutObject to whoever holds it. It says that it
  /// expires when the credentials do, where that is earlier than asked for; a provider that can get
  /// longer ones is asked to first. A bearer secret. No request to S3 is made. `invalid_argument`
  /// with compute_checksum: the URL goes out without a body.
  engine::Task<Result<std::string>> presign(const GetObjectOptions& options,
                                            const PresignOptions& presign);
  engine::Task<Result<std::string>> presign(const HeadObjectOptions& options,
                                            const PresignOptions& presign);
  engine::Task<Result<std::string>> presign(const PutObjectOptions& options,
                                            const PresignOptions& presign);
  /// For clients that reach the service elsewhere: host, addressing and region are `endpoint`'s.
  engine::Task<Result<std::string>> presign(const GetObjectOptions& options,
                                            const PresignOptions& presign,
                                            const Endpoint& endpoint);
  engine::Task<Result<std::string>> presign(const HeadObjectOptions& options,
                                            const PresignOptions& presign,
                                            const Endpoint& endpoint);

  /// Where requests for a bucket go: the endpoint of the options, until an answer has said that the
  /// bucket lies in another region.
  const Endpoint& endpoint_of(const Bucket& bucket) const;

  const ClientStats& stats() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpull::inline v0::s3
