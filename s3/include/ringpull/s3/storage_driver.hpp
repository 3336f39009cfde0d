#pragma once
// What a registry asks of its storage: files named by paths, read and written as streams. The
// contract is docker distribution's `storagedriver`, in terms of this library. Drivers, and the
// middlewares that wrap one, implement StorageDriver; S3Driver is in s3_driver.hpp.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringpull/engine/buffer.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/s3/names.hpp>
#include <ringpull/s3/storage_error.hpp>

namespace ringpull::inline v0::s3 {

/// A file or a directory. Directories exist as long as something lies below them.
struct FileInfo {
  FileInfo() = default;

  std::string path;
  std::uint64_t size_bytes = 0;  ///< 0 for a directory
  /// Absent for directories, and where the store does not say.
  std::optional<std::chrono::sys_seconds> modified;
  bool is_directory = false;
};

/// What a driver offers beyond the least.
struct StorageCapabilities {
  StorageCapabilities() = default;

  bool redirects = false;           ///< redirect_url gives URLs
  bool resumable_writers = false;   ///< WriterOptions::append continues a closed writer
  bool conditional_commit = false;  ///< CommitOptions::create_only is atomic
  bool component_order = false;     ///< WalkOrder::components
};

/// Sees the bytes of a stream once, in order, before they are delivered or stored: for digests.
/// Must not block.
using ByteHook = std::function<void(std::span<const std::byte>)>;

class ReaderOptions {
 public:
  ReaderOptions() = default;

  /// At or behind the end of the file: an empty stream.
  std::uint64_t offset = 0;
  ByteHook hook;
};

/// What a ranged read has found out from its answer.
struct RangedRead {
  RangedRead() = default;

  std::size_t bytes = 0;  ///< put into the caller's memory
  std::uint64_t file_size_bytes = 0;
  ETag etag;
};

class RangedReadOptions {
 public:
  RangedReadOptions() = default;

  std::uint64_t offset = 0;
  /// Read only this version; `precondition_failed` when the file is another one.
  ETag if_match;
};

/// Where the bytes of a reader went; they add up once it is closed.
struct ReaderStats {
  ReaderStats() = default;

  std::uint64_t bytes_received = 0;   ///< from the store
  std::uint64_t bytes_delivered = 0;  ///< to the caller
  std::uint64_t bytes_discarded = 0;  ///< received, and dropped because the reader was closed
};

/// A file being read from front to back, some way ahead of its caller. All bytes are of one version
/// of the file: `precondition_failed` when it is replaced meanwhile.
///
/// One call at a time. A stop or deadline of the calling task ends that call, not the reader. After
/// any other failure only close() is of use. close() is awaited before the reader is destroyed.
class StorageReader {
 public:
  virtual ~StorageReader() = default;

  /// The whole file's size.
  virtual std::uint64_t file_size_bytes() const noexcept = 0;
  virtual const ETag& etag() const noexcept = 0;

  /// The next piece, in a block of the driver's memory budget that returns itself; empty at the
  /// end. Where the budget is used up the piece waits for its turn like everything else that wants
  /// memory, so give pieces back before asking for more: callers that all hold one while they wait
  /// for another could wait for ever.
  virtual engine::Task<Result<engine::BufferLease>> next() = 0;
  /// Copies the next bytes into the caller's memory: at least one; 0 at the end.
  virtual engine::Task<Result<std::size_t>> read_some(std::span<std::byte> out) = 0;
  /// Stops what is under way and waits for it; within tens of milliseconds. Never fails. Calling it
  /// again has no effect.
  virtual engine::Task<void> close() = 0;

  virtual ReaderStats stats() const noexcept = 0;
};

class WriterOptions {
 public:
  WriterOptions() = default;

  /// Continue where an earlier writer of this path was closed, or an empty file: `not_found`
  /// (path_not_found) when there is neither, `conflict` when the file has bytes.
  bool append = false;
  /// How many bytes will be written in all, where that is known: lets the driver choose the size of
  /// the parts. A wrong hint costs speed, not bytes.
  std::optional<std::uint64_t> size_hint;
  /// Sees what write() and write_prepared() accept. After append, only what is written from then
  /// on.
  ByteHook hook;
};

class CommitOptions {
 public:
  CommitOptions() = default;

