#pragma once
// The key files of a middleware, watched.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <ringpull/cloudfront/cloudfront_middleware.hpp>
#include <ringpull/engine/file.hpp>
#include <ringpull/engine/task.hpp>

#include "cloudfront/src/middleware/notice.hpp"
#include "cloudfront/src/signing/secret_text.hpp"

namespace ringpull::inline v0::cloudfront {

/// Signs with the first key that has ever been readable. A file that changes is read anew; one that
/// cannot be used then, or has gone, leaves the key that was read before.
class KeyRing {
 public:
  KeyRing(const std::vector<KeyFile>& files, HashAlgorithm hash, Notice notice);

  /// Blocks. Fails with what is wrong with the first file where none can be used.
  Result<void> load();
  /// Looks at the files every `period` until stopped, without blocking.
  engine::Task<void> watch(engine::Duration period);

  /// After load(). The reference is good until the next await.
  const UrlSigner& signer() const noexcept;
  /// Changes whenever signer() does.
  std::uint64_t generation() const noexcept { return generation_; }
  std::uint64_t checks() const noexcept { return checks_; }
  std::uint64_t loads() const noexcept { return loads_; }
  std::uint64_t failures() const noexcept { return failures_; }
  /// In the order of the files.
  std::vector<KeyStatus> keys() const;

 private:
  /// What tells one content of a file from another without reading it.
  struct Version {
    Version() = default;
    explicit Version(const struct stat& status);
    bool operator==(const Version&) const = default;

    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
  };
  struct Slot {
    explicit Slot(const KeyFile& file) : status(file) {}
    KeyStatus status;
    Version version;  // of the last content looked at
    std::optional<UrlSigner> signer;
  };

  engine::Task<Result<void>> check(Slot& slot);
  engine::Task<Result<void>> check_content(Slot& slot, engine::File& file);
  engine::Task<Result<PrivateKey>> read_key(engine::File& file, const std::string& path);
  Result<void> adopt(Slot& slot, Result<PrivateKey> key);
  void note_failure(Slot& slot, const Error& error);
  void note_size(const KeyStatus& key) const;

  std::vector<Slot> slots_;
  HashAlgorithm hash_;
  Notice notice_;
  std::uint64_t generation_ = 0;
  std::uint64_t checks_ = 0;
  std::uint64_t loads_ = 0;
  std::uint64_t failures_ = 0;
};

}  // namespace ringpull::inline v0::cloudfront
