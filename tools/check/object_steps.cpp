#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <span>

#include "tools/check/steps.hpp"

namespace ringpull::tools {

using engine::Task;

namespace {

constexpr std::string_view kContent = "written by `ringpull check`; to be deleted by it, too\n";
/// An object of a registry may be gigabytes; a part of it shows as much.
constexpr std::uint64_t kReadBytesMax = 64;

s3::ObjectKey readable_key(Probe& probe) {
  return s3::ObjectKey(*probe.s3().driver().object_key(probe.readable_path));
}

/// As the driver does it with this server.
Task<Result<void>> remove_key(Probe& probe, s3::ObjectKey key) {
  if (!probe.server().delete_objects) {
    s3::DeleteObjectOptions one(probe.bucket(), key);
    auto deleted = co_await probe.client().delete_object(one);
    co_return deleted;
  }
  std::vector<s3::ObjectKey> keys;
  keys.push_back(std::move(key));
  s3::DeleteObjectsOptions options(probe.bucket(), std::move(keys));
  RINGPULL_CO_TRY(s3::DeleteObjectsResult result, co_await probe.client().delete_objects(options));
  if (!result.failures.empty()) co_return fail(std::move(result.failures.front().error));
  co_return Result<void>();
}

}  // namespace

Task<StepOutcome> put_object(Probe& probe) {
  s3::PutObjectOptions options(probe.bucket(), probe.key("object"));
  options.attributes = probe.attributes();
  http::SpanSource body(std::as_bytes(std::span(kContent)));
  probe.stored.push_back(options.key);
  probe.asks_for("s3:PutObject");
  auto put = co_await probe.client().put_object(options, body);
  if (!put) {
    probe.forget_refused(put.error());
    co_return fail(std::move(put).error());
  }
  probe.readable_path = probe.path("object");
  probe.readable_bytes = kContent;
  probe.learn(Fact::object);
  co_return fmt::format("{} bytes as {}", kContent.size(), options.key.str());
}

Task<StepOutcome> list_objects(Probe& probe) {
  s3::ListObjectsV2Options options(probe.bucket(), probe.key_prefix());
  probe.asks_for("s3:ListBucket");
  RINGPULL_CO_TRY(s3::ListObjectsV2Result page, co_await probe.client().list_objects_v2(options));
  s3::ObjectKey key = readable_key(probe);
  auto is_it = [&key](const s3::ListedObject& object) { return object.key == key; };
  if (std::ranges::none_of(page.objects, is_it)) {
    co_return fail(ErrorKind::protocol, fmt::format("{} was stored and is not in the listing of {}",
                                                    key.str(), options.prefix));
  }
  co_return std::string("shows what was stored");
}

Task<StepOutcome> head_object(Probe& probe) {
  s3::HeadObjectOptions options(probe.bucket(), readable_key(probe));
  probe.asks_for("s3:GetObject");
  RINGPULL_CO_TRY(s3::ObjectInfo info, co_await probe.client().head_object(options));
  co_return fmt::format("{} bytes", info.size_bytes);
}

Task<StepOutcome> read_range(Probe& probe) {
  s3::GetObjectOptions options(probe.bucket(), readable_key(probe));
  RINGPULL_CO_TRY(options.range, http::ByteRange::of_length(0, kReadBytesMax));
  std::array<std::byte, kReadBytesMax> read{};
  probe.asks_for("s3:GetObject");
  RINGPULL_CO_TRY(s3::GetObjectIntoResult result,
                  co_await probe.client().get_object_into(options, read));
  std::string bytes(reinterpret_cast<const char*>(read.data()), result.bytes);
  // With --read-only this is where they become known.
  if (probe.readable_bytes.empty()) probe.readable_bytes = bytes;
  if (bytes != probe.readable_bytes) {
    co_return fail(ErrorKind::checksum_mismatch,
                   fmt::format("{} came back with other bytes", options.key.str()));
  }
  probe.learn(Fact::reading);
  co_return fmt::format("{} bytes, as they were stored", bytes.size());
}

Task<StepOutcome> read_missing(Probe& probe) {
  s3::GetObjectOptions options(probe.bucket(), probe.key("missing"));
  std::array<std::byte, 1> nowhere{};
  probe.asks_for("s3:ListBucket");
  auto result = co_await probe.client().get_object_into(options, nowhere);
  if (result) {
    co_return fail(ErrorKind::protocol,
                   fmt::format("{} was never stored and can be read", options.key.str()));
  }
  if (!result.error().is(ErrorKind::not_found)) co_return fail(std::move(result).error());
  co_return std::string("is told from one that is forbidden");
}

Task<StepOutcome> copy_object(Probe& probe) {
  s3::CopyObjectOptions options;
  options.source_bucket = probe.bucket();
  options.source_key = readable_key(probe);
  options.bucket = probe.bucket();
  options.key = probe.key("copy");
  options.attributes = probe.attributes();
  probe.stored.push_back(options.key);
  probe.asks_for("s3:PutObject");
  auto copied = co_await probe.client().copy_object(options);
  if (!copied) {
    probe.forget_refused(copied.error());
    co_return fail(std::move(copied).error());
  }
  co_return options.key.str();
}

Task<StepOutcome> delete_objects(Probe& probe) {
  probe.asks_for("s3:DeleteObject");
  std::size_t deleted = probe.stored.size();
  while (!probe.stored.empty()) {
    s3::ObjectKey key = probe.stored.back();
    RINGPULL_CO_CHECK(co_await remove_key(probe, std::move(key)));
    probe.stored.pop_back();
  }
  probe.learn(Fact::removal);
  co_return fmt::format("{} objects", deleted);
}

Task<StepOutcome> find_object(Probe& probe) {
  s3::ListObjectsV2Options options(probe.bucket(), probe.root_prefix());
  probe.asks_for("s3:ListBucket");
  RINGPULL_CO_TRY(s3::ListObjectsV2Result page, co_await probe.client().list_objects_v2(options));
  for (const s3::ListedObject& object : page.objects) {
    std::string path = '/' + object.key.str().substr(options.prefix.size());
    if (object.size_bytes == 0 || !probe.s3().driver().object_key(path)) continue;
    probe.readable_path = path;
    probe.learn(Fact::object);
    co_return fmt::format("{} to be read", object.key.str());
  }
  co_return fmt::format("nothing to read among the first {} keys", page.objects.size());
}

}  // namespace ringpull::tools
