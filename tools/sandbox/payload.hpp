#pragma once
// Bodies of requests on their way into the store. Of one that fails a check nothing is kept; other
// connections go on while a large one is hashed.

#include <memory>
#include <optional>
#include <string>

#include "tools/sandbox/call.hpp"
#include "tools/sandbox/store.hpp"

namespace ringpull::sandbox {

/// How entity tags are made: by MD5 as S3 does without encryption, or opaque, which costs nothing
/// (for benches).
enum class ETagStyle : std::uint8_t { md5, opaque };

/// A request's body, received and held against everything that was said about it.
struct Payload {
  Payload() = default;
  std::shared_ptr<Segment> segment;
  std::string etag;
  std::optional<StoredChecksum> checksum;
};

/// The most that one PUT may bring: S3's limit of 5 GiB.
constexpr std::uint64_t kPutBytesMax = std::uint64_t{5} << 30;

/// Receives an object's or a part's bytes straight into a new segment. Verifies
/// x-amz-content-sha256, Content-MD5 and x-amz-checksum-* (header or trailer of an aws-chunked
/// body).
engine::Task<Outcome<Payload>> receive_payload(Call& call, Store& store, ETagStyle style);

/// Receives a small document (Complete, Delete); EntityTooLarge beyond 2 MiB.
engine::Task<Outcome<std::string>> receive_document(Call& call);

}  // namespace ringpull::sandbox
