#include "s3/src/protocol/xml.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <ringpull/s3/checksum.hpp>
#include <ringpull/s3/sigv4.hpp>

namespace ringpull::inline v0::s3 {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

std::string child_text(pugi::xml_node node, const char* name) { return node.child_value(name); }

Error malformed(pugi::xml_node root, std::string_view what) {
  return Error(ErrorKind::protocol, std::string(root.name()) + ": " + std::string(what));
}

Result<void> expect_root(const XmlDocument& document, std::string_view name) {
  if (document.root_name() == name) return {};
  std::string found(document.root_name().substr(0, 64));
  return fail(ErrorKind::protocol,
              "expected an XML document <" + std::string(name) + ">, got <" + found + ">");
}

template <class Number>
Result<Number> read_number(pugi::xml_node node, const char* name) {
  std::string_view text = node.child_value(name);
  Number value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return fail(ErrorKind::protocol, std::string("<") + name + "> is not a number: \"" +
                                       std::string(text.substr(0, 32)) + "\"");
}

bool is_true(pugi::xml_node node, const char* name) {
  return std::string_view(node.child_value(name)) == "true";
}

/// encoding-type=url as S3 writes it: percent escapes, and '+' for a space.
std::string url_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::optional<std::string> octet;
    if (text[i] == '%' && i + 2 < text.size()) octet = unhex(text.substr(i + 1, 2));
    if (octet) {
      out += *octet;
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// Reads the elements that encoding-type=url covers.
class KeyReader {
 public:
  explicit KeyReader(pugi::xml_node root)
      : encoded_(std::string_view(root.child_value("EncodingType")) == "url") {}

  std::string operator()(pugi::xml_node node, const char* name) const {
    return encoded_ ? url_decode(node.child_value(name)) : child_text(node, name);
  }

 private:
  bool encoded_;
};

std::vector<std::string> read_common_prefixes(pugi::xml_node root, const KeyReader& read_key) {
  std::vector<std::string> prefixes;
  for (pugi::xml_node node : root.children("CommonPrefixes")) {
    prefixes.push_back(read_key(node, "Prefix"));
  }
  return prefixes;
}

Result<std::vector<ListedObject>> read_listed_objects(pugi::xml_node root,
                                                      const KeyReader& read_key) {
  std::vector<ListedObject> objects;
  for (pugi::xml_node node : root.children("Contents")) {
    ListedObject& object = objects.emplace_back();
    object.key = ObjectKey(read_key(node, "Key"));
    if (object.key.empty()) return fail(malformed(root, "an entry without a key"));
    RINGPULL_TRY(object.size_bytes, read_number<std::uint64_t>(node, "Size"));
    object.etag = ETag(node.child_value("ETag"));
    object.last_modified = parse_iso8601(node.child_value("LastModified"));
    object.storage_class = child_text(node, "StorageClass");
  }
  return objects;
}

std::vector<ObjectChecksum> read_checksums(pugi::xml_node node) {
  constexpr std::pair<const char*, ChecksumAlgorithm> kElements[] = {
      {"ChecksumCRC32C", ChecksumAlgorithm::crc32c},
      {"ChecksumCRC64NVME", ChecksumAlgorithm::crc64nvme},
      {"ChecksumSHA256", ChecksumAlgorithm::sha256}};
  bool composite = std::string_view(node.child_value("ChecksumType")) == "COMPOSITE";
  std::vector<ObjectChecksum> checksums;
  for (const auto& [name, algorithm] : kElements) {
    std::string value = child_text(node, name);
    if (value.empty()) continue;
    ObjectChecksum& checksum = checksums.emplace_back(algorithm, value);
    checksum.composite = composite || value.find('-') != std::string::npos;
  }
  return checksums;
}

class StringWriter final : public pugi::xml_writer {
 public:
  void write(const void* data, std::size_t size) override {
    text.append(static_cast<const char*>(data), size);
  }

  std::string text;
};

std::string serialise(const pugi::xml_document& document) {
  StringWriter writer;
  document.save(writer, "", pugi::format_raw | pugi::format_no_declaration);
  return std::move(writer.text);
}

pugi::xml_node start_document(pugi::xml_document& document, const char* root) {
  pugi::xml_node node = document.append_child(root);
  node.append_attribute("xmlns") = kNamespace;
  return node;
}

void append_text(pugi::xml_node node, const char* name, const std::string& text) {
  node.append_child(name).text().set(text.c_str());
}

const char* checksum_element(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::crc32c: return "ChecksumCRC32C";
    case ChecksumAlgorithm::crc64nvme: return "ChecksumCRC64NVME";
    case ChecksumAlgorithm::sha256: return "ChecksumSHA256";
  }
  return "";
}

}  // namespace

