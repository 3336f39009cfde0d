// S3Driver as a whole against the sandbox in the same loop: what it refuses, counts and promises.
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ringpull/s3/s3_driver.hpp>
#include <ringpull/s3/storage_error.hpp>

#include "tests/unit/s3/driver/core/core_bed.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using testing::CoreBed;
using Paths = std::vector<std::string>;

std::unique_ptr<S3Driver> driver_of(CoreBed& b) {
  return S3Driver::create(b.options, *b.client, *b.pool).value();
}

std::span<const std::byte> bytes_of_text(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

Task<void> put(S3Driver& driver, std::string path, std::string text) {
  auto done = co_await driver.put_content(path, bytes_of_text(text));
  EXPECT_TRUE(done) << done.error().message();
}

Task<std::string> get(S3Driver& driver, std::string path) {
  auto content = co_await driver.get_content(path, 1 << 20);
  EXPECT_TRUE(content) << content.error().message();
  if (!content) co_return "failed";
  auto bytes = content->bytes();
  co_return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

TEST(S3DriverOptions, AreCheckedWithTheirNames) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    auto refused = [&](std::string_view name, auto change) {
      S3DriverOptions options = b.options;
      change(options);
      auto driver = S3Driver::create(options, *b.client, *b.pool);
      EXPECT_FALSE(driver) << name;
      if (driver) return;
      EXPECT_EQ(driver.error().kind(), ErrorKind::invalid_argument);
      EXPECT_NE(driver.error().message().find(name), std::string::npos) << driver.error().message();
    };
    refused("bucket", [](S3DriverOptions& o) { o.bucket = Bucket(); });
    refused("root_directory", [](S3DriverOptions& o) { o.root_directory = "a\nb"; });
    refused("root_directory", [](S3DriverOptions& o) { o.root_directory = "a\xff"; });
    refused("root_directory", [](S3DriverOptions& o) { o.root_directory = std::string(600, 'a'); });
    refused("chunk_bytes", [](S3DriverOptions& o) { o.chunk_bytes = kPartBytesMin - 1; });
    refused("chunk_bytes", [](S3DriverOptions& o) { o.chunk_bytes = kPartBytesMax + 1; });
    refused("upload_concurrency", [](S3DriverOptions& o) { o.upload_concurrency = 0; });
    refused("read_concurrency", [](S3DriverOptions& o) { o.read_concurrency = 0; });
    refused("read_first_bytes", [](S3DriverOptions& o) { o.read_first_bytes = 0; });
    refused("read_part_bytes", [](S3DriverOptions& o) { o.read_part_bytes = 1000; });
    refused("read_window_bytes", [](S3DriverOptions& o) { o.read_window_bytes = 1000; });
    refused("read_window_least_bytes", [](S3DriverOptions& o) { o.read_window_least_bytes = 0; });
    refused("copy_threshold_bytes",
            [](S3DriverOptions& o) { o.copy_threshold_bytes = kCopyObjectBytesMax + 1; });
    refused("copy_chunk_bytes", [](S3DriverOptions& o) { o.copy_chunk_bytes = 1; });
    refused("copy_concurrency", [](S3DriverOptions& o) { o.copy_concurrency = 0; });
    refused("remove_concurrency", [](S3DriverOptions& o) { o.remove_concurrency = 0; });
    refused("redirect_endpoint", [](S3DriverOptions& o) {
      o.redirect_endpoint =
          Endpoint::create("http://10.0.0.1", Region("r"), Addressing::virtual_host).value();
    });
    co_return;
  });
}

