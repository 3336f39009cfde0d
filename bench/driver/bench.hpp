#pragma once
// What the cases of the driver bench share: their options, an open driver, and the figures of the
// measured stretch.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <ringpull/engine/result.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/s3/open_s3_driver.hpp>

#include "bench/driver/content.hpp"
#include "bench/floor/meter.hpp"

namespace ringpull::bench {

class DriverOptions {
 public:
  DriverOptions() = default;

  std::string endpoint;
  std::string bucket;
  /// put, put_memory, get: the client's verbs, called side by side, in place of the driver.
  bool verbs = false;
  std::uint64_t size_bytes = std::uint64_t(1) << 30;  ///< of each file
  /// put, put_memory, get: the file is moved again and again until so many bytes went by. 0: once.
  std::uint64_t total_bytes = 0;
  std::uint64_t part_bytes = std::uint64_t(8) << 20;
  std::size_t concurrency = 16;
  /// 0: twice what the parts of one writer or reader take.
  std::uint64_t budget_bytes = 0;
  std::size_t writers = 32;
  std::uint64_t keys = 1000;
  std::uint64_t rounds = 1;  ///< walk: how often
};

/// Of the measured stretch, but for the peak, which is of the whole process.
struct DriverFigures {
  DriverFigures() = default;

  std::uint64_t bytes = 0;
  std::uint64_t keys = 0;
  Usage usage;
  std::uint64_t enters = 0;
  std::uint64_t requests = 0;
  std::uint64_t retries = 0;
  std::uint64_t rss_peak_bytes = 0;
};

/// One run of a case.
class DriverBench {
 public:
  DriverBench(const DriverOptions& options_in, s3::OpenedS3Driver& opened_in,
              DriverFigures& figures_in)
      : options(options_in), opened(opened_in), figures(figures_in) {}

  s3::S3Driver& driver() const { return opened.driver(); }
  s3::Client& client() const { return opened.client(); }

  const DriverOptions& options;
  s3::OpenedS3Driver& opened;
  DriverFigures& figures;
  const Content content;
};

/// From its construction to stop().
class Stretch {
 public:
  explicit Stretch(DriverBench& bench);
  void stop();

 private:
  DriverBench& bench_;
  s3::ClientStats client_;
  std::uint64_t enters_;
  Meter meter_;
};

// The cases. Each moves something that is not measured first, so that connections are open, blocks
// are mapped, and what comes back is compared with what it should be.

/// Writes one file of bytes that come from elsewhere: received where a writer has prepared, or into
/// the blocks of as many UploadParts. What would be a recv() is a copy from a mebibyte that stays
/// in the cache.
engine::Task<Result<void>> put(DriverBench& bench);
/// Writes one file of bytes that lie in memory: through StorageWriter::write, or by s3::upload.
engine::Task<Result<void>> put_memory(DriverBench& bench);
/// Reads the file that put() has left: by a reader, or by ranged GETs into as much memory as the
/// reader's window.
engine::Task<Result<void>> get(DriverBench& bench);
/// Many writers at once, a file each.
engine::Task<Result<void>> writers(DriverBench& bench);
/// Makes files of one byte, a thousand in a directory; the measured part is making them.
engine::Task<Result<void>> fill(DriverBench& bench);
/// Walks over what fill() has left; its first page has been walked over before.
engine::Task<Result<void>> walk(DriverBench& bench);

/// The one file of put(), put_memory() and get().
inline constexpr const char* kFilePath = "/object";
s3::ObjectKey file_key(const DriverBench& bench);
/// How often that file is moved.
std::uint64_t rounds(const DriverOptions& options);

/// Reads a file and compares it with the content that all of them have.
engine::Task<Result<void>> check_file(DriverBench& bench, std::string path, std::uint64_t size);

}  // namespace ringpull::bench
