#include <algorithm>

#include <ringpull/http/headers.hpp>
#include <ringpull/http/range.hpp>

#include "tools/sandbox/s3_handler.hpp"
#include "tools/sandbox/xml.hpp"

namespace ringpull::sandbox {

using engine::Task;

namespace {

S3Error malformed() {
  return S3Error(
      400, "MalformedXML",
      "The XML you provided was not well-formed or did not validate against our published schema");
}

S3Error invalid_part() {
  return S3Error(400, "InvalidPart",
                 "One or more of the specified parts could not be found. The part may not have "
                 "been uploaded, or the specified entity tag may not match the part's entity tag.");
}

/// What CompleteMultipartUpload's document says of one part.
struct NamedPart {
  std::uint32_t number = 0;
  std::string etag;
};

Outcome<std::vector<NamedPart>> parse_parts(const std::string& text) {
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size())) return tl::unexpected(malformed());
  std::vector<NamedPart> parts;
  for (pugi::xml_node part : document.child("CompleteMultipartUpload").children("Part")) {
    NamedPart named;
    named.number = part.child("PartNumber").text().as_uint();
    named.etag = s3::ETag(part.child_value("ETag")).str();
    if (named.number == 0 || named.etag.empty()) return tl::unexpected(malformed());
    if (!parts.empty() && parts.back().number >= named.number) {
      return refuse(
          400, "InvalidPartOrder",
          "The list of parts was not in ascending order. Parts must be ordered by part number.");
    }
    parts.push_back(std::move(named));
  }
  if (parts.empty()) return tl::unexpected(malformed());
  return parts;
}

/// The checksum of an object from those of its parts: combined for a whole-object CRC, else the
/// checksum of them.
std::optional<StoredChecksum> combine(const Upload& upload, const std::vector<const Part*>& parts) {
  if (!upload.checksum_algorithm) return std::nullopt;
  StoredChecksum whole;
  whole.algorithm = *upload.checksum_algorithm;
  whole.full_object = upload.full_object;
  s3::Checksum of_checksums(whole.algorithm);
  std::uint64_t crc = 0;
  for (const Part* part : parts) {
    if (!part->checksum || part->checksum->algorithm != whole.algorithm) return std::nullopt;
    std::string raw = s3::unbase64(part->checksum->value).value_or(std::string());
    of_checksums.update(s3::bytes_of(raw));
    std::uint64_t value = 0;
    for (char byte : raw.substr(0, 8)) value = value << 8 | static_cast<unsigned char>(byte);
    if (whole.algorithm == s3::ChecksumAlgorithm::crc32c) {
      crc = s3::Crc32c::combine(static_cast<std::uint32_t>(crc), static_cast<std::uint32_t>(value),
                                part->size);
    } else if (whole.algorithm == s3::ChecksumAlgorithm::crc64nvme) {
      crc = s3::Crc64Nvme::combine(crc, value, part->size);
    }
  }
  if (!whole.full_object) {
    whole.value = of_checksums.finish_base64() + "-" + std::to_string(parts.size());
  } else {
    whole.value = whole.algorithm == s3::ChecksumAlgorithm::crc32c
                      ? s3::checksum_base64(static_cast<std::uint32_t>(crc))
                      : s3::checksum_base64(crc);
  }
  return whole;
}

std::string multipart_etag(const std::vector<const Part*>& parts) {
  s3::Md5 digest;
  for (const Part* part : parts) {
    std::string raw = s3::unhex(part->etag).value_or(part->etag);
    digest.update(s3::bytes_of(raw));
  }
  s3::Md5Digest result = digest.finish();
  return s3::hex(result) + "-" + std::to_string(parts.size());
}

}  // namespace

