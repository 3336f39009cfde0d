#pragma once
// What connections and the dialer know of their client: options, counts, memory. Apart from
// pool.hpp, of which they know nothing. One loop.

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <ringpull/http/client.hpp>

namespace ringpull::inline v0::http {

/// Memory that heads are received into: a connection has a block only while an exchange runs, so
/// that idle ones cost little and the busy ones share blocks that are warm in the cache.
class ReceiveBlocks {
 public:
  /// A head, and what of a body came with it: with 16 KiB an object of a few KiB takes one receive.
  static constexpr std::size_t kBlockBytes = 16 * 1024;
  using Block = std::unique_ptr<std::byte[]>;

  Block take() {
    if (free_.empty()) return Block(new std::byte[kBlockBytes]);
    Block block = std::move(free_.back());
    free_.pop_back();
    return block;
  }
  void give_back(Block block) noexcept {
    if (block && free_.size() < kKeptMax) free_.push_back(std::move(block));
  }

 private:
  static constexpr std::size_t kKeptMax = 64;  // 1 MiB
  std::vector<Block> free_;
};

/// What the connections of one client share.
class ClientState {
 public:
  explicit ClientState(const ClientOptions& given) : options(given) {}
  ClientState(const ClientState&) = delete;
  ClientState& operator=(const ClientState&) = delete;

  std::size_t receive_chunk() const noexcept {
    return busy >= options.crowded_from ? options.receive_chunk_bytes_crowded
                                        : options.receive_chunk_bytes;
  }

  const ClientOptions options;
  ClientStats stats;
  ReceiveBlocks blocks;
  std::size_t busy = 0;  // connections that carry a request or a response
};

}  // namespace ringpull::inline v0::http
