#pragma once
// What the sandbox keeps, without any HTTP: tests look into it, and put objects there past the
// network.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringpull/s3/checksum.hpp>

#include "tools/sandbox/segment.hpp"

namespace ringpull::sandbox {

/// A checksum that a client gave and the server verified.
struct StoredChecksum {
  StoredChecksum() = default;
  s3::ChecksumAlgorithm algorithm = s3::ChecksumAlgorithm::crc32c;
  std::string value;        // base64; "...-3" when composite
  bool full_object = true;  // x-amz-checksum-type
};

/// What is kept beside the bytes and given back as headers.
struct Attributes {
  Attributes() = default;
  std::string content_type = "binary/octet-stream";
  /// Header name (lower case) and value: cache-control, content-disposition, x-amz-meta-*, ...
  std::vector<std::pair<std::string, std::string>> headers;
  std::string storage_class = "STANDARD";
};

/// A run of bytes within a segment.
struct Extent {
  Extent(std::shared_ptr<Segment> segment_in, std::size_t offset_in, std::size_t size_in)
      : segment(std::move(segment_in)), offset(offset_in), size(size_in) {}

  std::span<const std::byte> bytes() const noexcept {
    return segment->bytes().subspan(offset, size);
  }

  std::shared_ptr<Segment> segment;
  std::size_t offset;
  std::size_t size;
};
using Extents = std::vector<Extent>;

/// Those bytes of `extents` that lie in [first, first + length).
Extents slice(const Extents& extents, std::uint64_t first, std::uint64_t length);

struct Object {
  Object() = default;
  Extents extents;
  std::uint64_t size = 0;
  std::string etag;  // without quotes
  std::chrono::sys_seconds modified{};
  Attributes attributes;
  std::optional<StoredChecksum> checksum;
  std::string record;  // path of its description, with a directory
};

struct Part {
  Part() = default;
  Extents extents;
  std::uint64_t size = 0;
  std::string etag;
  std::chrono::sys_seconds modified{};
  std::optional<StoredChecksum> checksum;
};

struct Upload {
  Upload() = default;
  std::string id;
  std::string key;
  std::chrono::sys_seconds initiated{};
  Attributes attributes;
  std::optional<s3::ChecksumAlgorithm> checksum_algorithm;
  bool full_object = false;
  std::map<std::uint32_t, Part> parts;
};

struct BucketContents {
  BucketContents() = default;
  std::chrono::sys_seconds created{};
  std::map<std::string, Object, std::less<>> objects;
  /// By key, then by time: the order of ListMultipartUploads.
  std::map<std::pair<std::string, std::string>, Upload> uploads;
};

/// Buckets, objects and uploads of one sandbox; for one loop. With a directory, objects survive a
/// restart (uploads under way do not); file operations block the loop, which a sandbox may.
class Store {
 public:
  /// In memory.
  Store() = default;
  /// Loads what the directory holds.
  static Result<std::unique_ptr<Store>> open(const std::string& directory);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  Result<std::shared_ptr<Segment>> new_segment(std::size_t size);
  /// False: pages of zeros take no memory, so that a sandbox in memory holds files far larger than
  /// that if they are mostly zeros. Costs a look at every byte that comes in.
  void keep_zeros(bool keep) noexcept { keeps_zeros_ = keep; }
  bool keeps_zeros() const noexcept { return keeps_zeros_; }

  std::map<std::string, BucketContents, std::less<>>& buckets() noexcept { return buckets_; }
  BucketContents* find(std::string_view bucket) noexcept;
  Result<void> create_bucket(const std::string& bucket, std::chrono::sys_seconds now);
  Result<void> remove_bucket(const std::string& bucket);
  Result<void> put(const std::string& bucket, const std::string& key, Object object);
  void remove(const std::string& bucket, const std::string& key);

  std::string new_id();

 private:
  Result<void> load_bucket(const std::string& bucket, const std::string& path);
  Result<void> remove_orphans();
  void release(Object& object) noexcept;

  std::string directory_;
  std::map<std::string, BucketContents, std::less<>> buckets_;
  std::uint64_t counter_ = 0;
  bool keeps_zeros_ = true;
};

}  // namespace ringpull::sandbox