  /// `already_exists` instead of replacing a file.
  bool create_only = false;
  /// Asked once all bytes are stored and before they become a file; an Error aborts the upload and
  /// is what commit() returns. For a digest that only the last byte decides.
  std::function<Result<void>()> condition;
};

/// A file being written. Its content becomes visible, whole, with commit().
///
/// The legal orders: write* commit [close]; write* close, to go on later with
/// WriterOptions::append, also in another process; cancel [close] at any point before a commit.
/// After commit, close or cancel, everything but close is `invalid_argument`. One of the three is
/// awaited before the writer is destroyed. One call at a time, one writer of a path at a time.
///
/// Bytes that lie in memory already are handed over by write(), which copies them. Bytes that are
/// still to come, from a socket or a file, are best received where prepare() says and taken from
/// there by write_prepared(): then nothing copies them on their way to the store. Both may take
/// turns.
///
/// A stop or deadline of the calling task ends that call; the bytes that it had accepted are
/// counted in the error's bytes_done() and in size_bytes(). After any other failure of write(),
/// prepare() or write_prepared(), cancel() is what is left to do.
class StorageWriter {
 public:
  virtual ~StorageWriter() = default;

  /// Copies all bytes, which need not live on once it returns. Waits while too much is under way.
  virtual engine::Task<Result<void>> write(std::span<const std::byte> bytes) = 0;
  /// Room for the bytes that come next: at least one, mostly what a part of the file still lacks.
  /// It holds whatever it held before, belongs to the writer's share of the memory budget, and is
  /// the caller's to fill until it calls the writer again. Waits while too much is under way; a
  /// caller may wait for its source as long as it likes. Nothing is written yet; room that stays
  /// unused is none of the file.
  virtual engine::Task<Result<std::span<std::byte>>> prepare() = 0;
  /// Takes the first `bytes` of what the call before, a prepare(), gave, as write() does. More than
  /// that is a programmer's error, and aborts.
  virtual engine::Task<Result<void>> write_prepared(std::size_t bytes) = 0;
  /// Bytes accepted so far, those of earlier writers included.
  virtual std::uint64_t size_bytes() const noexcept = 0;
  /// Makes a file of everything written, replacing what was there. An Error with maybe_applied()
  /// leaves open whether it did; any other has aborted the upload.
  virtual engine::Task<Result<void>> commit(const CommitOptions& options) = 0;
  /// Stores everything written, so that a later writer can append, in this process or another.
  /// Without effect after commit() or cancel(). Stopped, or when the store fails at the last step,
  /// a later writer goes on from what had arrived, which its size tells; cancel() may then still be
  /// called. When the bytes themselves could not be stored, now or by an earlier write(), it drops
  /// everything as cancel() does, and says why.
  virtual engine::Task<Result<void>> close() = 0;
  /// Drops everything written, also by earlier writers.
  virtual engine::Task<Result<void>> cancel() = 0;
};

enum class WalkStep : std::uint8_t {
  go_on,
  skip_directory,  ///< nothing below this directory; after a file as go_on
  stop,            ///< walk() returns without an error
};

enum class WalkOrder : std::uint8_t {
  /// Of full paths, as the store lists them: "/a-b" before "/a/b".
  bytes,
  /// Level by level, as a depth-first walk of sorted names: "/a/b" before "/a-b". Costs a listing
  /// per directory.
  components,
};

class WalkOptions {
 public:
  WalkOptions() = default;

  /// Only paths that come after this one, in the walk's order, and the directories that hold them.
  /// Empty: all.
  std::string start_after;
  WalkOrder order = WalkOrder::bytes;
};

/// Called for each directory before what lies below it and for each file; never for the root of the
/// walk. The walk waits for it. An Error ends the walk, which returns it.
using WalkVisitor = std::function<engine::Task<Result<WalkStep>>(const FileInfo&)>;

enum class RedirectMethod : std::uint8_t { get, head };

/// Who will follow a redirect, as the registry's HTTP server saw the request. Header values are as
/// received, from anybody: only a middleware that knows the proxies to trust may believe them.
struct ClientFacts {
  ClientFacts() = default;

  /// The other end of the connection: an IP address, with or without a port ("[::1]:443"). Empty:
  /// not known.
  std::string peer_address;
  /// X-Forwarded-For, several fields joined by commas.
  std::string forwarded_for;
  /// X-Real-Ip.
  std::string real_ip;
};

class RedirectOptions {
 public:
  RedirectOptions() = default;

