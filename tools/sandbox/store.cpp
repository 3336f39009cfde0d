#include "tools/sandbox/store.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sys/random.h>
#include <unistd.h>

namespace ringpull::sandbox {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

Error file_error(const std::string& what, const std::error_code& code) {
  return Error(ErrorKind::io, what + ": " + code.message()).with_code(code);
}

json describe(const std::string& key, const Object& object) {
  json record;
  record["key"] = key;
  record["etag"] = object.etag;
  record["modified"] = object.modified.time_since_epoch().count();
  record["content_type"] = object.attributes.content_type;
  record["headers"] = object.attributes.headers;
  record["storage_class"] = object.attributes.storage_class;
  record["extents"] = json::array();
  for (const Extent& extent : object.extents) {
    std::string name = fs::path(extent.segment->path()).filename().string();
    record["extents"].push_back({{"file", name}, {"offset", extent.offset}, {"size", extent.size}});
  }
  if (object.checksum) {
    record["checksum"] = {{"algorithm", s3::to_string(object.checksum->algorithm)},
                          {"value", object.checksum->value},
                          {"full_object", object.checksum->full_object}};
  }
  return record;
}

/// Throws json::exception where the record is not one of describe().
Result<Object> restore(const json& record, const fs::path& data) {
  Object object;
  object.etag = record.at("etag");
  object.modified =
      std::chrono::sys_seconds(std::chrono::seconds(record.at("modified").get<std::int64_t>()));
  object.attributes.content_type = record.at("content_type");
  record.at("headers").get_to(object.attributes.headers);
  object.attributes.storage_class = record.at("storage_class");
  for (const json& extent : record.at("extents")) {
    std::string path = (data / extent.at("file").get<std::string>()).string();
    auto offset = extent.at("offset").get<std::size_t>();
    auto size = extent.at("size").get<std::size_t>();
    RINGPULL_TRY(auto segment, Segment::open_file(path));
    if (offset > segment->bytes().size() || size > segment->bytes().size() - offset) {
      return fail(ErrorKind::io, path + " is shorter than its object");
    }
    object.size += size;
    object.extents.emplace_back(std::move(segment), offset, size);
  }
  if (record.contains("checksum")) {
    const json& checksum = record.at("checksum");
    StoredChecksum stored;
    stored.algorithm = s3::parse_checksum_algorithm(checksum.at("algorithm").get<std::string>())
                           .value_or(s3::ChecksumAlgorithm::crc32c);
    stored.value = checksum.at("value");
    stored.full_object = checksum.at("full_object");
    object.checksum = std::move(stored);
  }
  return object;
}

/// The key and the object that the file describes.
Result<std::pair<std::string, Object>> load_record(const fs::path& path, const fs::path& data) {
  try {
    std::ifstream file(path);
    json record = json::parse(file);
    RINGPULL_TRY(Object object, restore(record, data));
    object.record = path.string();
    return std::pair(record.at("key").get<std::string>(), std::move(object));
  } catch (const json::exception&) {
    return fail(ErrorKind::io, path.string() +
                                   " is not the record of an object; remove it, or name the "
                                   "directory of a sandbox");
  }
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& directory) {
  auto store = std::make_unique<Store>();
  store->directory_ = directory;
  std::error_code code;
  fs::create_directories(fs::path(directory) / "data", code);
  fs::create_directories(fs::path(directory) / "buckets", code);
  if (code) return fail(file_error("create " + directory, code));
  for (const auto& entry : fs::directory_iterator(fs::path(directory) / "buckets", code)) {
    RINGPULL_CHECK(store->load_bucket(entry.path().filename().string(), entry.path().string()));
  }
  if (code) return fail(file_error("read " + directory, code));
  RINGPULL_CHECK(store->remove_orphans());
  return store;
}

/// Files of uploads that the last run did not complete.
Result<void> Store::remove_orphans() {
  std::set<std::string> used;
  for (const auto& [bucket, contents] : buckets_) {
    for (const auto& [key, object] : contents.objects) {
      for (const Extent& extent : object.extents) used.insert(extent.segment->path());
    }
  }
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(fs::path(directory_) / "data", code)) {
    if (!used.contains(entry.path().string())) fs::remove(entry.path(), code);
  }
  if (code) return fail(file_error("clean " + directory_, code));
  return {};
}

