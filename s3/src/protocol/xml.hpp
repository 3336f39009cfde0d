#pragma once
// S3's XML: documents in, results out; results' counterparts out. pugixml does the syntax; it
// expands no entities beyond the five of XML, and a document with a DOCTYPE is refused outright.

#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <span>
#include <string>
#include <string_view>

#include <ringpull/engine/result.hpp>
#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3 {

/// A page of 1000 keys of 1024 bytes, each percent-encoded, is some 3.5 MiB.
inline constexpr std::size_t kXmlBytesMax = std::size_t(8) << 20;

class XmlDocument {
 public:
  /// `truncated` for an empty, blank or cut document; `protocol` for anything else that is not XML,
  /// holds a DOCTYPE or exceeds kXmlBytesMax.
  static Result<XmlDocument> parse(std::string_view text);

  pugi::xml_node root() const { return document_->document_element(); }
  std::string_view root_name() const { return root().name(); }

 private:
  explicit XmlDocument(std::unique_ptr<pugi::xml_document> document)
      : document_(std::move(document)) {}

  std::unique_ptr<pugi::xml_document> document_;
};

/// The parts of an <Error> document that anyone acts upon; absent ones are empty.
struct ErrorDocument {
  std::string code;
  std::string message;
  std::string request_id;
  std::string region;
  std::string endpoint;
};
ErrorDocument read_error(pugi::xml_node root);

// Each is `protocol` when the root has another name or a required element is missing or absurd.
/// `unsupported` for a document of ListObjects, which servers give that do not know `list-type`.
Result<ListObjectsV2Result> read_list_objects_v2(const XmlDocument& document);
Result<ListObjectsResult> read_list_objects(const XmlDocument& document);
Result<ListPartsResult> read_list_parts(const XmlDocument& document);
Result<ListMultipartUploadsResult> read_list_multipart_uploads(const XmlDocument& document);
Result<CreateMultipartUploadResult> read_create_multipart_upload(const XmlDocument& document);
Result<CompleteMultipartUploadResult> read_complete_multipart_upload(const XmlDocument& document);
Result<CopyObjectResult> read_copy_object(const XmlDocument& document);
Result<UploadPartCopyResult> read_upload_part_copy(const XmlDocument& document);

/// One <Error> of a <DeleteResult>.
struct DeleteFailure {
  std::string key;
  std::string code;
  std::string message;
};
Result<std::vector<DeleteFailure>> read_delete_objects(const XmlDocument& document);

std::string write_complete_multipart_upload(std::span<const CompletedPart> parts);
/// Quiet: the answer names failures only.
std::string write_delete_objects(std::span<const ObjectKey> keys);

/// "2009-10-12T17:50:30.000Z"; the fraction is dropped.
std::optional<std::chrono::sys_seconds> parse_iso8601(std::string_view text) noexcept;

}  // namespace ringpull::inline v0::s3
