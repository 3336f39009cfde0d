#include <cerrno>
#include <cstdint>
#include <map>
#include <mutex>
#include <openssl/err.h>
#include <sys/stat.h>
#include <tuple>

#include <ringpull/http/tls_context.hpp>
#include <ringpull/http/tls_error.hpp>

#include "http/src/tls/tls_state.hpp"

namespace ringpull::inline v0::http {

namespace {

/// A file as it was when it was read: one that was replaced or edited since is another.
struct FileVersion {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;
  auto operator<=>(const FileVersion&) const = default;
};

Result<FileVersion> version_of(const std::string& path) {
  FileVersion version;
  version.path = path;
  if (path.empty()) return version;
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(Error::from_errno(errno, "read the CA bundle " + path)
                    .with_kind(ErrorKind::tls)
                    .with_code(TlsFailure::configuration));
  }
  version.device = status.st_dev;
  version.inode = status.st_ino;
  version.size = status.st_size;
  version.modified_ns =
      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return version;
}

Result<detail::StorePtr> load_store(const std::string& path) {
  detail::StorePtr store(X509_STORE_new());
  if (!store) return fail(detail::configuration_error("make a certificate store"));
  ERR_clear_error();
  const int loaded = path.empty() ? X509_STORE_set_default_paths(store.get())
                                  : X509_STORE_load_file(store.get(), path.c_str());
  if (loaded != 1) {
    return fail(detail::configuration_error(path.empty() ? "read the system's CA certificates"
                                                         : "read the CA bundle " + path));
  }
  // As in curl and Go: whatever stands in the bundle is trusted, be it an intermediate or a leaf.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

}  // namespace

// The one piece of state that all threads share: parsing the system's bundle takes tens of
// milliseconds and megabytes, so it happens once. A store nobody uses any more is freed.
Result<TlsTrust> TlsTrust::load(const std::string& ca_file) {
  static std::mutex mutex;
  static std::map<FileVersion, std::weak_ptr<const detail::TlsTrustState>> loaded;

  RINGPULL_TRY(FileVersion version, version_of(ca_file));
  std::lock_guard lock(mutex);
  if (auto found = loaded.find(version); found != loaded.end()) {
    if (auto state = found->second.lock()) return TlsTrust(std::move(state));
  }
  RINGPULL_TRY(detail::StorePtr store, load_store(ca_file));
  auto state = std::make_shared<const detail::TlsTrustState>(std::move(store));
  std::erase_if(loaded, [](const auto& entry) { return entry.second.expired(); });
  loaded.insert_or_assign(std::move(version), state);
  return TlsTrust(std::move(state));
}

}  // namespace ringpull::inline v0::http
