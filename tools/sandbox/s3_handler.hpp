#pragma once
// The sandbox as a Handler: under an http::Server in the tool, or in a test's own loop. The verbs
// are in bucket_ops.cpp, object_ops.cpp and multipart_ops.cpp.

#include <chrono>
#include <memory>
#include <string>

#include <ringpull/http/server.hpp>
#include <ringpull/s3/credentials.hpp>
#include <ringpull/s3/names.hpp>

#include "tools/sandbox/call.hpp"
#include "tools/sandbox/payload.hpp"
#include "tools/sandbox/store.hpp"

namespace ringpull::sandbox {

class SandboxOptions {
 public:
  SandboxOptions() = default;
  s3::Credentials credentials;
  std::string region = "us-east-1";
  /// Hosts BUCKET.<domain> are taken as virtual-host style.
  std::string domain = "s3.localhost";
  ETagStyle etags = ETagStyle::md5;
};

/// Answers the S3 protocol from a Store. Every request must be signed by SigV4, in its header or
/// its URL.
class S3Handler final : public http::Handler {
 public:
  /// The store outlives the handler.
  S3Handler(SandboxOptions options, Store& store);
  engine::Task<Result<void>> handle(http::Exchange& exchange) override;

 private:
  using Done = Outcome<Result<void>>;  // refused, or answered (with the outcome of sending)

  engine::Task<Done> dispatch(Call& call);
  engine::Task<Done> service(Call& call);
  engine::Task<Done> bucket(Call& call);
  engine::Task<Done> object(Call& call);

  engine::Task<Done> create_bucket(Call& call);
  engine::Task<Done> list_objects(Call& call);
  engine::Task<Done> list_uploads(Call& call);
  engine::Task<Done> delete_objects(Call& call);

  engine::Task<Done> get_object(Call& call);
  engine::Task<Done> put_object(Call& call);
  engine::Task<Done> copy_object(Call& call);

  engine::Task<Done> create_upload(Call& call);
  engine::Task<Done> upload_part(Call& call);
  engine::Task<Done> upload_part_copy(Call& call);
  engine::Task<Done> complete_upload(Call& call);
  engine::Task<Done> list_parts(Call& call);

  Outcome<BucketContents*> need_bucket(const Call& call);
  Outcome<Object*> need_object(BucketContents& bucket, const std::string& key);
  Outcome<Upload*> need_upload(Call& call);
  /// The object that x-amz-copy-source names, its conditions met.
  Outcome<Object*> copy_source(Call& call);

  engine::Task<Done> answer(Call& call, http::ResponseHead& head, std::string_view body);
  engine::Task<Done> answer_xml(Call& call, const class XmlDocument& document);
  engine::Task<Done> answer_empty(Call& call, int status);
  engine::Task<Result<void>> answer_error(Call& call, const S3Error& error);

  SandboxOptions options_;
  Store& store_;
  s3::Verifier verifier_;
  std::uint64_t requests_ = 0;
};

/// x-amz-checksum-* and its type, where the object has one.
void add_checksum_headers(http::Headers& headers, const std::optional<StoredChecksum>& checksum);
/// Content-Type, x-amz-meta-* and the rest, as a PUT or CreateMultipartUpload brings them.
Attributes read_attributes(const Call& call);
/// If-None-Match: * and If-Match of a write.
Outcome<void> check_write_conditions(const Call& call, const BucketContents& bucket);
std::string quoted(std::string_view etag);

}  // namespace ringpull::sandbox