TEST(S3Driver, RefusesWhatIsNoPathBeforeItAsksAnyone) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    auto driver = driver_of(b);
    auto expect_invalid = [](const auto& result, std::string_view path) {
      EXPECT_FALSE(result) << path;
      if (result) return;
      EXPECT_EQ(result.error().code(), StorageErrc::invalid_path) << result.error().message();
      EXPECT_NE(result.error().message().find("s3aws"), std::string::npos);
    };
    for (std::string path : {"", "/", "abc", "123.abc", "//bcd", "/abc_123/", "/a b", "/*"}) {
      auto content = co_await driver->get_content(path, 10);
      expect_invalid(content, path);
      std::span<const std::byte> nothing;
      auto put = co_await driver->put_content(path, nothing);
      expect_invalid(put, path);
      RangedReadOptions range;
      std::span<std::byte> nowhere;
      auto read = co_await driver->read_range(path, nowhere, range);
      expect_invalid(read, path);
      ReaderOptions reading;
      auto reader = co_await driver->reader(path, reading);
      expect_invalid(reader, path);
      WriterOptions writing;
      auto writer = co_await driver->writer(path, writing);
      expect_invalid(writer, path);
      auto moved = co_await driver->move(path, "/a");
      expect_invalid(moved, path);
      moved = co_await driver->move("/a", path);
      expect_invalid(moved, path);
      auto removed = co_await driver->remove(path);
      expect_invalid(removed, path);
      std::vector<std::string> paths = {"/a", path};
      auto failures = co_await driver->remove_files(paths);
      expect_invalid(failures, path);
      RedirectOptions redirect;
      auto url = co_await driver->redirect_url(path, redirect);
      expect_invalid(url, path);
      EXPECT_FALSE(driver->object_key(path));
      if (path == "/") continue;
      auto info = co_await driver->stat(path);
      expect_invalid(info, path);
      auto names = co_await driver->list(path);
      expect_invalid(names, path);
      WalkOptions walking;
      WalkVisitor visitor;
      auto walked = co_await driver->walk(path, walking, visitor);
      expect_invalid(walked, path);
      if (path.empty()) continue;
      walking.start_after = path;
      walked = co_await driver->walk("/", walking, visitor);
      expect_invalid(walked, path);
    }
    EXPECT_EQ(b.gate->count(), 0u);
    EXPECT_EQ(driver->stats().put_content.calls, 8u);
    EXPECT_EQ(driver->stats().put_content.failures, 8u);
  });
}

TEST(S3Driver, KeepsFilesUnderItsRootDirectory) {
  for (const char* root : {"", "/", "a/b", "a/b/"}) {
    SCOPED_TRACE(root);
    CoreBed bed;
    bed.options.root_directory = root;
    bed.run([](CoreBed& b) -> Task<void> {
      auto driver = driver_of(b);
      co_await put(*driver, "/d/e", "hello");
      std::string key = driver->object_key("/d/e").value();
      EXPECT_TRUE(b.has(key)) << key;
      EXPECT_TRUE(key == "d/e" || key == "a/b/d/e") << key;
      std::string text = co_await get(*driver, "/d/e");
      EXPECT_EQ(text, "hello");
      auto top = co_await driver->list("/");
      EXPECT_TRUE(top);
      EXPECT_EQ(*top, (Paths{"/d"}));
      auto info = co_await driver->stat("/d/e");
      EXPECT_TRUE(info);
      EXPECT_EQ(info->size_bytes, 5u);
      auto moved = co_await driver->move("/d/e", "/f");
      EXPECT_TRUE(moved);
      auto removed = co_await driver->remove("/f");
      EXPECT_TRUE(removed);
      EXPECT_EQ(b.keys(), Paths());
    });
  }
}

