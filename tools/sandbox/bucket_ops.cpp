#include <algorithm>
#include <string_view>

#include <ringpull/http/url.hpp>

#include "tools/sandbox/s3_handler.hpp"
#include "tools/sandbox/xml.hpp"

namespace ringpull::sandbox {

using engine::Task;

namespace {

constexpr std::uint64_t kPageMax = 1000;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_bucket_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  auto allowed = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; };
  return std::ranges::all_of(name, allowed) && is_letter_or_digit(name.front()) &&
         is_letter_or_digit(name.back()) && name.find("..") == std::string_view::npos;
}

/// The smallest text that is greater than every text that begins with `prefix`; empty when there is
/// none.
std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (!prefix.empty())
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

/// One entry of a listing: a key, or a common prefix.
struct Entry {
  std::string name;
  const Object* object = nullptr;  // null: a common prefix
};

struct Page {
  std::vector<Entry> entries;
  bool truncated = false;
};

/// Entries that begin with `prefix` and come after `after`, in byte order.
Page list_page(const BucketContents& bucket, const std::string& prefix,
               const std::string& delimiter, const std::string& after, std::uint64_t most) {
  Page page;
  auto at = bucket.objects.lower_bound(prefix);
  if (after >= prefix) at = bucket.objects.upper_bound(after);
  // A marker that is a common prefix has all its keys behind it.
  bool marker_is_group =
      !delimiter.empty() && after.size() > prefix.size() && after.ends_with(delimiter);
  if (marker_is_group) at = bucket.objects.lower_bound(after_prefix(after));
  while (at != bucket.objects.end() && at->first.starts_with(prefix)) {
    if (page.entries.size() == most) {
      page.truncated = true;
      break;
    }
    std::size_t cut =
        delimiter.empty() ? std::string::npos : at->first.find(delimiter, prefix.size());
    if (cut == std::string::npos) {
      page.entries.push_back(Entry{at->first, &at->second});
      ++at;
      continue;
    }
    Entry group{at->first.substr(0, cut + delimiter.size()), nullptr};
    std::string next = after_prefix(group.name);
    page.entries.push_back(std::move(group));
    at = next.empty() ? bucket.objects.end() : bucket.objects.lower_bound(next);
  }
  return page;
}

std::string encoded(const Call& call, const std::string& text) {
  return call.parameter("encoding-type") == "url" ? http::percent_encode(text, http::Slash::keep)
                                                  : text;
}

}  // namespace

Task<S3Handler::Done> S3Handler::create_bucket(Call& call) {
  auto document = co_await receive_document(call);
  if (!document) co_return tl::unexpected(document.error());
  if (!is_bucket_name(call.bucket)) {
    co_return refuse(400, "InvalidBucketName", "The specified bucket is not valid.");
  }
  if (store_.find(call.bucket) != nullptr) {
    if (options_.region != "us-east-1") {
      co_return refuse(
          409, "BucketAlreadyOwnedByYou",
          "Your previous request to create the named bucket succeeded and you already own it.");
    }
  } else if (!store_.create_bucket(call.bucket, call.now)) {
    co_return refuse(500, "InternalError", "We encountered an internal error. Please try again.");
  }
  http::ResponseHead head(200);
  head.headers.add("Location", "/" + call.bucket);
  co_return co_await answer(call, head, std::string_view());
}

Task<S3Handler::Done> S3Handler::list_objects(Call& call) {
  auto contents = need_bucket(call);
  if (!contents) co_return tl::unexpected(contents.error());
  bool second_version = call.parameter("list-type") == "2";
  auto most = number(call, "max-keys", kPageMax, 0, INT32_MAX);
  if (!most) co_return tl::unexpected(most.error());
  std::uint64_t page_size = std::min(*most, kPageMax);
  std::string prefix = call.parameter("prefix");
  std::string delimiter = call.parameter("delimiter");
  std::string after = call.parameter(second_version ? "start-after" : "marker");
  std::string token = call.parameter("continuation-token");
  if (!token.empty()) {
    auto decoded = s3::unbase64(token);
    if (!decoded) {
      co_return refuse(400, "InvalidArgument", "The continuation token provided is incorrect");
    }
    after = std::max(after, *decoded);
  }
  Page page = list_page(**contents, prefix, delimiter, after, page_size);
  if (page_size == 0) page.truncated = false;

  XmlDocument document("ListBucketResult");
  pugi::xml_node root = document.root();
  add(root, "Name", call.bucket);
  add(root, "Prefix", encoded(call, prefix));
  if (!delimiter.empty()) add(root, "Delimiter", encoded(call, delimiter));
  add(root, "MaxKeys", *most);
  if (call.has("encoding-type")) add(root, "EncodingType", call.parameter("encoding-type"));
  add_flag(root, "IsTruncated", page.truncated);
  if (second_version) {
    add(root, "KeyCount", page.entries.size());
    if (!token.empty()) add(root, "ContinuationToken", token);
    if (call.has("start-after"))
      add(root, "StartAfter", encoded(call, call.parameter("start-after")));
    if (page.truncated)
      add(root, "NextContinuationToken", s3::base64(s3::bytes_of(page.entries.back().name)));
  } else {
    add(root, "Marker", encoded(call, after));
    if (page.truncated) add(root, "NextMarker", encoded(call, page.entries.back().name));
  }
  for (const Entry& entry : page.entries) {
    if (entry.object == nullptr) continue;
    pugi::xml_node node = root.append_child("Contents");
    add(node, "Key", encoded(call, entry.name));
    add(node, "LastModified", iso_time(entry.object->modified));
    add(node, "ETag", quoted(entry.object->etag));
    if (entry.object->checksum) {
      add(node, "ChecksumAlgorithm", s3::to_string(entry.object->checksum->algorithm));
    }
    add(node, "Size", entry.object->size);
    add(node, "StorageClass", entry.object->attributes.storage_class);
  }
  for (const Entry& entry : page.entries) {
    if (entry.object != nullptr) continue;
    add(root.append_child("CommonPrefixes"), "Prefix", encoded(call, entry.name));
  }
  co_return co_await answer_xml(call, document);
}

