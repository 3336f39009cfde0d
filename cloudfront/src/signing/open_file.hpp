#pragma once
// Files that a person names: keys, and the registry's configuration. Reading from the FILE may
// block; what reads on a running loop uses engine::File.

#include <cstdio>
#include <memory>
#include <string>

#include <ringpull/engine/result.hpp>

namespace ringpull::inline v0::cloudfront::detail {

struct FileCloser {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, FileCloser>;

/// For reading. Never waits for somebody to open the other end of a FIFO, which then reads as
/// empty; a pipe of the shell's `<(...)` reads as what is written to it. Fails as `what`, e.g.
/// "read /etc/registry/config.yml", with errno's kind.
Result<FilePtr> open_file(const std::string& path, const std::string& what);

}  // namespace ringpull::inline v0::cloudfront::detail