  RedirectMethod method = RedirectMethod::get;
  /// How long the URL is good for, unless the credentials behind it end earlier. Absent: what
  /// whoever makes the URL is configured for; S3Driver takes kRedirectExpiry.
  std::optional<std::chrono::seconds> expiry;
  ClientFacts client;
};

/// 20 minutes, as docker distribution has it.
inline constexpr std::chrono::seconds kRedirectExpiry = std::chrono::minutes(20);

/// A path that could not be removed.
struct RemoveFailure {
  RemoveFailure(std::string path_in, Error error_in)
      : path(std::move(path_in)), error(std::move(error_in)) {}
  std::string path;
  Error error;
};

struct OperationStats {
  OperationStats() = default;
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  std::uint64_t bytes = 0;  ///< of file content that went through
  std::chrono::nanoseconds time{0};
};

/// Counted since the driver was made. Readers and writers count when they end.
struct StorageStats {
  StorageStats() = default;
  OperationStats get_content, put_content, read_range, reader, writer, stat, list, walk, move,
      remove, redirect_url;
  std::uint64_t bytes_discarded = 0;  ///< ReaderStats::bytes_discarded of all readers
};

/// Files under paths (storage_path.hpp).
///
/// Belongs to one loop; its methods may run side by side there. Other threads go through Runtime.
/// Paths and options stay valid until the await returns; readers and writers are outlived by their
/// driver. Every method fails with `invalid_argument` (invalid_path) for what is no path, and with
/// `not_found` (path_not_found) for a path that holds nothing, unless it says otherwise; each text
/// names driver and path. Cancellation and deadlines end any method promptly; what a change then
/// leaves behind is said there.
class StorageDriver {
 public:
  virtual ~StorageDriver() = default;

  /// As in configurations and error texts, "s3aws".
  virtual std::string_view name() const noexcept = 0;
  virtual StorageCapabilities capabilities() const noexcept = 0;

  /// A whole file, for small ones. `too_large` beyond `bytes_max`.
  virtual engine::Task<Result<engine::Buffer>> get_content(std::string_view path,
                                                           std::size_t bytes_max) = 0;
  /// Replaces a whole file. Stopped, it has happened or not.
  virtual engine::Task<Result<void>> put_content(std::string_view path,
                                                 std::span<const std::byte> bytes) = 0;
  /// Reads from `options.offset` on into `out`, straight from the store; fewer bytes at the end of
  /// the file, none behind it. One request, which also tells size and ETag.
  virtual engine::Task<Result<RangedRead>> read_range(std::string_view path,
                                                      std::span<std::byte> out,
                                                      const RangedReadOptions& options) = 0;
  /// The file's first bytes have been asked for when it returns.
  virtual engine::Task<Result<std::unique_ptr<StorageReader>>> reader(
      std::string_view path, const ReaderOptions& options) = 0;
  virtual engine::Task<Result<std::unique_ptr<StorageWriter>>> writer(
      std::string_view path, const WriterOptions& options) = 0;

  /// The root "/" always exists.
  virtual engine::Task<Result<FileInfo>> stat(std::string_view path) = 0;
  /// The files and directories directly below a directory, as full paths in byte order. The root
  /// may be empty.
  virtual engine::Task<Result<std::vector<std::string>>> list(std::string_view path) = 0;
  /// Everything below a directory. The root may be empty.
  virtual engine::Task<Result<void>> walk(std::string_view path, const WalkOptions& options,
                                          WalkVisitor visitor) = 0;

  /// Moves a file, replacing what is at `to`. Not atomic: readers may see both. Stopped or failed,
  /// `from` is still there; `to` is the old file or the whole new one.
  virtual engine::Task<Result<void>> move(std::string_view from, std::string_view to) = 0;
  /// Removes a file, or a directory with everything below it. Stopped or failed, some of it.
  virtual engine::Task<Result<void>> remove(std::string_view path) = 0;
  /// Removes files (no directories) in as few requests as the store allows. Paths that hold nothing
  /// count as removed. An Error when nothing could be tried.
  virtual engine::Task<Result<std::vector<RemoveFailure>>> remove_files(
      std::span<const std::string> paths) = 0;

  /// A URL that gives the file to whoever holds it; nothing where clients are to be served by the
  /// registry itself. Does not look whether the file exists.
  virtual engine::Task<Result<std::optional<std::string>>> redirect_url(
      std::string_view path, const RedirectOptions& options) = 0;

  /// The name of the object that holds `path` in the store at the bottom, for middlewares; nothing
  /// where there is no such thing.
  virtual std::optional<std::string> object_key(std::string_view path) const = 0;
  virtual StorageStats stats() const = 0;
};

}  // namespace ringpull::inline v0::s3
