#pragma once
// The texts that S3 addresses things by, each a type of its own so that they cannot be mixed up.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace ringpull::inline v0::s3 {

namespace detail {

template <class Tag>
class Name {
 public:
  Name() = default;
  explicit Name(std::string text) noexcept : text_(std::move(text)) {}
  explicit Name(std::string_view text) : text_(text) {}
  explicit Name(const char* text) : text_(text) {}

  const std::string& str() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }
  friend bool operator==(const Name&, const Name&) = default;
  friend auto operator<=>(const Name&, const Name&) = default;

 private:
  std::string text_;
};

}  // namespace detail

using Bucket = detail::Name<struct BucketTag>;
/// As the application knows it: UTF-8, not percent-encoded, no leading slash implied.
using ObjectKey = detail::Name<struct ObjectKeyTag>;
using UploadId = detail::Name<struct UploadIdTag>;
using VersionId = detail::Name<struct VersionIdTag>;
using Region = detail::Name<struct RegionTag>;

/// An entity tag, opaque: never assume that it is an MD5. Servers write it with and without quotes
/// (radosgw leaves them out in copy results); it is kept without and sent with. A weak tag keeps
/// its "W/" mark in quoted() and never matches in If-Match.
class ETag {
 public:
  ETag() = default;
  /// Takes either spelling.
  explicit ETag(std::string_view text);

  /// Without quotes.
  const std::string& str() const noexcept { return text_; }
  /// As in If-Match and in CompleteMultipartUpload.
  std::string quoted() const;
  bool empty() const noexcept { return text_.empty(); }
  bool weak() const noexcept { return weak_; }
  /// This tag, or none where it is weak: for a condition that is to hold as long as nothing has
  /// changed. If-Match compares strongly (RFC 9110, section 13.1.1), and would fail at once.
  ETag if_strong() const { return weak_ ? ETag() : *this; }
  friend bool operator==(const ETag&, const ETag&) = default;

 private:
  std::string text_;
  bool weak_ = false;
};

/// 1 to kPartNumberMax.
class PartNumber {
 public:
  PartNumber() = default;
  explicit constexpr PartNumber(std::uint32_t value) noexcept : value_(value) {}

  constexpr std::uint32_t value() const noexcept { return value_; }
  friend bool operator==(const PartNumber&, const PartNumber&) = default;
  friend auto operator<=>(const PartNumber&, const PartNumber&) = default;

 private:
  std::uint32_t value_ = 1;
};

/// Limits of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
inline constexpr std::uint32_t kPartNumberMax = 10000;
inline constexpr std::uint64_t kPartBytesMin = std::uint64_t(5) << 20;
inline constexpr std::uint64_t kPartBytesMax = std::uint64_t(5) << 30;
inline constexpr std::uint64_t kPutObjectBytesMax = std::uint64_t(5) << 30;
inline constexpr std::uint64_t kCopyObjectBytesMax = std::uint64_t(5) << 30;
inline constexpr std::size_t kKeyBytesMax = 1024;
inline constexpr std::size_t kDeleteObjectsMax = 1000;
inline constexpr std::uint32_t kListPageMax = 1000;

}  // namespace ringpull::inline v0::s3
