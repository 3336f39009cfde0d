// Whole files: which paths there are, and that what is put or streamed comes back.

#include <ringpull/engine/scope.hpp>

#include "tests/conformance/bed.hpp"
#include "tests/conformance/files.hpp"

namespace ringpull::conformance {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

class Paths : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(Paths);
class FileContent : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(FileContent);
class FileStream : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(FileStream);

TEST_P(Paths, TheRootIsThereAndEmpty) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_TRY(auto entries, co_await b.driver().list("/"));
    EXPECT_TRUE(entries.empty());
    RINGPULL_CO_TRY(s3::FileInfo info, co_await b.driver().stat("/"));
    EXPECT_TRUE(info.is_directory);
    EXPECT_EQ(info.path, "/");
    co_return Result<void>();
  });
}

TEST_P(Paths, TakesLettersDigitsDotsDashesAndUnderscores) {
  run([](Bed& b) -> Task<Result<void>> {
    Bytes bytes = Content::noise(1).bytes(64);
    for (std::string_view path :
         {"/a", "/2", "/aa", "/a.a", "/0-9/abcdefg", "/abcdefg/z.75",
          "/abc/1.2.3.4.5-6_zyx/123.z/4", "/docker/docker-registry", "/123.abc", "/abc./abc",
          "/.abc", "/a--b", "/a-.b", "/_.abc", "/Docker/docker-registry", "/Abc/Cba"}) {
      RINGPULL_CO_CHECK(co_await b.driver().put_content(path, bytes));
      RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), path));
      EXPECT_TRUE(back == bytes) << path;
    }
    co_return Result<void>();
  });
}

TEST_P(Paths, RefusesEverythingElse) {
  run([](Bed& b) -> Task<Result<void>> {
    Bytes bytes = bytes_of("x");
    for (std::string_view path : {"", "/", "abc", "123.abc", "//bcd", "/abc_123/", "/a b", "/a*",
                                  "/a/../b/", "/\xc3\xa4", "/a~b"}) {
      auto put = co_await b.driver().put_content(path, bytes);
      expect_invalid_path(put, path);
      auto got = co_await get(b.driver(), path);
      expect_invalid_path(got, path);
      auto removed = co_await b.driver().remove(path);
      expect_invalid_path(removed, path);
      auto moved_from = co_await b.driver().move(path, "/b");
      expect_invalid_path(moved_from, path);
      auto moved_to = co_await b.driver().move("/b", path);
      expect_invalid_path(moved_to, path);
    }
    co_return Result<void>();
  });
}

Task<Result<void>> put_and_get(Bed& b, Bytes bytes) {
  RINGPULL_CO_CHECK(co_await b.driver().put_content("/dir/file", bytes));
  RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), "/dir/file"));
  EXPECT_TRUE(back == bytes) << bytes.size();
  co_return Result<void>();
}

Task<Result<void>> write_and_read(Bed& b, Bytes bytes) {
  RINGPULL_CO_CHECK(co_await write(b.driver(), "/dir/file", bytes));
  RINGPULL_CO_TRY(Bytes back, co_await read(b.driver(), "/dir/file"));
  EXPECT_TRUE(back == bytes) << bytes.size();
  co_return Result<void>();
}

/// A byte, two of UTF-8, 32, 1 MiB, and some that are no UTF-8.
std::vector<Bytes> samples() {
  std::vector<Bytes> all;
  all.push_back(bytes_of("a"));
  all.push_back(bytes_of("\xc3\x9f"));
  all.push_back(Content::noise(32).bytes(32));
  all.push_back(Content::noise(33).bytes(kMiB));
  all.push_back(Bytes(4, std::byte(0x80)));
  return all;
}

TEST_P(FileContent, ComesBackAsItWasPut) {
  run([](Bed& b) -> Task<Result<void>> {
    std::vector<Bytes> all = samples();
    for (const Bytes& bytes : all) {
      RINGPULL_CO_CHECK(co_await put_and_get(b, bytes));
    }
    co_return Result<void>();
  });
}

TEST_P(FileStream, ComesBackAsItWasWritten) {
  run([](Bed& b) -> Task<Result<void>> {
    std::vector<Bytes> all = samples();
    for (const Bytes& bytes : all) {
      RINGPULL_CO_CHECK(co_await write_and_read(b, bytes));
    }
    co_return Result<void>();
  });
}

TEST_P(FileContent, IsReplacedWhole) {
  run([](Bed& b) -> Task<Result<void>> {
    for (std::size_t size : {kMiB, kKiB, 2 * kKiB, std::size_t(0)}) {
      RINGPULL_CO_CHECK(co_await put_and_get(b, Content::noise(size).bytes(size)));
    }
    co_return Result<void>();
  });
}

