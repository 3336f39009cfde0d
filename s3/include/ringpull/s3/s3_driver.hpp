#pragma once
// A StorageDriver on S3.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/s3/client.hpp>
#include <ringpull/s3/s3_driver_options.hpp>
#include <ringpull/s3/storage_driver.hpp>

namespace ringpull::inline v0::s3 {

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
