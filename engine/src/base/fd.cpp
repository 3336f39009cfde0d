#include <unistd.h>

#include <ringpull/engine/fd.hpp>

namespace ringpull::inline v0::engine {

void Fd::reset(int descriptor) noexcept {
  int old = std::exchange(descriptor_, descriptor);
  if (old >= 0) ::close(old);
}

}  // namespace ringpull::inline v0::engine
