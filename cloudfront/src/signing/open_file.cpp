#include "cloudfront/src/signing/open_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace ringpull::inline v0::cloudfront::detail {

Result<FilePtr> open_file(const std::string& path, const std::string& what) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return fail(Error::from_errno(errno, what));
  // Only the open was not to wait.
  FilePtr file;
  if (::fcntl(descriptor, F_SETFL, 0) == 0) file.reset(::fdopen(descriptor, "rb"));
  if (file) return file;
  int error = errno;
  ::close(descriptor);
  return fail(Error::from_errno(error, what));
}

}  // namespace ringpull::inline v0::cloudfront::detail