TEST(S3Driver, CountsItsOperations) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    auto driver = driver_of(b);
    co_await put(*driver, "/a", "12345");
    std::string text = co_await get(*driver, "/a");
    EXPECT_EQ(text, "12345");
    auto missing = co_await driver->stat("/none");
    EXPECT_FALSE(missing);

    WriterOptions writing;
    auto writer = co_await driver->writer("/w", writing);
    EXPECT_TRUE(writer) << writer.error().message();
    if (!writer) co_return;
    auto written = co_await (*writer)->write(bytes_of_text("1234567"));
    EXPECT_TRUE(written);
    EXPECT_EQ(driver->stats().writer.calls, 0u) << "counted at its end";
    CommitOptions commit;
    auto committed = co_await (*writer)->commit(commit);
    EXPECT_TRUE(committed) << committed.error().message();
    auto closed = co_await (*writer)->close();
    EXPECT_TRUE(closed);

    ReaderOptions reading;
    auto reader = co_await driver->reader("/w", reading);
    EXPECT_TRUE(reader) << reader.error().message();
    if (!reader) co_return;
    std::vector<std::byte> out(3);
    auto some = co_await (*reader)->read_some(out);
    EXPECT_TRUE(some);
    EXPECT_EQ(*some, 3u);
    co_await (*reader)->close();
    co_await (*reader)->close();
    auto no_reader = co_await driver->reader("/none", reading);
    EXPECT_FALSE(no_reader);

    StorageStats stats = driver->stats();
    EXPECT_EQ(stats.put_content.calls, 1u);
    EXPECT_EQ(stats.put_content.bytes, 5u);
    EXPECT_EQ(stats.get_content.bytes, 5u);
    EXPECT_GT(stats.get_content.time.count(), 0);
    EXPECT_EQ(stats.stat.calls, 1u);
    EXPECT_EQ(stats.stat.failures, 1u);
    EXPECT_EQ(stats.writer.calls, 1u);
    EXPECT_EQ(stats.writer.bytes, 7u);
    EXPECT_EQ(stats.reader.calls, 2u);
    EXPECT_EQ(stats.reader.failures, 1u);
    EXPECT_EQ(stats.reader.bytes, 3u);
    EXPECT_EQ(stats.bytes_discarded, 4u);
    EXPECT_EQ(stats.move.calls, 0u);
  });
}

TEST(S3Driver, CountsAWriterThatIsCancelledAsNoFailure) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    auto driver = driver_of(b);
    WriterOptions writing;
    auto writer = co_await driver->writer("/w", writing);
    EXPECT_TRUE(writer);
    auto cancelled = co_await (*writer)->cancel();
    EXPECT_TRUE(cancelled);
    WriterOptions append;
    append.append = true;
    auto none = co_await driver->writer("/w", append);
    EXPECT_FALSE(none);
    EXPECT_EQ(none.error().code(), StorageErrc::path_not_found);
    EXPECT_EQ(driver->stats().writer.calls, 2u);
    EXPECT_EQ(driver->stats().writer.failures, 1u);
  });
}

TEST(S3Driver, RemovesAClosedWritersSidecarAndUploadWithItsDirectory) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    auto driver = driver_of(b);
    WriterOptions writing;
    auto writer = co_await driver->writer("/u/1/data", writing);
    EXPECT_TRUE(writer);
    std::vector<std::byte> bytes(11 << 20);
    auto written = co_await (*writer)->write(bytes);
    EXPECT_TRUE(written) << written.error().message();
    auto closed = co_await (*writer)->close();
    EXPECT_TRUE(closed) << closed.error().message();
    EXPECT_EQ(b.uploads(), 1u);
    EXPECT_FALSE(b.keys().empty());
    auto names = co_await driver->list("/u/1");
    EXPECT_TRUE(names);
    EXPECT_TRUE(names->empty()) << "a sidecar is not shown";
    auto removed = co_await driver->remove("/u");
    EXPECT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(b.uploads(), 0u);
    EXPECT_TRUE(b.keys().empty());
  });
}

TEST(S3Driver, SaysWhatItOffers) {
  CoreBed bed;
  bed.run([](CoreBed& b) -> Task<void> {
    auto driver = driver_of(b);
    EXPECT_EQ(driver->name(), "s3aws");
    StorageCapabilities capabilities = driver->capabilities();
    EXPECT_TRUE(capabilities.redirects);
    EXPECT_TRUE(capabilities.resumable_writers);
    EXPECT_TRUE(capabilities.conditional_commit);
    EXPECT_TRUE(capabilities.component_order);
    RedirectOptions redirect;
    auto url = co_await driver->redirect_url("/a", redirect);
    EXPECT_TRUE(url);
    EXPECT_TRUE(url->has_value());
    co_return;
  });
}

}  // namespace
}  // namespace ringpull::s3
