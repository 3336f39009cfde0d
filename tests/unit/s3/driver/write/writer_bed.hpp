#pragma once
// What tests of writers do again and again. The file is /a unless they say otherwise.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "s3/src/driver/write/writer.hpp"
#include "tests/unit/s3/driver/core/driver_bed.hpp"

namespace ringpull::s3::testing {

using Bytes = std::span<const std::byte>;

inline constexpr std::size_t kPart = std::size_t{5} << 20;  // DriverBed's chunks

inline Task<std::unique_ptr<StorageWriter>> open(DriverBed& bed, bool append = false,
                                                 std::string path = "/a") {
  WriterOptions options;
  options.append = append;
  auto opened = co_await driver::open_writer(*bed.core, path, options);
  EXPECT_TRUE(opened) << opened.error().message();
  co_return std::move(*opened);
}

inline Task<Result<void>> write_and_commit(StorageWriter& writer, Bytes bytes) {
  RINGPULL_CO_CHECK(co_await writer.write(bytes));
  CommitOptions options;
  co_return co_await writer.commit(options);
}

inline Task<void> write_and_close(StorageWriter& writer, Bytes bytes) {
  auto written = co_await writer.write(bytes);
  EXPECT_TRUE(written) << written.error().message();
  auto closed = co_await writer.close();
  EXPECT_TRUE(closed) << closed.error().message();
}

inline Task<Result<void>> stop_when_held(Gate& gate, engine::StopSource& stop) {
  auto waited = co_await gate.held.wait();
  stop.request_stop();
  co_return waited;
}

// --- Going on.

inline Task<Result<std::unique_ptr<StorageWriter>>> append(driver::Core& core) {
  WriterOptions options;
  options.append = true;
  co_return co_await driver::open_writer(core, "/a", options);
}

inline Task<std::unique_ptr<StorageWriter>> append(DriverBed& bed) {
  auto writer = co_await open(bed, true);
  co_return writer;
}

inline Task<void> begin(DriverBed& bed, Bytes bytes) {
  auto writer = co_await open(bed);
  co_await write_and_close(*writer, bytes);
}

inline Task<void> commit(StorageWriter& writer) {
  CommitOptions options;
  auto done = co_await writer.commit(options);
  EXPECT_TRUE(done) << done.error().message();
}

/// Appends what `bytes` has behind the writer's size, commits, and looks at the file.
inline Task<void> finish(DriverBed& bed, StorageWriter& writer, Bytes bytes) {
  auto written =
      co_await writer.write(bytes.subspan(static_cast<std::size_t>(writer.size_bytes())));
  EXPECT_TRUE(written) << written.error().message();
  EXPECT_EQ(writer.size_bytes(), bytes.size());
  EXPECT_EQ(bed.object("a"), nullptr) << "a partial file is visible";
  co_await commit(writer);
  std::vector<std::byte> content = bed.content("a");
  EXPECT_TRUE(std::equal(content.begin(), content.end(), bytes.begin(), bytes.end()));
  bed.expect_nothing_left();
}

// --- Uploads of others, made by the verbs themselves.

inline Task<UploadId> foreign_upload(DriverBed& b, Bytes bytes, std::vector<std::size_t> sizes) {
  CreateMultipartUploadOptions create(Bucket("b"), ObjectKey("a"));
  auto created = co_await b.client->create_multipart_upload(create);
  EXPECT_TRUE(created);
  std::uint32_t number = 0;
  for (std::size_t size : sizes) {
    UploadPartOptions part(Bucket("b"), ObjectKey("a"), created->upload_id, PartNumber(++number));
    http::SpanSource body(bytes.first(size));
    auto sent = co_await b.client->upload_part(part, body);
    EXPECT_TRUE(sent);
    bytes = bytes.subspan(size);
  }
  co_return created->upload_id;
}

inline Task<void> add_part(DriverBed& b, const UploadId& id, std::uint32_t number, Bytes bytes) {
  UploadPartOptions part(Bucket("b"), ObjectKey("a"), id, PartNumber(number));
  http::SpanSource body(bytes);
  auto sent = co_await b.client->upload_part(part, body);
  EXPECT_TRUE(sent);
}

}  // namespace ringpull::s3::testing
