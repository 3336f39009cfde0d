#pragma once
// What an S3Driver is made with; S3Driver::create refuses what is out of its range.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <ringpull/s3/endpoint.hpp>
#include <ringpull/s3/names.hpp>
#include <ringpull/s3/server_traits.hpp>
#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3 {

/// Checksums that writes carry beside Content-Length, for the server to verify.
enum class ChecksumMode : std::uint8_t {
  automatic,  ///< CRC64NVME where the server is known to take it (server_traits.hpp), else off
  off,
  crc32c,
  crc64nvme,
};

class S3DriverOptions {
 public:
  S3DriverOptions() { attributes.acl = "private"; }

  Bucket bucket;
  /// Prefix of all keys; leading and trailing slashes do not matter.
  std::string root_directory;
  /// Sent with every new object and every upload. Content-Type is application/octet-stream where
  /// absent.
  ObjectAttributes attributes;
  ServerTraits server;
  ChecksumMode checksum = ChecksumMode::automatic;

  /// Size of an uploaded part, kPartBytesMin to kPartBytesMax. 10 MiB, as docker distribution has
  /// it. Grows with the file where the server lets it, so that 10,000 parts hold 5 TiB.
  std::uint64_t chunk_bytes = std::uint64_t(10) << 20;
  /// Parts of one writer under way at once; fewer when the memory budget has no room. 4 hide the
  /// round trip of a part without taking a budget of 256 MiB from other writers.
  std::size_t upload_concurrency = 4;

  /// Ranged requests of one reader under way at once, and the bytes that they and what was not
  /// consumed yet may hold. 8 parts of 8 MiB: what one slow consumer may take of the budget.
  std::size_t read_concurrency = 8;
  std::uint64_t read_window_bytes = std::uint64_t(64) << 20;
  /// Beyond this much of the window a reader goes only while that makes it faster by a quarter with
  /// each doubling. 16 MiB, two parts: enough for a server at hand, which more connections would
  /// not make faster, only the processor's caches colder.
  std::uint64_t read_window_least_bytes = std::uint64_t(16) << 20;
  /// The first request of a reader asks for this much, later ones for twice their predecessor up to
  /// read_part_bytes. 1 MiB: one request for a small file, little lost when only the head is
  /// wanted.
  std::uint64_t read_first_bytes = std::uint64_t(1) << 20;
  std::uint64_t read_part_bytes = std::uint64_t(8) << 20;

  /// Files up to this size move by one CopyObject (kCopyObjectBytesMax at most), larger ones in
  /// parts of copy_chunk_bytes, which grow with the file to size / 10,000.
  std::uint64_t copy_threshold_bytes = std::uint64_t(32) << 20;
  std::uint64_t copy_chunk_bytes = std::uint64_t(32) << 20;
  std::size_t copy_concurrency = 100;
  /// DeleteObjects requests of one remove under way at once.
  std::size_t remove_concurrency = 4;

  /// The endpoint that redirect_url writes and signs for, where clients reach the store under
  /// another name than the registry does. Signed for the region that the client knows the bucket
  /// in, whatever this one says.
  std::optional<Endpoint> redirect_endpoint;
};

}  // namespace ringpull::inline v0::s3
