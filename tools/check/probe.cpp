#include "tools/check/probe.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <span>

#include <ringpull/engine/loop.hpp>

namespace ringpull::tools {

namespace {

/// 64 random bits: no two checks meet, also when one has left something behind.
std::string random_directory() {
  std::uint64_t bits = 0;
  engine::Loop::current().backend().random(std::as_writable_bytes(std::span(&bits, 1)));
  return fmt::format("/ringpull-check-{:016x}", bits);
}

}  // namespace

std::string_view without(Fact fact) noexcept {
  switch (fact) {
    case Fact::none: break;
    case Fact::credentials: return "there are no credentials";
    case Fact::address: return "the bucket has no address";
    case Fact::connection: return "the endpoint was not reached";
    case Fact::bucket: return "the bucket was not reached";
    case Fact::listing: return "the bucket may not be listed";
    case Fact::object: return "there is no object to read";
    case Fact::reading: return "the object could not be read";
    case Fact::removal: return "nothing more is written than can be deleted";
    case Fact::upload: return "no multipart upload was begun";
    case Fact::cleanup: return "what is left behind is said above";
    case Fact::two_parts: return "there is no object of two parts";
  }
  return "";
}

Probe::Probe(const cloudfront::RegistryConfiguration& configuration,
             cloudfront::OpenedRegistryStorage& storage, s3::S3DriverOptions options)
    : configuration_(configuration),
      storage_(storage),
      options_(std::move(options)),
      directory_(random_directory()) {
  learn(Fact::none);
}

Result<std::unique_ptr<Probe>> Probe::create(const cloudfront::RegistryConfiguration& configuration,
                                             cloudfront::OpenedRegistryStorage& storage) {
  RINGPULL_TRY(s3::S3DriverOptions options, s3::make_driver_options(configuration.s3));
  if (options.attributes.content_type.empty()) {
    options.attributes.content_type = "application/octet-stream";
  }
  std::unique_ptr<Probe> probe(new Probe(configuration, storage, std::move(options)));
  RINGPULL_TRY(probe->resolver_, engine::CaresResolver::create());
  http::ClientOptions edge;
  const char* authorities = std::getenv("AWS_CA_BUNDLE");
  edge.tls.ca_file = authorities != nullptr ? authorities : "";
  RINGPULL_TRY(edge.proxies, http::ProxySettings::from_environment());
  RINGPULL_TRY(probe->edge_http_, http::Client::create(edge, *probe->resolver_));
  return probe;
}

s3::ObjectKey Probe::key(std::string_view name) const {
  // Of a path, which the directory itself with a slash is not.
  std::string directory = *storage_.s3().driver().object_key(directory_);
  return s3::ObjectKey(directory + '/' + std::string(name));
}

void Probe::forget_refused(const Error& error) {
  // 404 may also be what a completion is told that was done by an attempt before.
  bool refused =
      error.http_status() >= 400 && error.http_status() < 500 && !error.is(ErrorKind::not_found);
  if (refused) stored.pop_back();
}

}  // namespace ringpull::tools
