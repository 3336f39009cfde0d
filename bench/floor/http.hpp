#pragma once
// The least HTTP/1.1 that a floor program needs: request text, the head of a response, and which
// part comes next. Anything unusual ends the run with an exception.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bench/floor/floor.hpp"
#include "bench/floor/meter.hpp"

namespace ringpull::bench {

struct Endpoint {
  Endpoint() = default;
  bool tls = false;
  std::string host;
  std::string port;
  std::string target;
};

Endpoint parse_url(const std::string& url);

/// A connected TCP socket with TCP_NODELAY; the caller closes it.
int connect_to(const Endpoint& endpoint);

/// One part of the object: where it lies, and which of the request targets names it.
struct Part {
  Part() = default;
  std::uint64_t index = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Hands out the parts of the object in order, again from the start until total_bytes are out.
class PartPlan {
 public:
  explicit PartPlan(const FloorOptions& options);
  bool next(Part& part);
  std::uint64_t total_bytes() const { return total_; }

 private:
  std::uint64_t size_;
  std::uint64_t part_size_;
  std::uint64_t total_;
  std::uint64_t given_ = 0;
};

std::string get_request(const FloorOptions& options, const Endpoint& endpoint, const Part& part);
std::string put_request_head(const FloorOptions& options, const Endpoint& endpoint,
                             const Part& part);

/// Collects one response head. Room for what the servers in question send, and for the first body
/// bytes that come in the same receive.
class ResponseHead {
 public:
  /// Where the next receive may write. Not empty.
  std::span<std::byte> room();
  /// Takes `count` bytes that were received into room(). True once the head is whole.
  bool feed(std::size_t count);
  /// Body bytes that came behind the head.
  std::span<const std::byte> surplus() const;
  /// Copies those to the part's place in the destination; returns how many.
  std::uint64_t copy_surplus(std::span<std::byte> destination, const Part& part) const;
  /// How much of the body is still to come. Throws when more came than was announced.
  std::uint64_t body_left() const;
  void reset();

  /// Throws unless this answers a GET with exactly the part.
  void expect_part(const Part& part) const;
  /// Throws unless this says that a PUT was accepted.
  void expect_accepted() const;

 private:
  static constexpr std::size_t kCapacity = 16u << 10;

  void parse();

  std::array<std::byte, kCapacity> bytes_;
  std::size_t filled_ = 0;
  std::size_t head_size_ = 0;
  unsigned status_ = 0;
  std::uint64_t content_length_ = 0;
};

/// Throws unless the destination holds what options.object_file does, where there is one.
void expect_object(const FloorOptions& options, std::span<const std::byte> destination);
/// Fills the source from options.object_file, or with noise.
void load_object(const FloorOptions& options, PrefaultedMemory& source);

/// Runs `body(result)`, turning exceptions into the return value and result.error.
int report_errors(FloorResult& result, void (*body)(const FloorOptions&, FloorResult&),
                  const FloorOptions& options);

void store_usage(const Meter& meter, std::uint64_t bytes, std::uint64_t enters,
                 FloorResult& result);

[[noreturn]] void throw_errno(int code, const std::string& what);

}  // namespace ringpull::bench