Extents slice(const Extents& extents, std::uint64_t first, std::uint64_t length) {
  Extents result;
  for (const Extent& extent : extents) {
    if (length == 0) break;
    if (first >= extent.size) {
      first -= extent.size;
      continue;
    }
    auto size = static_cast<std::size_t>(std::min<std::uint64_t>(length, extent.size - first));
    result.emplace_back(extent.segment, extent.offset + static_cast<std::size_t>(first), size);
    length -= size;
    first = 0;
  }
  return result;
}

Result<void> Store::load_bucket(const std::string& bucket, const std::string& path) {
  BucketContents& contents = buckets_[bucket];
  contents.created = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(path, code)) {
    RINGPULL_TRY(auto loaded, load_record(entry.path(), fs::path(directory_) / "data"));
    contents.objects.insert_or_assign(std::move(loaded.first), std::move(loaded.second));
  }
  if (code) return fail(file_error("read " + path, code));
  return {};
}

Store::~Store() = default;

std::string Store::new_id() {
  std::uint64_t random[2] = {++counter_, 0};
  [[maybe_unused]] ssize_t got = ::getrandom(&random[1], sizeof random[1], 0);
  return s3::hex(std::as_bytes(std::span(random)));
}

Result<std::shared_ptr<Segment>> Store::new_segment(std::size_t size) {
  if (directory_.empty()) return Segment::in_memory(size);
  return Segment::create_file(directory_ + "/data/" + new_id(), size);
}

BucketContents* Store::find(std::string_view bucket) noexcept {
  auto found = buckets_.find(bucket);
  return found == buckets_.end() ? nullptr : &found->second;
}

Result<void> Store::create_bucket(const std::string& bucket, std::chrono::sys_seconds now) {
  if (!directory_.empty()) {
    std::error_code code;
    fs::create_directories(fs::path(directory_) / "buckets" / bucket, code);
    if (code) return fail(file_error("create bucket " + bucket, code));
  }
  buckets_.try_emplace(bucket).first->second.created = now;
  return {};
}

Result<void> Store::remove_bucket(const std::string& bucket) {
  auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return {};
  buckets_.erase(found);
  if (!directory_.empty()) {
    std::error_code code;
    fs::remove_all(fs::path(directory_) / "buckets" / bucket, code);
    if (code) return fail(file_error("remove bucket " + bucket, code));
  }
  return {};
}

Result<void> Store::put(const std::string& bucket, const std::string& key, Object object) {
  BucketContents* contents = find(bucket);
  if (contents == nullptr) return fail(ErrorKind::not_found, "no bucket " + bucket);
  for (const Extent& extent : object.extents) extent.segment->remove_when_released(false);
  if (!directory_.empty()) {
    object.record = directory_ + "/buckets/" + bucket + "/" + new_id();
    std::ofstream file(object.record);
    file << describe(key, object).dump();
    file.close();
    if (!file) return fail(ErrorKind::io, "write " + object.record);
  }
  Object& slot = contents->objects[key];
  release(slot);
  slot = std::move(object);
  return {};
}

void Store::remove(const std::string& bucket, const std::string& key) {
  BucketContents* contents = find(bucket);
  if (contents == nullptr) return;
  auto found = contents->objects.find(key);
  if (found == contents->objects.end()) return;
  release(found->second);
  contents->objects.erase(found);
}

/// A segment that something else shares is kept; remove_orphans() looks after what that leaves
/// behind.
void Store::release(Object& object) noexcept {
  if (!object.record.empty()) ::unlink(object.record.c_str());
  for (const Extent& extent : object.extents) {
    if (extent.segment.use_count() == 1) extent.segment->remove_when_released(true);
  }
}

}  // namespace ringpull::sandbox