Task<S3Handler::Done> S3Handler::create_upload(Call& call) {
  auto contents = need_bucket(call);
  if (!contents) co_return tl::unexpected(contents.error());
  Upload upload;
  upload.key = call.key;
  upload.initiated = call.now;
  upload.attributes = read_attributes(call);
  std::string_view algorithm = call.header("x-amz-checksum-algorithm");
  if (!algorithm.empty()) {
    upload.checksum_algorithm = s3::parse_checksum_algorithm(algorithm);
    std::string_view type = call.header("x-amz-checksum-type");
    bool crc64 = upload.checksum_algorithm == s3::ChecksumAlgorithm::crc64nvme;
    upload.full_object = type.empty() ? crc64 : http::equal_ignoring_case(type, "FULL_OBJECT");
    bool sha = upload.checksum_algorithm == s3::ChecksumAlgorithm::sha256;
    if (!upload.checksum_algorithm || (sha && upload.full_object) ||
        (crc64 && !upload.full_object)) {
      co_return refuse(
          400, "InvalidRequest",
          "The checksum algorithm and type cannot be used together, or are not supported.");
    }
  }
  upload.id = store_.new_id();
  XmlDocument document("InitiateMultipartUploadResult");
  add(document.root(), "Bucket", call.bucket);
  add(document.root(), "Key", call.key);
  add(document.root(), "UploadId", upload.id);
  std::pair<std::string, std::string> name(upload.key, upload.id);
  (*contents)->uploads.emplace(std::move(name), std::move(upload));
  co_return co_await answer_xml(call, document);
}

