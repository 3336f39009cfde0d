#pragma once
// What the steps of `ringpull check` work on and tell each other.

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringpull/cloudfront/open_registry_storage.hpp>
#include <ringpull/cloudfront/registry_configuration.hpp>
#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/open_s3_driver.hpp>
#include <ringpull/s3/storage_driver.hpp>

namespace ringpull::tools {

/// What a step has shown, for later ones to stand on.
enum class Fact : std::uint8_t {
  none,  ///< always there
  credentials,
  address,
  connection,
  bucket,     ///< it answers these credentials
  listing,    ///< it may be listed
  object,     ///< there is one to read
  reading,    ///< and it may be read
  removal,    ///< what is written can be deleted
  upload,     ///< a multipart upload is under way
  two_parts,  ///< there is an object of two parts
  cleanup,    ///< nothing that is known of is left behind
};
inline constexpr std::size_t kFactCount = 12;

/// Why a step that needs it is skipped.
std::string_view without(Fact fact) noexcept;

/// A multipart upload under way, with what it takes to end it.
struct ProbeUpload {
  ProbeUpload(s3::ObjectKey key_in, s3::UploadId id_in)
      : key(std::move(key_in)), id(std::move(id_in)) {}

  s3::ObjectKey key;
  s3::UploadId id;
  std::vector<s3::CompletedPart> parts;
};

/// The configured storage, and what has been written to it. Whatever a step stores is noted before
/// the request goes out, so that clean_up() finds it however the step ends.
class Probe {
 public:
  /// `storage` is what `configuration` describes. Both outlive the probe.
  static Result<std::unique_ptr<Probe>> create(
      const cloudfront::RegistryConfiguration& configuration,
      cloudfront::OpenedRegistryStorage& storage);

  const s3::S3DriverParameters& parameters() const noexcept { return configuration_.s3; }
  const s3::Bucket& bucket() const noexcept { return configuration_.s3.bucket; }
  s3::OpenedS3Driver& s3() noexcept { return storage_.s3(); }
  s3::Client& client() noexcept { return s3().client(); }
  /// The driver with the middlewares around it.
  s3::StorageDriver& outermost() noexcept { return storage_.driver(); }
  std::span<cloudfront::CloudFrontMiddleware* const> cloudfronts() noexcept {
    return storage_.cloudfronts();
  }
  /// Trusts as the configuration says, for URLs of S3.
  http::Client& http() noexcept { return s3().http(); }
  /// Trusts as a client of the registry does, for URLs of middlewares.
  http::Client& edge_http() noexcept { return *edge_http_; }

  /// A path of the storage below the random directory, and its key.
  std::string path(std::string_view name) const { return directory_ + '/' + std::string(name); }
  s3::ObjectKey key(std::string_view name) const;
  /// Of all keys of the check.
  std::string key_prefix() const { return key("").str(); }
  /// Of all keys of the storage: "docker/", or nothing.
  std::string root_prefix() const { return s3::key_prefix(parameters()); }
  /// With which the driver creates objects.
  const s3::ObjectAttributes& attributes() const noexcept { return options_.attributes; }
  const s3::ServerTraits& server() const noexcept { return options_.server; }

  void learn(Fact fact) noexcept { facts_[static_cast<std::size_t>(fact)] = true; }
  bool knows(Fact fact) const noexcept { return facts_[static_cast<std::size_t>(fact)]; }

  /// Which permission the next request needs: the one to name when it is refused.
  void asks_for(std::string_view permission) { permission_ = permission; }
  const std::string& permission() const noexcept { return permission_; }

  /// Of the object to read, which the check has written, or with --read-only has found.
  std::string readable_path;
  std::string readable_bytes;
  /// Possibly there: to be deleted.
  std::vector<s3::ObjectKey> stored;
  /// Takes the last one back where the answer was that it is not there.
  void forget_refused(const Error& error);
  std::optional<ProbeUpload> upload;

 private:
  Probe(const cloudfront::RegistryConfiguration& configuration,
        cloudfront::OpenedRegistryStorage& storage, s3::S3DriverOptions options);

  const cloudfront::RegistryConfiguration& configuration_;
  cloudfront::OpenedRegistryStorage& storage_;
  s3::S3DriverOptions options_;
  std::unique_ptr<engine::Resolver> resolver_;
  std::unique_ptr<http::Client> edge_http_;
  std::string directory_;
  std::array<bool, kFactCount> facts_{};
  std::string permission_;
};

}  // namespace ringpull::tools
