#include "tests/conformance/files.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace ringpull::conformance {

namespace {

constexpr std::size_t kContentBytesMax = std::size_t(64) << 20;

Task<Result<void>> fill_from(s3::StorageReader& reader, Bytes& bytes) {
  std::size_t done = 0;
  while (true) {
    if (done == bytes.size()) bytes.resize(done + (std::size_t(1) << 20));
    std::span<std::byte> room = std::span(bytes).subspan(done);
    RINGPULL_CO_TRY(std::size_t size, co_await reader.read_some(room));
    if (size == 0) break;
    done += size;
  }
  bytes.resize(done);
  co_return Result<void>();
}

Task<Result<std::uint64_t>> compare(s3::StorageReader& reader, const Content& content,
                                    std::uint64_t offset) {
  std::uint64_t at = offset;
  while (true) {
    RINGPULL_CO_TRY(engine::BufferLease piece, co_await reader.next());
    if (piece.size() == 0) co_return at - offset;
    if (!content.matches(at, piece.bytes())) {
      co_return fail(ErrorKind::internal,
                     "other bytes came back, behind byte " + std::to_string(at));
    }
    at += piece.size();
  }
}

Task<Result<void>> write_and_commit(s3::StorageWriter& writer, std::span<const std::byte> bytes) {
  RINGPULL_CO_CHECK(co_await writer.write(bytes));
  s3::CommitOptions options;
  co_return co_await writer.commit(options);
}

Task<Result<void>> receive_and_commit(s3::StorageWriter& writer, std::span<const std::byte> bytes,
                                      std::size_t piece) {
  while (!bytes.empty()) {
    RINGPULL_CO_TRY(std::span<std::byte> room, co_await writer.prepare());
    std::size_t size = std::min({bytes.size(), room.size(), piece});
    std::ranges::copy(bytes.first(size), room.begin());
    RINGPULL_CO_CHECK(co_await writer.write_prepared(size));
    bytes = bytes.subspan(size);
  }
  s3::CommitOptions options;
  co_return co_await writer.commit(options);
}

Task<Result<s3::WalkStep>> go_on() { co_return s3::WalkStep::go_on; }

}  // namespace

Task<Result<Bytes>> get(StorageDriver& driver, std::string_view path) {
  RINGPULL_CO_TRY(engine::Buffer content, co_await driver.get_content(path, kContentBytesMax));
  co_return Bytes(content.bytes().begin(), content.bytes().end());
}

Task<Result<Bytes>> read(StorageDriver& driver, std::string_view path, std::uint64_t offset) {
  s3::ReaderOptions options;
  options.offset = offset;
  RINGPULL_CO_TRY(auto reader, co_await driver.reader(path, options));
  Bytes bytes;
  auto done = co_await fill_from(*reader, bytes);
  co_await reader->close();
  if (!done) co_return fail(std::move(done).error());
  co_return bytes;
}

Task<Result<void>> write(StorageDriver& driver, std::string_view path,
                         std::span<const std::byte> bytes) {
  s3::WriterOptions options;
  RINGPULL_CO_TRY(auto writer, co_await driver.writer(path, options));
  auto done = co_await write_and_commit(*writer, bytes);
  // As callers do, whatever came before.
  auto closed = co_await writer->close();
  if (!done) co_return done;
  EXPECT_EQ(writer->size_bytes(), bytes.size());
  co_return closed;
}

Task<Result<void>> receive(StorageDriver& driver, std::string_view path,
                           std::span<const std::byte> bytes, std::size_t piece) {
  s3::WriterOptions options;
  RINGPULL_CO_TRY(auto writer, co_await driver.writer(path, options));
  auto done = co_await receive_and_commit(*writer, bytes, piece);
  auto closed = co_await writer->close();
  if (!done) co_return done;
  EXPECT_EQ(writer->size_bytes(), bytes.size());
  co_return closed;
}

Task<Result<std::uint64_t>> write_and_suspend(StorageDriver& driver, std::string_view path,
                                              std::span<const std::byte> bytes, bool append) {
  s3::WriterOptions options;
  options.append = append;
  RINGPULL_CO_TRY(auto writer, co_await driver.writer(path, options));
  auto written = co_await writer->write(bytes);
  auto closed = co_await writer->close();
  if (!written) co_return fail(std::move(written).error());
  if (!closed) co_return fail(std::move(closed).error());
  co_return writer->size_bytes();
}

Task<Result<std::uint64_t>> append_and_commit(StorageDriver& driver, std::string_view path,
                                              std::span<const std::byte> bytes) {
  s3::WriterOptions options;
  options.append = true;
  RINGPULL_CO_TRY(auto writer, co_await driver.writer(path, options));
  auto done = co_await write_and_commit(*writer, bytes);
  auto closed = co_await writer->close();
  if (!done) co_return fail(std::move(done).error());
  if (!closed) co_return fail(std::move(closed).error());
  co_return writer->size_bytes();
}

Task<Result<std::uint64_t>> verify(StorageDriver& driver, std::string_view path,
                                   const Content& content, std::uint64_t offset) {
  s3::ReaderOptions options;
  options.offset = offset;
  RINGPULL_CO_TRY(auto reader, co_await driver.reader(path, options));
  auto compared = co_await compare(*reader, content, offset);
  co_await reader->close();
  co_return compared;
}

Task<Result<void>> put_files(StorageDriver& driver, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    RINGPULL_CO_CHECK(co_await driver.put_content(path, bytes_of(path)));
  }
  co_return Result<void>();
}

Task<Result<void>> put_files(StorageDriver& driver, std::string_view paths) {
  std::vector<std::string> names;
  std::istringstream words{std::string(paths)};
  for (std::string word; words >> word;) names.push_back(word);
  co_return co_await put_files(driver, names);
}

Task<Result<std::vector<std::string>>> files(StorageDriver& driver) {
  std::vector<std::string> found;
  s3::WalkVisitor visitor = [&found](const s3::FileInfo& info) {
    if (!info.is_directory) found.push_back(info.path);
    return go_on();
  };
  s3::WalkOptions options;
  RINGPULL_CO_CHECK(co_await driver.walk("/", options, visitor));
  co_return found;
}

void expect_path_not_found(const Error& error, std::string_view path) {
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(error.code(), s3::StorageErrc::path_not_found);
  EXPECT_NE(error.message().find("s3aws"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find(path), std::string::npos) << error.message();
}

void expect_invalid_path(const Error& error) {
  EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(error.code(), s3::StorageErrc::invalid_path);
  EXPECT_NE(error.message().find("s3aws"), std::string::npos) << error.message();
}

}  // namespace ringpull::conformance
