#pragma once
// A StorageDriver on S3.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/endpoint.hpp>
#include <ringpull/s3/storage_driver.hpp>
#include <ringpull/s3/types.hpp>

namespace ringpull::inline v0::s3 {

/// Checksums that writes carry beside Content-Length, for the server to verify.
enum class ChecksumMode : std::uint8_t {
  automatic,  ///< CRC64NVME where the server is known to take it (server_traits.hpp), else off
  off,
  crc32c,
  crc64nvme,
};

/// What tells S3 servers apart for a driver. A method that turns out to be missing is noticed at
/// its first refusal, and not tried again.
class ServerTraits {
 public:
  ServerTraits() = default;

  bool delete_objects = true;   ///< else one DeleteObject per key
  bool list_objects_v2 = true;  ///< else ListObjects with markers
  /// All parts of an upload but the last must have one size (Cloudflare R2).
  bool uniform_parts = false;
  bool checksum_headers = false;  ///< takes x-amz-checksum-* on uploads
  /// If-None-Match: * keeps a file from being replaced; else create_only is a look before.
  bool conditional_writes = true;
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

/// Keys are root_directory, then the path. Objects that it does not show: directory markers
/// ("dir/"), "<path>~ringpull-upload", which holds the state of a closed writer, and keys that make
/// no path. A directory exists as long as any object lies below it, shown or not.
///
/// Requests, where nothing goes wrong: a file's stat takes one, a directory's two; list and walk
/// one per thousand keys; move three, and with parts one more for each and two for the upload;
/// remove one per thousand keys to list and one to delete, so two for a file. A stat that
/// HeadObject is not allowed falls back to the listing. remove() also aborts the uploads of closed
/// writers that it removes.
///
/// What a writer's end leaves behind, beyond StorageWriter: cancel(), and a failure of commit()
/// other than maybe_applied(), abort the multipart upload. A commit() that is stopped while its
/// answer is outstanding reports maybe_applied(); the upload is aborted only when the object is
/// seen not to exist. That takes five seconds at most once the call is stopped; a commit that
/// failed by itself, a failed close() and cancel() may clean up for a minute, which no later stop
/// cuts short. The text of the error names an upload that is left behind.
///
/// A writer holds one block of the memory budget from its first byte on (or its first prepare()),
/// and takes up to upload_concurrency more while nobody waits for them. Writers, and readers with
/// what they read ahead, leave the budget's reserve alone (MemoryHold::lasting), so that clients
/// that are slow keep no file from being opened. A client that stalls keeps its blocks all the
/// same: end it after a time. What fits the first block is one PutObject; no multipart upload
/// exists before more comes, or prepare() is asked for room for it: whoever knows the end of a file
/// does not ask there. A writer without `append` does not look for what a closed one has left at
/// its path: cancel that, or remove the path. An append looks at the file there (one HeadObject),
/// and goes on with an upload only when the file is older: one that was committed after the
/// upload's writer was closed, or in the same second, is never replaced by older bytes.
///
/// A closed writer's upload consists of real parts, so that docker distribution's driver can go on
/// with it; the sidecar holds the short last one again, since S3 lets nobody read parts. The
/// reverse works, too. Only there, an upload whose last part has less than 5 MiB and no sidecar
/// (also one of a writer that was killed while it closed or committed), a partial file is visible:
/// from the first write after `append`, at the path of the upload, until its bytes have been copied
/// back into a new upload. A process that dies in between leaves it there. docs/design/0001 has the
/// details.
class S3Driver final : public StorageDriver {
 public:
  /// `invalid_argument` for options out of their ranges. `client` and `pool` outlive the driver.
  static Result<std::unique_ptr<S3Driver>> create(const S3DriverOptions& options, Client& client,
                                                  engine::BufferPool& pool);
  ~S3Driver() override;

  std::string_view name() const noexcept override { return "s3aws"; }
  StorageCapabilities capabilities() const noexcept override;

  engine::Task<Result<engine::Buffer>> get_content(std::string_view path,
                                                   std::size_t bytes_max) override;
  engine::Task<Result<void>> put_content(std::string_view path,
                                         std::span<const std::byte> bytes) override;
  engine::Task<Result<RangedRead>> read_range(std::string_view path, std::span<std::byte> out,
                                              const RangedReadOptions& options) override;
  engine::Task<Result<std::unique_ptr<StorageReader>>> reader(
      std::string_view path, const ReaderOptions& options) override;
  engine::Task<Result<std::unique_ptr<StorageWriter>>> writer(
      std::string_view path, const WriterOptions& options) override;
  engine::Task<Result<FileInfo>> stat(std::string_view path) override;
  engine::Task<Result<std::vector<std::string>>> list(std::string_view path) override;
  engine::Task<Result<void>> walk(std::string_view path, const WalkOptions& options,
                                  WalkVisitor visitor) override;
  engine::Task<Result<void>> move(std::string_view from, std::string_view to) override;
  engine::Task<Result<void>> remove(std::string_view path) override;
  engine::Task<Result<std::vector<RemoveFailure>>> remove_files(
      std::span<const std::string> paths) override;
  engine::Task<Result<std::optional<std::string>>> redirect_url(
      std::string_view path, const RedirectOptions& options) override;
  std::optional<std::string> object_key(std::string_view path) const override;
  StorageStats stats() const override;

 private:
  class Impl;
  explicit S3Driver(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpull::inline v0::s3