TEST_P(FileContent, OfAMissingFileIsPathNotFound) {
  run([](Bed& b) -> Task<Result<void>> {
    auto got = co_await get(b.driver(), "/no/such-file");
    expect_path_not_found(got, "/no/such-file");
    RINGPULL_CO_CHECK(co_await put_and_get(b, bytes_of("x")));
    auto directory = co_await get(b.driver(), "/dir");
    expect_path_not_found(directory, "/dir");
    co_return Result<void>();
  });
}

TEST_P(FileContent, IsRefusedWhenItIsLargerThanTheCallerTakes) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/a", Content::noise(2).bytes(100)));
    auto got = co_await b.driver().get_content("/a", 99);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::too_large) << got.error().message();
    RINGPULL_CO_TRY(engine::Buffer whole, co_await b.driver().get_content("/a", 100));
    EXPECT_EQ(whole.size(), 100u);
    co_return Result<void>();
  });
}

TEST_P(FileStream, OfAMissingFileIsPathNotFoundAtAnyOffset) {
  run([](Bed& b) -> Task<Result<void>> {
    for (std::uint64_t offset : {0u, 64u}) {
      auto got = co_await read(b.driver(), "/no/such-file", offset);
      expect_path_not_found(got, "/no/such-file");
    }
    co_return Result<void>();
  });
}

TEST_P(FileStream, IsReadFromAnyOffset) {
  run([](Bed& b) -> Task<Result<void>> {
    Content content = Content::noise(96);
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/a", content.bytes(96)));
    for (std::uint64_t offset : {0u, 32u, 64u, 95u, 96u, 97u, 1000u}) {
      RINGPULL_CO_TRY(Bytes back, co_await read(b.driver(), "/a", offset));
      std::size_t expected = offset < 96 ? 96 - offset : 0;
      EXPECT_TRUE(back == content.bytes(expected, offset)) << offset;
    }
    co_return Result<void>();
  });
}

TEST_P(FileStream, RefusesAnOffsetThatNobodyCanCount) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/a", bytes_of("x")));
    // What -1 becomes.
    auto got = co_await read(b.driver(), "/a", ~std::uint64_t(0));
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code(), s3::StorageErrc::invalid_offset);
    for (std::string_view part : {"s3aws", "/a", "18446744073709551615"}) {
      EXPECT_NE(got.error().message().find(part), std::string::npos) << got.error().message();
    }
    co_return Result<void>();
  });
}

TEST_P(FileStream, IsReadByTenReadersAtOnceFromRandomOffsets) {
  run([](Bed& b) -> Task<Result<void>> {
    Content content = Content::noise(10);
    constexpr std::size_t kSize = 10 * kMiB;
    RINGPULL_CO_CHECK(co_await write(b.driver(), "/a", content.bytes(kSize)));
    std::vector<std::uint64_t> offsets;
    std::vector<Task<Result<std::uint64_t>>> readers;
    for (int i = 0; i < 10; ++i) {
      std::uint64_t offset = 0;
      Content::noise(1000 + i).fill(0, std::as_writable_bytes(std::span(&offset, 1)));
      offsets.push_back(offset % kSize);
      readers.push_back(verify(b.driver(), "/a", content, offsets.back()));
    }
    auto sizes = co_await engine::when_all(std::move(readers));
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      EXPECT_TRUE(sizes[i]) << sizes[i].error().message();
      if (sizes[i]) {
        EXPECT_EQ(*sizes[i], kSize - offsets[i]);
      }
    }
    co_return Result<void>();
  });
}

Task<Result<std::uint64_t>> write_and_verify(Bed& b, std::string path, std::uint64_t seed,
                                             std::size_t size) {
  Content content = Content::noise(seed);
  RINGPULL_CO_CHECK(co_await write(b.driver(), path, content.bytes(size)));
  co_return co_await verify(b.driver(), path, content);
}

TEST_P(FileStream, EightAreWrittenAndReadAtOnce) {
  run([](Bed& b) -> Task<Result<void>> {
    std::vector<Task<Result<std::uint64_t>>> tasks;
    for (std::size_t i = 0; i < 8; ++i) {
      tasks.push_back(write_and_verify(b, "/dir/" + std::to_string(i), i, 8 * kMiB));
    }
    auto sizes = co_await engine::when_all(std::move(tasks));
    for (const auto& size : sizes) {
      EXPECT_TRUE(size) << size.error().message();
      if (size) {
        EXPECT_EQ(*size, 8 * kMiB);
      }
    }
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace ringpull::conformance