Result<XmlDocument> XmlDocument::parse(std::string_view text) {
  std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    return fail(ErrorKind::truncated, "expected an XML document, got an empty body");
  }
  if (text.size() > kXmlBytesMax) {
    return fail(ErrorKind::protocol, "an XML document of " + std::to_string(text.size()) +
                                         " bytes exceeds the limit of " +
                                         std::to_string(kXmlBytesMax));
  }
  auto document = std::make_unique<pugi::xml_document>();
  // S3 sends blanks ahead of the document to keep a slow CompleteMultipartUpload alive; XML allows
  // none before the declaration.
  text.remove_prefix(first);
  auto parsed = document->load_buffer(
      text.data(), text.size(), pugi::parse_default | pugi::parse_doctype, pugi::encoding_utf8);
  if (!parsed) {
    // An unfinished document of S3's begins like one; an HTML page from a proxy does not.
    bool cut = text.starts_with("<?xml") && text.find("<html") == std::string_view::npos;
    return fail(cut ? ErrorKind::truncated : ErrorKind::protocol,
                std::string("not a complete XML document: ") + parsed.description());
  }
  for (pugi::xml_node node : document->children()) {
    if (node.type() == pugi::node_doctype) {
      return fail(ErrorKind::protocol, "an XML document with a DOCTYPE is refused");
    }
  }
  return XmlDocument(std::move(document));
}

ErrorDocument read_error(pugi::xml_node root) {
  ErrorDocument out;
  out.code = child_text(root, "Code");
  out.message = child_text(root, "Message");
  out.request_id = child_text(root, "RequestId");
  out.region = child_text(root, "Region");
  out.endpoint = child_text(root, "Endpoint");
  return out;
}

Result<ListObjectsV2Result> read_list_objects_v2(const XmlDocument& document) {
  RINGPULL_CHECK(expect_root(document, "ListBucketResult"));
  pugi::xml_node root = document.root();
  if (root.child("Marker") && !root.child("KeyCount")) {
    return fail(ErrorKind::unsupported,
                "the server answers ListObjectsV2 as ListObjects; use that verb");
  }
  KeyReader read_key(root);
  ListObjectsV2Result out;
  RINGPULL_TRY(out.objects, read_listed_objects(root, read_key));
  out.common_prefixes = read_common_prefixes(root, read_key);
  out.truncated = is_true(root, "IsTruncated");
  out.next_continuation_token = child_text(root, "NextContinuationToken");
  if (out.truncated && out.next_continuation_token.empty()) {
    return fail(malformed(root, "more pages are announced without a token to ask for them"));
  }
  return out;
}

Result<ListObjectsResult> read_list_objects(const XmlDocument& document) {
  RINGPULL_CHECK(expect_root(document, "ListBucketResult"));
  pugi::xml_node root = document.root();
  KeyReader read_key(root);
  ListObjectsResult out;
  RINGPULL_TRY(out.objects, read_listed_objects(root, read_key));
  out.common_prefixes = read_common_prefixes(root, read_key);
  out.truncated = is_true(root, "IsTruncated");
  if (!out.truncated) return out;
  out.next_marker = read_key(root, "NextMarker");
  if (!out.next_marker.empty()) return out;
  if (!out.objects.empty()) out.next_marker = out.objects.back().key.str();
  if (!out.common_prefixes.empty()) {
    out.next_marker = std::max(out.next_marker, out.common_prefixes.back());
  }
  if (out.next_marker.empty()) {
    return fail(malformed(root, "more pages are announced without a marker to ask for them"));
  }
  return out;
}

Result<ListPartsResult> read_list_parts(const XmlDocument& document) {
  RINGPULL_CHECK(expect_root(document, "ListPartsResult"));
  pugi::xml_node root = document.root();
  ListPartsResult out;
  for (pugi::xml_node node : root.children("Part")) {
    ListedPart& part = out.parts.emplace_back();
    RINGPULL_TRY(std::uint32_t number, read_number<std::uint32_t>(node, "PartNumber"));
    if (number < 1 || number > kPartNumberMax) {
      return fail(malformed(root, "part number " + std::to_string(number) + " is out of range"));
    }
    part.number = PartNumber(number);
    RINGPULL_TRY(part.size_bytes, read_number<std::uint64_t>(node, "Size"));
    part.etag = ETag(node.child_value("ETag"));
    if (part.etag.empty()) return fail(malformed(root, "a part without an ETag"));
    part.last_modified = parse_iso8601(node.child_value("LastModified"));
    part.checksums = read_checksums(node);
  }
  out.truncated = is_true(root, "IsTruncated");
  if (!out.truncated) return out;
  if (root.child("NextPartNumberMarker").empty() && !out.parts.empty()) {
    out.next_part_number_marker = out.parts.back().number.value();
    return out;
  }
  RINGPULL_TRY(out.next_part_number_marker,
               read_number<std::uint32_t>(root, "NextPartNumberMarker"));
  return out;
}

