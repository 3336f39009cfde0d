#pragma once

// Where the body of a response can go besides the caller's spans: leased memory, or a file.

#include <cstddef>
#include <cstdint>
#include <limits>

#include <ringpull/engine/buffer.hpp>
#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/file.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/client.hpp>

namespace ringpull::inline v0::http {

/// Appends the rest of the body to `chain`, in leases of `pool`; how many bytes. `too_large` beyond
/// `limit_bytes`: of a body of known length before anything is received.
///
/// A body of known length becomes one piece, waited for before anything is received and filled from
/// the socket without a copy; meanwhile the response holds its connection. One of unknown length
/// waits for its first block only. Further ones it takes as they are free, else it ends with
/// `resource_exhausted`: whoever holds memory and waits for more of it could wait for ever. So give
/// it a deadline where the chain, or the caller, holds leases of the pool already.
///
/// Failures carry bytes_done(), and those bytes are in the chain.
engine::Task<Result<std::uint64_t>> read_to_chain(Response& response, engine::BufferChain& chain,
                                                  engine::BufferPool& pool,
                                                  std::size_t limit_bytes);

class ReadToFileOptions {
 public:
  ReadToFileOptions() = default;

  /// Where the body's first byte goes; a multiple of kDirectAlignment where the file was opened
  /// direct.
  std::uint64_t offset = 0;
  /// A larger body is `too_large`: of known length before anything is received or written, else
  /// when it shows. Without a limit: the file system has one.
  std::uint64_t limit_bytes = std::numeric_limits<std::uint64_t>::max();
  /// Two such blocks, leased together, are received into and written from in turn; a body of known
  /// length that fits one takes one. Rounded up to kDirectAlignment. 512 KiB: from there on larger
  /// writes gain nothing, and the block that was received is still in the cache when it is written.
  std::size_t block_bytes = 512 * 1024;
};

/// Writes the rest of the body into `file`; how many bytes. The next block is received while one is
/// written; a write that fails ends the receiving. The data is with the kernel then, not yet on the
/// disk: File::sync_data().
///
/// A file opened direct gets whole pages: the last one padded with zeros, then cut off by
/// truncate(). So a body that ends inside a page must be the end of the file: `invalid_argument`
/// when the file goes on behind it.
///
/// Failures carry bytes_done(), and those bytes are in the file: whole blocks, so that a direct
/// file can be resumed there. What lies behind them is not defined.
engine::Task<Result<std::uint64_t>> read_to_file(Response& response, engine::File& file,
                                                 engine::BufferPool& pool,
                                                 const ReadToFileOptions& options);

}  // namespace ringpull::inline v0::http
