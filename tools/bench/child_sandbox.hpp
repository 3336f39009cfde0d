#pragma once
// The server of `ringpull bench`: a process of its own, so that the bench's CPU time and memory are
// the client's alone. start() blocks, so it comes before the loop.

#include <string>
#include <sys/types.h>

#include <ringpull/engine/result.hpp>

namespace ringpull::tools {

/// `ringpull sandbox` as a child process on a CPU of its own; it dies with this object, and with
/// this process.
class ChildSandbox {
 public:
  /// Starts it and waits until it listens. `cpu` < 0: not pinned.
  static Result<ChildSandbox> start(const std::string& bucket, bool tls, int cpu);
  ChildSandbox(ChildSandbox&& other) noexcept;
  ChildSandbox& operator=(ChildSandbox&&) = delete;
  ~ChildSandbox();

  const std::string& endpoint() const noexcept { return endpoint_; }
  const std::string& access_key() const noexcept { return access_key_; }
  const std::string& secret_key() const noexcept { return secret_key_; }
  const std::string& region() const noexcept { return region_; }
  /// Path of the CA's certificate; empty without TLS.
  const std::string& ca() const noexcept { return ca_; }

 private:
  ChildSandbox() = default;
  pid_t pid_ = -1;
  std::string endpoint_;
  std::string access_key_;
  std::string secret_key_;
  std::string region_;
  std::string ca_;
};

}  // namespace ringpull::tools
