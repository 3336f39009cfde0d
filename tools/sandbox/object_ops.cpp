#include <algorithm>
#include <array>
#include <fmt/format.h>

#include <ringpull/http/date.hpp>
#include <ringpull/http/range.hpp>
#include <ringpull/http/url.hpp>

#include "tools/sandbox/s3_handler.hpp"
#include "tools/sandbox/xml.hpp"

namespace ringpull::sandbox {

using engine::Task;

namespace {

bool matches(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    std::string_view entry = list.substr(0, list.find(','));
    list.remove_prefix(std::min(entry.size() + 1, list.size()));
    while (entry.starts_with(' ')) entry.remove_prefix(1);
    while (entry.ends_with(' ')) entry.remove_suffix(1);
    if (entry == "*" || s3::ETag(entry).str() == etag) return true;
  }
  return false;
}

/// RFC 9110 13.2.2, in its order.
Outcome<void> check_read_conditions(const Call& call, const Object& object) {
  auto failed = [] {
    return refuse(412, "PreconditionFailed",
                  "At least one of the pre-conditions you specified did not hold");
  };
  std::string_view match = call.header("If-Match");
  if (!match.empty()) {
    if (!matches(match, object.etag)) return failed();
  } else if (auto since = http::parse_http_date(call.header("If-Unmodified-Since"))) {
    if (object.modified > *since) return failed();
  }
  std::string_view none = call.header("If-None-Match");
  if (!none.empty()) {
    if (matches(none, object.etag)) return refuse(304, "NotModified", "");
  } else if (auto since = http::parse_http_date(call.header("If-Modified-Since"))) {
    if (object.modified <= *since) return refuse(304, "NotModified", "");
  }
  return {};
}

void add_object_headers(const Call& call, const Object& object, http::Headers& headers) {
  headers.add("Last-Modified", http::format_http_date(object.modified));
  headers.add("ETag", quoted(object.etag));
  headers.add("Accept-Ranges", "bytes");
  headers.add("Content-Type", object.attributes.content_type);
  for (const auto& [name, value] : object.attributes.headers) headers.add(name, value);
  if (object.attributes.storage_class != "STANDARD") {
    headers.add("x-amz-storage-class", object.attributes.storage_class);
  }
  for (const char* name : {"content-type", "content-disposition", "content-encoding",
                           "content-language", "cache-control", "expires"}) {
    std::string parameter = std::string("response-") + name;
    if (call.has(parameter)) headers.set(name, call.parameter(parameter));
  }
}

}  // namespace

Task<S3Handler::Done> S3Handler::get_object(Call& call) {
  auto contents = need_bucket(call);
  if (!contents) co_return tl::unexpected(contents.error());
  auto found = need_object(**contents, call.key);
  if (!found) co_return tl::unexpected(found.error());
  // A copy: its extents keep the bytes alive should the object go while they are sent.
  Object object = **found;
  auto allowed = check_read_conditions(call, object);
  if (!allowed) {
    if (allowed.error().status != 304) co_return tl::unexpected(allowed.error());
    http::ResponseHead unchanged(304);
    unchanged.headers.add("ETag", quoted(object.etag));
    co_return co_await answer(call, unchanged, std::string_view());
  }

  http::RangeSelection selection;
  std::string_view if_range = call.header("If-Range");
  bool ranged = if_range.empty() || s3::ETag(if_range).str() == object.etag;
  if (ranged) selection = http::select_range(call.header("Range"), object.size);
  if (selection.kind == http::RangeSelection::Kind::unsatisfiable) {
    S3Error error(416, "InvalidRange", "The requested range is not satisfiable");
    error.fields.emplace_back("RangeRequested", call.header("Range"));
    error.fields.emplace_back("ActualObjectSize", std::to_string(object.size));
    co_return tl::unexpected(std::move(error));
  }
  bool partial = selection.kind == http::RangeSelection::Kind::partial;
  std::uint64_t first = partial ? selection.range->first() : 0;
  std::uint64_t length = partial ? selection.range->length() : object.size;
  http::ResponseHead head(partial ? 206 : 200);
  add_object_headers(call, object, head.headers);
  head.headers.add("Content-Length", std::to_string(length));
  if (partial)
    head.headers.add("Content-Range", selection.range->to_content_range_header(object.size));
  if (!partial && call.header("x-amz-checksum-mode") == "ENABLED") {
    add_checksum_headers(head.headers, object.checksum);
  }
  head.headers.set("x-amz-request-id", call.request_id);
  head.headers.set("Server", "ringpull-sandbox");

  Extents wanted = slice(object.extents, first, length);
  if (call.head().method == "HEAD") wanted.clear();
  std::vector<http::ConstBytes> pieces;
  for (const Extent& extent : wanted) pieces.push_back(extent.bytes());
  std::span<const http::ConstBytes> body(pieces);
  auto sent = co_await call.exchange.respond(head, body);
  co_return sent;
}

