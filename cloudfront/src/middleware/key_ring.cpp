#include "cloudfront/src/middleware/key_ring.hpp"

#include <algorithm>
#include <utility>

#include <ringpull/engine/assert.hpp>
#include <ringpull/engine/timer.hpp>

namespace ringpull::inline v0::cloudfront {

using engine::Task;

namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

KeyRing::Version::Version(const struct stat& status)
    : device(status.st_dev),
      inode(status.st_ino),
      size(status.st_size),
      modified_ns(nanoseconds(status.st_mtim)),
      changed_ns(nanoseconds(status.st_ctim)) {}

KeyRing::KeyRing(const std::vector<KeyFile>& files, HashAlgorithm hash, Notice notice)
    : hash_(hash), notice_(std::move(notice)) {
  for (const KeyFile& file : files) slots_.emplace_back(file);
}

const UrlSigner& KeyRing::signer() const noexcept {
  auto usable =
      std::ranges::find_if(slots_, [](const Slot& slot) { return slot.signer.has_value(); });
  RINGPULL_ASSERT(usable != slots_.end(), "a KeyRing was used that has not been loaded");
  return *usable->signer;
}

Result<void> KeyRing::load() {
  std::vector<Error> errors;
  for (Slot& slot : slots_) {
    // Before it is read: a change meanwhile is seen by the next check.
    struct stat status{};
    if (::stat(slot.status.path.c_str(), &status) == 0) slot.version = Version(status);
    auto adopted = adopt(slot, PrivateKey::from_pem_file(slot.status.path));
    if (adopted) continue;
    slot.status.error = adopted.error();
    errors.push_back(std::move(adopted).error());
  }
  if (errors.size() == slots_.size()) return fail(std::move(errors.front()));
  for (const Error& error : errors) tell(notice_, error.message());
  return {};
}

std::vector<KeyStatus> KeyRing::keys() const {
  std::vector<KeyStatus> keys;
  for (const Slot& slot : slots_) keys.push_back(slot.status);
  return keys;
}

Task<void> KeyRing::watch(engine::Duration period) {
  while (true) {
    auto slept = co_await engine::sleep_for(period);
    if (!slept) co_return;
    for (Slot& slot : slots_) {
      auto checked = co_await check(slot);
      if (!checked) note_failure(slot, checked.error());
    }
    ++checks_;
  }
}

/// An open file tells its version without blocking, whatever file system it is on.
Task<Result<void>> KeyRing::check(Slot& slot) {
  engine::OpenOptions options;
  auto file = co_await engine::File::open(slot.status.path, options);
  if (!file) {
    // Whatever is there next time is read, also what was there before.
    slot.version = Version();
    co_return fail(std::move(file).error());
  }
  auto checked = co_await check_content(slot, *file);
  co_return checked;
}

Task<Result<void>> KeyRing::check_content(Slot& slot, engine::File& file) {
  const std::string& path = slot.status.path;
  struct stat status{};
  if (::fstat(file.fd(), &status) != 0) {
    co_return fail(Error::from_errno(errno, "look at the CloudFront key file " + path));
  }
  Version version(status);
  if (version == slot.version) co_return Result<void>();
  auto key = co_await read_key(file, path);
  slot.version = version;
  co_return adopt(slot, std::move(key));
}

Task<Result<PrivateKey>> KeyRing::read_key(engine::File& file, const std::string& path) {
  detail::SecretText text;
  while (!text.room().empty()) {
    auto room = std::as_writable_bytes(text.room());
    RINGPULL_CO_TRY(std::size_t bytes, co_await file.read_some_at(room, text.view().size()));
    if (bytes == 0) break;
    text.fill(bytes);
  }
  auto key = PrivateKey::from_pem(text.view());
  if (!key) co_return fail(std::move(key).error().context(path));
  co_return key;
}

Result<void> KeyRing::adopt(Slot& slot, Result<PrivateKey> key) {
  if (!key) return fail(std::move(key).error());
  KeyStatus& status = slot.status;
  KeyStatus found = status;
  found.type = key->type();
  found.bits = key->bits();
  found.error.reset();
  UrlSignerOptions options;
  options.key_pair_id = status.key_pair_id;
  options.hash = hash_;
  RINGPULL_TRY(UrlSigner signer, UrlSigner::create(std::move(*key), options));
  bool again = slot.signer.has_value() || status.error.has_value();
  slot.signer = std::move(signer);
  status = std::move(found);
  ++loads_;
  ++generation_;
  if (again) tell(notice_, "key file " + status.path + " was read anew");
  note_size(status);
  return {};
}

void KeyRing::note_size(const KeyStatus& key) const {
  if (key.type != PrivateKey::Type::rsa || key.bits == PrivateKey::kRsaBits) return;
  tell(notice_, "key file " + key.path + " holds RSA of " + std::to_string(key.bits) +
                    " bits; CloudFront documents RSA of 2048 and ECDSA on P-256 alone");
}

/// Told once, until the file can be used again.
void KeyRing::note_failure(Slot& slot, const Error& error) {
  if (error.is(ErrorKind::cancelled)) return;
  ++failures_;
  bool told = slot.status.error.has_value();
  slot.status.error = error;
  if (told) return;
  tell(notice_, error.message() + (slot.signer ? "; the key read before is kept" : ""));
}

}  // namespace ringpull::inline v0::cloudfront
