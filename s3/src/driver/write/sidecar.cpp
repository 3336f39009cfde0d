#include "s3/src/driver/write/sidecar.hpp"

#include <array>

#include <ringpull/engine/buffer.hpp>

#include "s3/src/driver/write/multipart_upload.hpp"
#include "s3/src/protocol/missing.hpp"

namespace ringpull::inline v0::s3::driver {

using engine::Buffer;
using engine::Task;

namespace {

// Holds the record of an upload of some 1000 parts.
constexpr std::size_t kFirstReadBytes = std::size_t(64) << 10;

bool has_sidecar(const Core& core, std::string_view path) {
  return core.keys.sidecar_key(path).str().size() <= kKeyBytesMax;
}

}  // namespace

Task<Result<void>> store_sidecar(Core& core, std::string_view path, UploadRecord record,
                                 http::ConstBytes tail) {
  if (!has_sidecar(core, path)) co_return Result<void>();
  record.tail_bytes = tail.size();
  record.tail_crc64nvme = Crc64Nvme::of(tail);
  RINGPULL_CO_TRY(std::string head, encode_record(record));
  PutObjectOptions request(core.options.bucket, core.keys.sidecar_key(path));
  request.attributes = object_attributes(core);
  request.attributes.storage_class.clear();
  std::array<http::ConstBytes, 2> pieces = {bytes_of(head), tail};
  http::SpanSource body((std::span<const http::ConstBytes>(pieces)));
  auto stored = co_await core.client.put_object(request, body);
  if (!stored) co_return fail(std::move(stored).error());
  co_return Result<void>();
}

Task<Result<std::optional<Sidecar>>> load_sidecar(Core& core, std::string_view path) {
  if (!has_sidecar(core, path)) co_return std::optional<Sidecar>();
  GetObjectOptions request(core.options.bucket, core.keys.sidecar_key(path));
  Buffer buffer(kFirstReadBytes);
  RINGPULL_CO_TRY(request.range, http::ByteRange::of_length(0, buffer.size()));
  auto first = co_await core.client.get_object_into(request, buffer.bytes());
  if (!first) {
    if (is_missing_object(first.error())) co_return std::optional<Sidecar>();
    if (first.error().http_status() == 416) {
      co_return fail(ErrorKind::protocol, "not the record of an upload: empty");
    }
    co_return fail(std::move(first).error());
  }
  buffer.resize(first->bytes);
  RINGPULL_CO_TRY(std::size_t size, record_bytes(buffer.bytes()));
  if (size > buffer.size()) {
    buffer = Buffer(size);
    RINGPULL_CO_TRY(request.range, http::ByteRange::of_length(0, size));
    request.conditions.if_match = first->object.info.etag.if_strong();
    RINGPULL_CO_TRY(GetObjectIntoResult whole,
                    co_await core.client.get_object_into(request, buffer.bytes()));
    buffer.resize(whole.bytes);
  }
  std::span<const std::byte> bytes = buffer.bytes();
  Sidecar sidecar;
  sidecar.modified = first->object.info.last_modified;
  RINGPULL_CO_TRY(sidecar.record, decode_record(bytes.first(std::min(size, bytes.size()))));
  if (sidecar.record.tail_bytes > 0) {
    TailCopy& tail = sidecar.tail.emplace();
    tail.sidecar = first->object.info.etag;
    tail.offset = size;
    tail.bytes = sidecar.record.tail_bytes;
    tail.crc64nvme = sidecar.record.tail_crc64nvme;
  }
  co_return std::optional<Sidecar>(std::move(sidecar));
}

Task<Result<void>> load_tail(Core& core, std::string_view path, const TailCopy& tail,
                             http::MutableBytes out) {
  GetObjectOptions request(core.options.bucket, core.keys.sidecar_key(path));
  RINGPULL_CO_TRY(request.range, http::ByteRange::of_length(tail.offset, tail.bytes));
  request.conditions.if_match = tail.sidecar.if_strong();
  RINGPULL_CO_TRY(GetObjectIntoResult read, co_await core.client.get_object_into(request, out));
  if (read.bytes != tail.bytes || Crc64Nvme::of(out.first(read.bytes)) != tail.crc64nvme) {
    co_return fail(ErrorKind::checksum_mismatch,
                   "the tail that the sidecar of an upload keeps is damaged");
  }
  co_return Result<void>();
}

Task<Result<void>> remove_sidecar(Core& core, std::string_view path) {
  if (!has_sidecar(core, path)) co_return Result<void>();
  DeleteObjectOptions request(core.options.bucket, core.keys.sidecar_key(path));
  auto removed = co_await core.client.delete_object(request);
  co_return removed;
}

}  // namespace ringpull::inline v0::s3::driver