Result<ListMultipartUploadsResult> read_list_multipart_uploads(const XmlDocument& document) {
  RINGPULL_CHECK(expect_root(document, "ListMultipartUploadsResult"));
  pugi::xml_node root = document.root();
  KeyReader read_key(root);
  ListMultipartUploadsResult out;
  for (pugi::xml_node node : root.children("Upload")) {
    ListedUpload& upload = out.uploads.emplace_back();
    upload.key = ObjectKey(read_key(node, "Key"));
    upload.upload_id = UploadId(node.child_value("UploadId"));
    if (upload.key.empty() || upload.upload_id.empty()) {
      return fail(malformed(root, "an upload without a key or an id"));
    }
    upload.initiated = parse_iso8601(node.child_value("Initiated"));
  }
  out.common_prefixes = read_common_prefixes(root, read_key);
  out.truncated = is_true(root, "IsTruncated");
  out.next_key_marker = read_key(root, "NextKeyMarker");
  out.next_upload_id_marker = child_text(root, "NextUploadIdMarker");
  if (out.truncated && out.next_key_marker.empty()) {
    return fail(malformed(root, "more pages are announced without a marker to ask for them"));
  }
  return out;
}

Result<CreateMultipartUploadResult> read_create_multipart_upload(const XmlDocument& document) {
  RINGPULL_CHECK(expect_root(document, "InitiateMultipartUploadResult"));
  CreateMultipartUploadResult out;
  out.upload_id = UploadId(document.root().child_value("UploadId"));
  if (out.upload_id.empty()) return fail(malformed(document.root(), "no upload id"));
  return out;
}

Result<CompleteMultipartUploadResult> read_complete_multipart_upload(const XmlDocument& document) {
  RINGPULL_CHECK(expect_root(document, "CompleteMultipartUploadResult"));
  CompleteMultipartUploadResult out;
  pugi::xml_node etag = document.root().child("ETag");
  if (!etag) return fail(malformed(document.root(), "no ETag"));
  out.etag = ETag(etag.child_value());
  out.checksums = read_checksums(document.root());
  return out;
}

Result<CopyObjectResult> read_copy_object(const XmlDocument& document) {
  RINGPULL_CHECK(expect_root(document, "CopyObjectResult"));
  CopyObjectResult out;
  out.etag = ETag(document.root().child_value("ETag"));
  if (out.etag.empty()) return fail(malformed(document.root(), "no ETag"));
  out.last_modified = parse_iso8601(document.root().child_value("LastModified"));
  out.checksums = read_checksums(document.root());
  return out;
}

Result<UploadPartCopyResult> read_upload_part_copy(const XmlDocument& document) {
  RINGPULL_CHECK(expect_root(document, "CopyPartResult"));
  UploadPartCopyResult out;
  out.etag = ETag(document.root().child_value("ETag"));
  if (out.etag.empty()) return fail(malformed(document.root(), "no ETag"));
  out.checksums = read_checksums(document.root());
  return out;
}

Result<std::vector<DeleteFailure>> read_delete_objects(const XmlDocument& document) {
  RINGPULL_CHECK(expect_root(document, "DeleteResult"));
  std::vector<DeleteFailure> failures;
  for (pugi::xml_node node : document.root().children("Error")) {
    DeleteFailure& failure = failures.emplace_back();
    failure.key = child_text(node, "Key");
    failure.code = child_text(node, "Code");
    failure.message = child_text(node, "Message");
  }
  return failures;
}

std::string write_complete_multipart_upload(std::span<const CompletedPart> parts) {
  pugi::xml_document document;
  pugi::xml_node root = start_document(document, "CompleteMultipartUpload");
  for (const CompletedPart& part : parts) {
    pugi::xml_node node = root.append_child("Part");
    append_text(node, "PartNumber", std::to_string(part.number.value()));
    append_text(node, "ETag", part.etag.quoted());
    if (part.checksum) {
      append_text(node, checksum_element(part.checksum->algorithm), part.checksum->base64);
    }
  }
  return serialise(document);
}

std::string write_delete_objects(std::span<const ObjectKey> keys) {
  pugi::xml_document document;
  pugi::xml_node root = start_document(document, "Delete");
  append_text(root, "Quiet", "true");
  for (const ObjectKey& key : keys) append_text(root.append_child("Object"), "Key", key.str());
  return serialise(document);
}

std::optional<std::chrono::sys_seconds> parse_iso8601(std::string_view text) noexcept {
  // 2009-10-12T17:50:30.000Z without the separators is the form that signatures use.
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() < kShape.size() + 1 || text.back() != 'Z') return std::nullopt;
  if (text.size() > kShape.size() + 1 && text[kShape.size()] != '.') return std::nullopt;
  std::string compact;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    bool separator = kShape[i] == '-' || kShape[i] == ':';
    if (separator && text[i] != kShape[i]) return std::nullopt;
    if (!separator) compact += text[i];
  }
  return parse_amz_date(compact + 'Z');
}

}  // namespace ringpull::inline v0::s3