Task<S3Handler::Done> S3Handler::upload_part(Call& call) {
  auto part_number = number(call, "partNumber", 0, 1, 10'000);
  if (!part_number) co_return tl::unexpected(part_number.error());
  auto known = need_upload(call);
  if (!known) co_return tl::unexpected(known.error());
  auto payload = co_await receive_payload(call, store_, options_.etags);
  if (!payload) co_return tl::unexpected(payload.error());
  auto upload = need_upload(call);  // it may have been aborted meanwhile
  if (!upload) co_return tl::unexpected(upload.error());
  Part part;
  part.size = payload->segment->bytes().size();
  part.extents.emplace_back(payload->segment, 0, payload->segment->bytes().size());
  part.etag = payload->etag;
  part.modified = call.now;
  part.checksum = payload->checksum;
  http::ResponseHead head(200);
  head.headers.add("ETag", quoted(part.etag));
  if (part.checksum) {
    head.headers.add(s3::checksum_header(part.checksum->algorithm), part.checksum->value);
  }
  (*upload)->parts.insert_or_assign(static_cast<std::uint32_t>(*part_number), std::move(part));
  co_return co_await answer(call, head, std::string_view());
}

Task<S3Handler::Done> S3Handler::upload_part_copy(Call& call) {
  auto part_number = number(call, "partNumber", 0, 1, 10'000);
  if (!part_number) co_return tl::unexpected(part_number.error());
  auto upload = need_upload(call);
  if (!upload) co_return tl::unexpected(upload.error());
  auto source = copy_source(call);
  if (!source) co_return tl::unexpected(source.error());
  const Object& object = **source;
  std::uint64_t first = 0;
  std::uint64_t length = object.size;
  std::string_view range = call.header("x-amz-copy-source-range");
  if (!range.empty()) {
    http::RangeSelection selection = http::select_range(range, object.size);
    bool whole_range = selection.kind == http::RangeSelection::Kind::partial &&
                       range == selection.range->to_range_header();
    if (!whole_range) {
      co_return refuse(
          400, "InvalidArgument",
          "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
          "last are the zero-based offsets of the first and last bytes to copy");
    }
    first = selection.range->first();
    length = selection.range->length();
  }
  if (length > kPutBytesMax) {
    co_return refuse(400, "InvalidRequest",
                     "The specified copy source is larger than the maximum allowable size for a "
                     "copy source: 5368709120");
  }
  Part part;
  part.extents = slice(object.extents, first, length);
  part.size = length;
  part.modified = call.now;
  if (options_.etags == ETagStyle::md5) {
    s3::Md5 digest;
    for (const Extent& extent : part.extents) digest.update(extent.bytes());
    s3::Md5Digest result = digest.finish();
    part.etag = s3::hex(result);
  } else {
    part.etag = store_.new_id();
  }
  XmlDocument document("CopyPartResult");
  add(document.root(), "LastModified", iso_time(part.modified));
  add(document.root(), "ETag", quoted(part.etag));
  (*upload)->parts.insert_or_assign(static_cast<std::uint32_t>(*part_number), std::move(part));
  co_return co_await answer_xml(call, document);
}

Task<S3Handler::Done> S3Handler::complete_upload(Call& call) {
  auto text = co_await receive_document(call);
  if (!text) co_return tl::unexpected(text.error());
  auto named = parse_parts(*text);
  if (!named) co_return tl::unexpected(named.error());
  auto upload = need_upload(call);
  if (!upload) co_return tl::unexpected(upload.error());
  auto contents = need_bucket(call);
  if (!contents) co_return tl::unexpected(contents.error());
  auto allowed = check_write_conditions(call, **contents);
  if (!allowed) co_return tl::unexpected(allowed.error());

  std::vector<const Part*> parts;
  for (const NamedPart& name : *named) {
    auto found = (*upload)->parts.find(name.number);
    if (found == (*upload)->parts.end() || found->second.etag != name.etag) {
      co_return tl::unexpected(invalid_part());
    }
    parts.push_back(&found->second);
  }
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    if (parts[i]->size < s3::kPartBytesMin) {
      S3Error error(400, "EntityTooSmall",
                    "Your proposed upload is smaller than the minimum allowed size");
      error.fields.emplace_back("ProposedSize", std::to_string(parts[i]->size));
      error.fields.emplace_back("MinSizeAllowed", std::to_string(s3::kPartBytesMin));
      error.fields.emplace_back("PartNumber", std::to_string((*named)[i].number));
      co_return tl::unexpected(std::move(error));
    }
  }
  Object object;
  for (const Part* part : parts) {
    object.extents.insert(object.extents.end(), part->extents.begin(), part->extents.end());
    object.size += part->size;
  }
  object.etag = multipart_etag(parts);
  object.modified = call.now;
  object.attributes = (*upload)->attributes;
  object.checksum = combine(**upload, parts);
  if ((*upload)->checksum_algorithm) {
    std::string_view expected = call.header(s3::checksum_header(*(*upload)->checksum_algorithm));
    if (!expected.empty() && (!object.checksum || object.checksum->value != expected)) {
      co_return refuse(400, "BadDigest",
                       "The checksum you specified did not match the calculated checksum.");
    }
  }

  XmlDocument document("CompleteMultipartUploadResult");
  add(document.root(), "Location", "/" + call.bucket + "/" + call.key);
  add(document.root(), "Bucket", call.bucket);
  add(document.root(), "Key", call.key);
  add(document.root(), "ETag", quoted(object.etag));
  if (object.checksum) {
    static constexpr const char* kNames[] = {"ChecksumCRC32C", "ChecksumCRC64NVME",
                                             "ChecksumSHA256"};
    add(document.root(), kNames[static_cast<std::size_t>(object.checksum->algorithm)],
        object.checksum->value);
    add(document.root(), "ChecksumType",
        object.checksum->full_object ? std::string_view("FULL_OBJECT") : "COMPOSITE");
  }
  std::pair<std::string, std::string> name((*upload)->key, (*upload)->id);
  if (!store_.put(call.bucket, call.key, std::move(object))) {
    co_return refuse(500, "InternalError", "We encountered an internal error. Please try again.");
  }
  (*contents)->uploads.erase(name);
  co_return co_await answer_xml(call, document);
}

Task<S3Handler::Done> S3Handler::list_parts(Call& call) {
  auto upload = need_upload(call);
  if (!upload) co_return tl::unexpected(upload.error());
  auto most = number(call, "max-parts", 1000, 1, 1000);
  if (!most) co_return tl::unexpected(most.error());
  auto marker = number(call, "part-number-marker", 0, 0, INT32_MAX);
  if (!marker) co_return tl::unexpected(marker.error());
  XmlDocument document("ListPartsResult");
  pugi::xml_node root = document.root();
  add(root, "Bucket", call.bucket);
  add(root, "Key", call.key);
  add(root, "UploadId", (*upload)->id);
  add(root, "StorageClass", (*upload)->attributes.storage_class);
  add(root, "PartNumberMarker", *marker);
  add(root, "MaxParts", *most);
  const auto& parts = (*upload)->parts;
  auto at = parts.upper_bound(static_cast<std::uint32_t>(*marker));
  std::uint64_t last = *marker;
  std::uint64_t count = 0;
  for (; at != parts.end() && count < *most; ++at, ++count) {
    pugi::xml_node node = root.append_child("Part");
    add(node, "PartNumber", std::uint64_t{at->first});
    add(node, "LastModified", iso_time(at->second.modified));
    add(node, "ETag", quoted(at->second.etag));
    add(node, "Size", at->second.size);
    last = at->first;
  }
  add(root, "NextPartNumberMarker", last);
  add_flag(root, "IsTruncated", at != parts.end());
  co_return co_await answer_xml(call, document);
}

}  // namespace ringpull::sandbox