Task<S3Handler::Done> S3Handler::list_uploads(Call& call) {
  auto contents = need_bucket(call);
  if (!contents) co_return tl::unexpected(contents.error());
  auto most = number(call, "max-uploads", kPageMax, 1, kPageMax);
  if (!most) co_return tl::unexpected(most.error());
  std::string prefix = call.parameter("prefix");
  std::string delimiter = call.parameter("delimiter");
  std::string key_marker = call.parameter("key-marker");
  // S3 looks at upload-id-marker only beside a key-marker; a key-marker alone skips all uploads of
  // that key.
  std::string id_marker = key_marker.empty() ? std::string() : call.parameter("upload-id-marker");

  XmlDocument document("ListMultipartUploadsResult");
  pugi::xml_node root = document.root();
  add(root, "Bucket", call.bucket);
  add(root, "KeyMarker", encoded(call, key_marker));
  add(root, "UploadIdMarker", id_marker);
  std::vector<const Upload*> uploads;
  std::vector<std::string> groups;
  bool truncated = false;
  std::pair<std::string, std::string> last;
  for (const auto& [name, upload] : (*contents)->uploads) {
    if (!upload.key.starts_with(prefix)) continue;
    bool behind = key_marker.empty() || upload.key > key_marker ||
                  (upload.key == key_marker && !id_marker.empty() && upload.id > id_marker);
    if (!behind) continue;
    std::size_t cut =
        delimiter.empty() ? std::string::npos : upload.key.find(delimiter, prefix.size());
    std::string group =
        cut == std::string::npos ? std::string() : upload.key.substr(0, cut + delimiter.size());
    if (!group.empty() && ((!groups.empty() && groups.back() == group) || group == key_marker))
      continue;
    if (uploads.size() + groups.size() == *most) {
      truncated = true;
      break;
    }
    if (group.empty()) {
      uploads.push_back(&upload);
      last = {upload.key, upload.id};
    } else {
      groups.push_back(group);
      last = {group, std::string()};
    }
  }
  if (truncated) {
    add(root, "NextKeyMarker", encoded(call, last.first));
    add(root, "NextUploadIdMarker", last.second);
  }
  add(root, "Prefix", encoded(call, prefix));
  if (!delimiter.empty()) add(root, "Delimiter", encoded(call, delimiter));
  if (call.has("encoding-type")) add(root, "EncodingType", call.parameter("encoding-type"));
  add(root, "MaxUploads", *most);
  add_flag(root, "IsTruncated", truncated);
  for (const Upload* upload : uploads) {
    pugi::xml_node node = root.append_child("Upload");
    add(node, "Key", encoded(call, upload->key));
    add(node, "UploadId", upload->id);
    add(node, "StorageClass", upload->attributes.storage_class);
    add(node, "Initiated", iso_time(upload->initiated));
  }
  for (const std::string& group : groups) {
    add(root.append_child("CommonPrefixes"), "Prefix", encoded(call, group));
  }
  co_return co_await answer_xml(call, document);
}

Task<S3Handler::Done> S3Handler::delete_objects(Call& call) {
  bool covered =
      call.head().headers.contains("Content-MD5") ||
      call.head().headers.contains("x-amz-sdk-checksum-algorithm") ||
      call.head().headers.contains(s3::checksum_header(s3::ChecksumAlgorithm::crc32c)) ||
      call.head().headers.contains(s3::checksum_header(s3::ChecksumAlgorithm::crc64nvme)) ||
      call.head().headers.contains(s3::checksum_header(s3::ChecksumAlgorithm::sha256)) ||
      call.head().headers.contains("x-amz-checksum-crc32") ||
      call.head().headers.contains("x-amz-checksum-sha1");
  if (!covered) {
    co_return refuse(400, "InvalidRequest",
                     "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  }
  auto text = co_await receive_document(call);
  if (!text) co_return tl::unexpected(text.error());
  pugi::xml_document request;
  bool parsed = static_cast<bool>(request.load_buffer(
      text->data(), text->size(), pugi::parse_default | pugi::parse_ws_pcdata_single));
  pugi::xml_node root = request.child("Delete");
  auto objects = root.children("Object");
  auto count = std::distance(objects.begin(), objects.end());
  if (!parsed || root.empty() || count == 0 || count > 1000) {
    co_return refuse(400, "MalformedXML",
                     "The XML you provided was not well-formed or did not validate against our "
                     "published schema");
  }
  bool quiet = std::string_view(root.child_value("Quiet")) == "true";
  XmlDocument document("DeleteResult");
  for (pugi::xml_node object : objects) {
    std::string key = object.child_value("Key");
    store_.remove(call.bucket, key);
    if (!quiet) add(document.root().append_child("Deleted"), "Key", key);
  }
  co_return co_await answer_xml(call, document);
}

}  // namespace ringpull::sandbox
