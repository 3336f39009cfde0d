#include "tools/sandbox/s3_handler.hpp"

#include <fmt/format.h>

#include "tools/sandbox/xml.hpp"

namespace ringpull::sandbox {

using engine::Task;

namespace {

s3::VerifierOptions verifier_options(const SandboxOptions& options) {
  s3::VerifierOptions verifier;
  verifier.region = options.region;
  return verifier;
}

S3Error as_error(const s3::SignatureRefusal& refusal) {
  S3Error error(refusal.http_status, refusal.code, refusal.message);
  if (!refusal.region.empty()) error.fields.emplace_back("Region", refusal.region);
  if (!refusal.string_to_sign.empty()) {
    error.fields.emplace_back("StringToSign", refusal.string_to_sign);
    error.fields.emplace_back("CanonicalRequest", refusal.canonical_request);
  }
  return error;
}

}  // namespace

S3Handler::S3Handler(SandboxOptions options, Store& store)
    : options_(std::move(options)),
      store_(store),
      verifier_(verifier_options(options_), [this](std::string_view id) {
        return id == options_.credentials.access_key_id ? &options_.credentials : nullptr;
      }) {}

Task<Result<void>> S3Handler::handle(http::Exchange& exchange) {
  Call call(exchange);
  call.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  call.request_id = fmt::format("{:016X}", ++requests_);
  auto done = co_await dispatch(call);
  if (done) co_return std::move(*done);
  auto sent = co_await answer_error(call, done.error());
  co_return sent;
}

Task<S3Handler::Done> S3Handler::dispatch(Call& call) {
  std::string bucket_label = virtual_bucket(call.header("Host"), options_.domain);
  auto parsed = parse_target(call, bucket_label);
  if (!parsed) co_return tl::unexpected(parsed.error());
  auto readable = check_headers(call);
  if (!readable) co_return tl::unexpected(readable.error());
  auto verified = verifier_.verify(call.head(), call.now);
  if (!verified) co_return tl::unexpected(as_error(verified.error()));
  call.identity = std::move(*verified);
  if (call.bucket.empty()) co_return co_await service(call);
  if (call.key.empty()) co_return co_await bucket(call);
  co_return co_await object(call);
}

Task<S3Handler::Done> S3Handler::service(Call& call) {
  if (call.head().method != "GET") {
    co_return refuse(405, "MethodNotAllowed",
                     "The specified method is not allowed against this resource.");
  }
  XmlDocument document("ListAllMyBucketsResult");
  pugi::xml_node owner = document.root().append_child("Owner");
  add(owner, "ID", "sandbox");
  add(owner, "DisplayName", "sandbox");
  pugi::xml_node buckets = document.root().append_child("Buckets");
  for (const auto& [name, contents] : store_.buckets()) {
    pugi::xml_node entry = buckets.append_child("Bucket");
    add(entry, "Name", name);
    add(entry, "CreationDate", iso_time(contents.created));
  }
  co_return co_await answer_xml(call, document);
}

Task<S3Handler::Done> S3Handler::bucket(Call& call) {
  const std::string& method = call.head().method;
  if (method == "PUT" && call.query.empty()) co_return co_await create_bucket(call);
  auto contents = need_bucket(call);
  if (!contents) co_return tl::unexpected(contents.error());
  if (method == "HEAD") co_return co_await answer_empty(call, 200);
  if (method == "GET" && call.has("location")) {
    XmlDocument document("LocationConstraint");
    if (options_.region != "us-east-1") document.root().text().set(options_.region.c_str());
    co_return co_await answer_xml(call, document);
  }
  if (method == "GET" && call.has("versioning")) {
    XmlDocument document("VersioningConfiguration");
    co_return co_await answer_xml(call, document);
  }
  if (method == "GET" && call.has("uploads")) co_return co_await list_uploads(call);
  bool listing = true;
  for (const char* other : {"acl", "policy", "cors", "lifecycle", "tagging", "website", "logging",
                            "encryption", "versions", "object-lock", "ownershipControls"}) {
    if (call.has(other)) listing = false;
  }
  if (method == "GET" && listing) co_return co_await list_objects(call);
  if (method == "POST" && call.has("delete")) co_return co_await delete_objects(call);
  if (method == "DELETE" && call.query.empty()) {
    if (!(*contents)->objects.empty()) {
      co_return refuse(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
    }
    if (!store_.remove_bucket(call.bucket))
      co_return refuse(500, "InternalError", "We encountered an internal error. Please try again.");
    co_return co_await answer_empty(call, 204);
  }
  co_return refuse(501, "NotImplemented",
                   "A header or query you provided implies functionality that is not implemented.");
}

Task<S3Handler::Done> S3Handler::object(Call& call) {
  auto contents = need_bucket(call);
  if (!contents) co_return tl::unexpected(contents.error());
  const std::string& method = call.head().method;
  bool copies = call.head().headers.contains("x-amz-copy-source");
  if (method == "GET" && call.has("tagging")) {
    auto found = need_object(**contents, call.key);
    if (!found) co_return tl::unexpected(found.error());
    XmlDocument document("Tagging");
    document.root().append_child("TagSet");
    co_return co_await answer_xml(call, document);
  }
  for (const char* other :
       {"acl", "tagging", "torrent", "retention", "legal-hold", "restore", "attributes"}) {
    if (call.has(other)) {
      co_return refuse(
          501, "NotImplemented",
          "A header or query you provided implies functionality that is not implemented.");
    }
  }
  if (call.has("uploadId")) {
    if (method == "PUT" && copies) co_return co_await upload_part_copy(call);
    if (method == "PUT") co_return co_await upload_part(call);
    if (method == "POST") co_return co_await complete_upload(call);
    if (method == "GET") co_return co_await list_parts(call);
    if (method == "DELETE") {
      auto upload = need_upload(call);
      if (!upload) co_return tl::unexpected(upload.error());
      (*contents)->uploads.erase({(*upload)->key, (*upload)->id});
      co_return co_await answer_empty(call, 204);
    }
  }
  if (method == "POST" && call.has("uploads")) co_return co_await create_upload(call);
  if (method == "GET" || method == "HEAD") co_return co_await get_object(call);
  if (method == "PUT" && copies) co_return co_await copy_object(call);
  if (method == "PUT") co_return co_await put_object(call);
  if (method == "DELETE") {
    store_.remove(call.bucket, call.key);
    co_return co_await answer_empty(call, 204);
  }
  co_return refuse(405, "MethodNotAllowed",
                   "The specified method is not allowed against this resource.");
}

Outcome<BucketContents*> S3Handler::need_bucket(const Call& call) {
  BucketContents* contents = store_.find(call.bucket);
  if (contents == nullptr)
    return refuse(404, "NoSuchBucket", "The specified bucket does not exist");
  return contents;
}

Outcome<Object*> S3Handler::need_object(BucketContents& bucket, const std::string& key) {
  auto found = bucket.objects.find(key);
  if (found == bucket.objects.end())
    return refuse(404, "NoSuchKey", "The specified key does not exist.");
  return &found->second;
}

Outcome<Upload*> S3Handler::need_upload(Call& call) {
  auto contents = need_bucket(call);
  if (!contents) return tl::unexpected(contents.error());
  auto found = (*contents)->uploads.find({call.key, call.parameter("uploadId")});
  if (found == (*contents)->uploads.end()) {
    return refuse(404, "NoSuchUpload",
                  "The specified multipart upload does not exist. The upload ID may be invalid, or "
                  "the upload may have been aborted or completed.");
  }
  return &found->second;
}

Task<S3Handler::Done> S3Handler::answer(Call& call, http::ResponseHead& head,
                                        std::string_view body) {
  head.headers.set("x-amz-request-id", call.request_id);
  head.headers.set("Server", "ringpull-sandbox");
  auto sent = co_await call.exchange.respond(head, body);
  co_return sent;
}

Task<S3Handler::Done> S3Handler::answer_xml(Call& call, const XmlDocument& document) {
  http::ResponseHead head(200);
  head.headers.add("Content-Type", "application/xml");
  std::string text = document.str();
  co_return co_await answer(call, head, text);
}

Task<S3Handler::Done> S3Handler::answer_empty(Call& call, int status) {
  http::ResponseHead head(status);
  if (call.key.empty()) head.headers.add("x-amz-bucket-region", options_.region);
  co_return co_await answer(call, head, std::string_view());
}

Task<Result<void>> S3Handler::answer_error(Call& call, const S3Error& error) {
  http::ResponseHead head(error.status);
  std::string text;
  if (error.status != 304) {
    head.headers.add("Content-Type", "application/xml");
    XmlDocument document("Error");
    add(document.root(), "Code", error.code);
    add(document.root(), "Message", error.message);
    for (const auto& [name, value] : error.fields) add(document.root(), name.c_str(), value);
    if (!call.bucket.empty()) add(document.root(), "BucketName", call.bucket);
    if (!call.key.empty()) add(document.root(), "Key", call.key);
    add(document.root(), "RequestId", call.request_id);
    add(document.root(), "HostId", "sandbox");
    text = document.str();
  }
  // The body of a refused upload is not read: whoever sends gigabytes with a wrong key shall stop.
  if (!call.exchange.body_done() && error.status >= 400) call.exchange.close();
  auto done = co_await answer(call, head, text);
  co_return done ? std::move(*done) : Result<void>();
}

void add_checksum_headers(http::Headers& headers, const std::optional<StoredChecksum>& checksum) {
  if (!checksum) return;
  headers.add(s3::checksum_header(checksum->algorithm), checksum->value);
  headers.add("x-amz-checksum-type", checksum->full_object ? "FULL_OBJECT" : "COMPOSITE");
}

Attributes read_attributes(const Call& call) {
  Attributes attributes;
  for (http::HeaderField field : call.head().headers) {
    std::string name(field.name);
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    bool kept = name.starts_with("x-amz-meta-") || name == "cache-control" ||
                name == "content-disposition" || name == "content-language" || name == "expires" ||
                name == "x-amz-server-side-encryption" ||
                name == "x-amz-server-side-encryption-aws-kms-key-id";
    if (name == "content-type") attributes.content_type = field.value;
    if (name == "x-amz-storage-class") attributes.storage_class = field.value;
    if (name == "content-encoding" && field.value != "aws-chunked") {
      std::string_view value = field.value;
      if (value.starts_with("aws-chunked,")) value.remove_prefix(12);
      attributes.headers.emplace_back(name, value);
    }
    if (kept) attributes.headers.emplace_back(std::move(name), field.value);
  }
  return attributes;
}

Outcome<void> check_write_conditions(const Call& call, const BucketContents& bucket) {
  auto found = bucket.objects.find(call.key);
  bool exists = found != bucket.objects.end();
  std::string_view none = call.header("If-None-Match");
  if (!none.empty() && exists && (none == "*" || s3::ETag(none).str() == found->second.etag)) {
    return refuse(412, "PreconditionFailed",
                  "At least one of the pre-conditions you specified did not hold");
  }
  std::string_view match = call.header("If-Match");
  if (match.empty()) return {};
  if (!exists) return refuse(404, "NoSuchKey", "The specified key does not exist.");
  if (match != "*" && s3::ETag(match).str() != found->second.etag) {
    return refuse(412, "PreconditionFailed",
                  "At least one of the pre-conditions you specified did not hold");
  }
  return {};
}

std::string quoted(std::string_view etag) { return fmt::format("\"{}\"", etag); }

}  // namespace ringpull::sandbox