Task<S3Handler::Done> S3Handler::put_object(Call& call) {
  auto payload = co_await receive_payload(call, store_, options_.etags);
  if (!payload) co_return tl::unexpected(payload.error());
  auto contents = need_bucket(call);
  if (!contents) co_return tl::unexpected(contents.error());
  // Judged after the body has come: what was written meanwhile counts.
  auto allowed = check_write_conditions(call, **contents);
  if (!allowed) co_return tl::unexpected(allowed.error());
  Object object;
  object.size = payload->segment->bytes().size();
  object.extents.emplace_back(payload->segment, 0, payload->segment->bytes().size());
  object.etag = payload->etag;
  object.modified = call.now;
  object.attributes = read_attributes(call);
  object.checksum = payload->checksum;
  http::ResponseHead head(200);
  head.headers.add("ETag", quoted(object.etag));
  add_checksum_headers(head.headers, object.checksum);
  if (!store_.put(call.bucket, call.key, std::move(object))) {
    co_return refuse(500, "InternalError", "We encountered an internal error. Please try again.");
  }
  co_return co_await answer(call, head, std::string_view());
}

Outcome<Object*> S3Handler::copy_source(Call& call) {
  std::string_view source = call.header("x-amz-copy-source");
  source = source.substr(0, source.find("?versionId="));
  if (source.starts_with('/')) source.remove_prefix(1);
  auto decoded = http::percent_decode(source);
  std::size_t slash = decoded ? decoded->find('/') : std::string::npos;
  if (slash == std::string::npos) {
    return refuse(400, "InvalidArgument",
                  "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  }
  BucketContents* bucket = store_.find(decoded->substr(0, slash));
  if (bucket == nullptr) return refuse(404, "NoSuchBucket", "The specified bucket does not exist");
  auto object = need_object(*bucket, decoded->substr(slash + 1));
  if (!object) return object;
  std::string_view match = call.header("x-amz-copy-source-if-match");
  std::string_view none = call.header("x-amz-copy-source-if-none-match");
  bool held = (match.empty() || matches(match, (*object)->etag)) &&
              (none.empty() || !matches(none, (*object)->etag));
  if (!held) {
    return refuse(412, "PreconditionFailed",
                  "At least one of the pre-conditions you specified did not hold");
  }
  return object;
}

Task<S3Handler::Done> S3Handler::copy_object(Call& call) {
  auto source = copy_source(call);
  if (!source) co_return tl::unexpected(source.error());
  auto contents = need_bucket(call);
  if (!contents) co_return tl::unexpected(contents.error());
  auto allowed = check_write_conditions(call, **contents);
  if (!allowed) co_return tl::unexpected(allowed.error());
  Object object = **source;
  if (object.size > kPutBytesMax) {
    co_return refuse(400, "InvalidRequest",
                     "The specified copy source is larger than the maximum allowable size for a "
                     "copy source: 5368709120");
  }
  bool replace = http::equal_ignoring_case(call.header("x-amz-metadata-directive"), "REPLACE");
  auto target = (*contents)->objects.find(call.key);
  bool onto_itself = target != (*contents)->objects.end() && &target->second == *source;
  std::string_view storage_class = call.header("x-amz-storage-class");
  if (onto_itself && !replace && storage_class.empty()) {
    co_return refuse(400, "InvalidRequest",
                     "This copy request is illegal because it is trying to copy an object to "
                     "itself without changing the object's metadata, storage class, website "
                     "redirect location or encryption attributes.");
  }
  if (replace) object.attributes = read_attributes(call);
  object.attributes.storage_class = storage_class.empty() ? "STANDARD" : storage_class;
  object.modified = call.now;
  object.record.clear();
  XmlDocument document("CopyObjectResult");
  add(document.root(), "LastModified", iso_time(object.modified));
  add(document.root(), "ETag", quoted(object.etag));
  if (!store_.put(call.bucket, call.key, std::move(object))) {
    co_return refuse(500, "InternalError", "We encountered an internal error. Please try again.");
  }
  co_return co_await answer_xml(call, document);
}

}  // namespace ringpull::sandbox
