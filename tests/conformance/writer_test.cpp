// Writers: suspended and resumed, cancelled, killed, and what of that can be seen.

#include "tests/conformance/bed.hpp"
#include "tests/conformance/files.hpp"

namespace ringpull::conformance {
namespace {

constexpr std::size_t kMiB = std::size_t(1) << 20;

class Resume : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(Resume);
class Writer : public DriverTest {};
RINGPULL_FOR_EACH_DRIVER(Writer);

// --------------------------------------------------------------------------------------- resume

/// Writes three pieces by three writers, the last of another driver, and commits.
Task<Result<void>> write_in_pieces(Bed& b, std::size_t piece) {
  Content content = Content::noise(piece);
  auto other = b.another_driver();
  RINGPULL_CO_TRY(std::uint64_t first,
                  co_await write_and_suspend(b.driver(), "/a", content.bytes(piece), false));
  EXPECT_EQ(first, piece);
  RINGPULL_CO_TRY(std::uint64_t second,
                  co_await write_and_suspend(b.driver(), "/a", content.bytes(piece, piece), true));
  EXPECT_EQ(second, 2 * piece);
  auto invisible = co_await b.driver().stat("/a");
  expect_path_not_found(invisible, "/a");
  RINGPULL_CO_TRY(std::uint64_t third,
                  co_await append_and_commit(*other, "/a", content.bytes(piece, 2 * piece)));
  EXPECT_EQ(third, 3 * piece);
  RINGPULL_CO_TRY(std::uint64_t size, co_await verify(b.driver(), "/a", content));
  EXPECT_EQ(size, 3 * piece) << "in pieces of " << piece;
  co_return Result<void>();
}

TEST_P(Resume, GoesOnInPiecesOf32Bytes) {
  run([](Bed& b) -> Task<Result<void>> { co_return co_await write_in_pieces(b, 32); });
}

TEST_P(Resume, GoesOnInPiecesOf10MiB) {
  run([](Bed& b) -> Task<Result<void>> { co_return co_await write_in_pieces(b, 10 * kMiB); });
}

TEST_P(Resume, GoesOnAtAnySizeAroundAPart) {
  run([](Bed& b) -> Task<Result<void>> {
    for (std::size_t piece : {5 * kMiB - 1, 5 * kMiB, 7 * kMiB, 10 * kMiB + 1}) {
      RINGPULL_CO_CHECK(co_await write_in_pieces(b, piece));
      RINGPULL_CO_CHECK(co_await b.driver().remove("/a"));
    }
    co_return Result<void>();
  });
}

TEST_P(Resume, AgreesOnTheSizeAtEveryOpening) {
  run([](Bed& b) -> Task<Result<void>> {
    Content content = Content::noise(7);
    std::uint64_t written = 0;
    for (std::size_t piece : {std::size_t(1), 6 * kMiB, std::size_t(100), 12 * kMiB}) {
      RINGPULL_CO_TRY(
          std::uint64_t size,
          co_await write_and_suspend(b.driver(), "/a", content.bytes(piece, written), written > 0));
      written += piece;
      EXPECT_EQ(size, written);
      s3::WriterOptions options;
      options.append = true;
      RINGPULL_CO_TRY(auto writer, co_await b.driver().writer("/a", options));
      EXPECT_EQ(writer->size_bytes(), written);
      RINGPULL_CO_CHECK(co_await writer->close());
    }
    Bytes nothing;
    RINGPULL_CO_TRY(std::uint64_t total, co_await append_and_commit(b.driver(), "/a", nothing));
    EXPECT_EQ(total, written);
    RINGPULL_CO_TRY(std::uint64_t size, co_await verify(b.driver(), "/a", content));
    EXPECT_EQ(size, written);
    co_return Result<void>();
  });
}

Task<Result<void>> append_to_an_empty_file(Bed& b) {
  RINGPULL_CO_TRY(s3::FileInfo info, co_await b.driver().stat("/a"));
  EXPECT_EQ(info.size_bytes, 0u);
  RINGPULL_CO_TRY(Bytes empty, co_await read(b.driver(), "/a"));
  EXPECT_TRUE(empty.empty());
  Bytes bytes = Content::noise(8).bytes(32);
  RINGPULL_CO_TRY(std::uint64_t size, co_await append_and_commit(b.driver(), "/a", bytes));
  EXPECT_EQ(size, 32u);
  RINGPULL_CO_TRY(Bytes back, co_await read(b.driver(), "/a"));
  EXPECT_TRUE(back == bytes);
  co_return Result<void>();
}

TEST_P(Resume, AppendsToAnEmptyFileThatWasWritten) {
  run([](Bed& b) -> Task<Result<void>> {
    Bytes nothing;
    RINGPULL_CO_CHECK(co_await write(b.driver(), "/a", nothing));
    co_return co_await append_to_an_empty_file(b);
  });
}

TEST_P(Resume, AppendsToAnEmptyFileThatWasPut) {
  run([](Bed& b) -> Task<Result<void>> {
    Bytes nothing;
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/a", nothing));
    co_return co_await append_to_an_empty_file(b);
  });
}

TEST_P(Resume, RefusesWhatCannotBeAppendedTo) {
  run([](Bed& b) -> Task<Result<void>> {
    Bytes bytes = bytes_of("x");
    auto missing = co_await append_and_commit(b.driver(), "/a", bytes);
    expect_path_not_found(missing, "/a");
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/a", bytes));
    auto full = co_await append_and_commit(b.driver(), "/a", bytes);
    EXPECT_FALSE(full);
    EXPECT_EQ(full.error().kind(), ErrorKind::conflict) << full.error().message();
    RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), "/a"));
    EXPECT_TRUE(back == bytes);
    co_return Result<void>();
  });
}

TEST_P(Resume, IsNotMisledByAnUploadOfALongerName) {
  run([](Bed& b) -> Task<Result<void>> {
    for (const char* path : {"/a", "/a-b", "/a/b", "/ab"}) {
      RINGPULL_CO_TRY(std::uint64_t size,
                      co_await write_and_suspend(b.driver(), path, bytes_of(path), false));
      EXPECT_EQ(size, std::string_view(path).size());
    }
    for (const char* path : {"/ab", "/a/b", "/a-b", "/a"}) {
      RINGPULL_CO_TRY(std::uint64_t size,
                      co_await append_and_commit(b.driver(), path, bytes_of("+")));
      EXPECT_EQ(size, std::string_view(path).size() + 1);
      RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), path));
      EXPECT_TRUE(back == bytes_of(std::string(path) + "+")) << path;
    }
    co_return Result<void>();
  });
}

// --------------------------------------------------------------------------------------- writer

Task<Result<void>> cancel_after(Bed& b, std::size_t size, bool append) {
  s3::WriterOptions options;
  options.append = append;
  RINGPULL_CO_TRY(auto writer, co_await b.driver().writer("/a", options));
  auto written = co_await writer->write(Content::noise(1).bytes(size));
  RINGPULL_CO_CHECK(co_await writer->cancel());
  RINGPULL_CO_CHECK(co_await writer->close());
  EXPECT_TRUE(written);
  RINGPULL_CO_TRY(auto uploads, co_await b.uploads());
  EXPECT_TRUE(uploads.empty()) << "after " << size;
  RINGPULL_CO_TRY(auto keys, co_await b.keys());
  EXPECT_TRUE(keys.empty()) << "after " << size;
  auto gone = co_await append_and_commit(b.driver(), "/a", bytes_of("x"));
  expect_path_not_found(gone, "/a");
  co_return Result<void>();
}

TEST_P(Writer, StoresWhatIsReceivedWhereItHasPrepared) {
  run([](Bed& b) -> Task<Result<void>> {
    Content content = Content::noise(13);
    for (std::size_t size : {std::size_t(0), std::size_t(100), 12 * kMiB, 21 * kMiB + 3}) {
      Bytes bytes = content.bytes(size);
      RINGPULL_CO_CHECK(co_await receive(b.driver(), "/a", bytes, kMiB - 1));
      RINGPULL_CO_TRY(std::uint64_t stored, co_await verify(b.driver(), "/a", content));
      EXPECT_EQ(stored, size);
    }
    co_return Result<void>();
  });
}

TEST_P(Writer, LeavesNothingWhenItIsCancelled) {
  run([](Bed& b) -> Task<Result<void>> {
    for (std::size_t size : {std::size_t(0), std::size_t(32), 25 * kMiB, 60 * kMiB}) {
      RINGPULL_CO_CHECK(co_await cancel_after(b, size, false));
      RINGPULL_CO_TRY(std::uint64_t before,
                      co_await write_and_suspend(b.driver(), "/a", bytes_of("before"), false));
      EXPECT_EQ(before, 6u);
      RINGPULL_CO_CHECK(co_await cancel_after(b, size, true));
    }
    co_return Result<void>();
  });
}

TEST_P(Writer, LeavesTheOldFileWhenItIsCancelled) {
  run([](Bed& b) -> Task<Result<void>> {
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/a", bytes_of("old")));
    s3::WriterOptions options;
    RINGPULL_CO_TRY(auto writer, co_await b.driver().writer("/a", options));
    auto written = co_await writer->write(Content::noise(1).bytes(11 * kMiB));
    RINGPULL_CO_CHECK(co_await writer->cancel());
    EXPECT_TRUE(written);
    RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), "/a"));
    EXPECT_TRUE(back == bytes_of("old"));
    co_return Result<void>();
  });
}

TEST_P(Writer, IsOfNoUseOnceItHasEnded) {
  run([](Bed& b) -> Task<Result<void>> {
    for (int end = 0; end < 3; ++end) {
      s3::WriterOptions options;
      RINGPULL_CO_TRY(auto writer, co_await b.driver().writer("/a", options));
      s3::CommitOptions commit;
      Result<void> ended;
      if (end == 0) ended = co_await writer->commit(commit);
      if (end == 1) ended = co_await writer->close();
      if (end == 2) ended = co_await writer->cancel();
      EXPECT_TRUE(ended);
      Bytes bytes = bytes_of("x");
      auto written = co_await writer->write(bytes);
      auto committed = co_await writer->commit(commit);
      auto cancelled = co_await writer->cancel();
      auto closed = co_await writer->close();
      for (const Result<void>& refused : {written, committed, cancelled}) {
        EXPECT_FALSE(refused);
        if (!refused) {
          EXPECT_EQ(refused.error().kind(), ErrorKind::invalid_argument);
        }
      }
      EXPECT_TRUE(closed);
      // A closed one has left its upload.
      auto removed = co_await b.driver().remove("/a");
      (void)removed;
    }
    co_return Result<void>();
  });
}

TEST_P(Writer, ShowsNothingBeforeItsCommit) {
  run([](Bed& b) -> Task<Result<void>> {
    for (std::size_t size : {std::size_t(32), 6 * kMiB, 25 * kMiB}) {
      RINGPULL_CO_TRY(
          std::uint64_t written,
          co_await write_and_suspend(b.driver(), "/dir/a", Content::noise(1).bytes(size), false));
      EXPECT_EQ(written, size);
      auto info = co_await b.driver().stat("/dir/a");
      expect_path_not_found(info, "/dir/a");
      auto content = co_await read(b.driver(), "/dir/a");
      expect_path_not_found(content, "/dir/a");
      RINGPULL_CO_TRY(auto listed, co_await b.driver().list("/"));
      for (const std::string& path : listed) EXPECT_EQ(path, "/dir");
      RINGPULL_CO_CHECK(co_await b.driver().remove("/dir"));
    }
    co_return Result<void>();
  });
}

TEST_P(Writer, CreatesOnlyWhenToldSo) {
  run([](Bed& b) -> Task<Result<void>> {
    if (!b.driver().capabilities().conditional_commit) co_return Result<void>();
    RINGPULL_CO_CHECK(co_await b.driver().put_content("/a", bytes_of("old")));
    s3::WriterOptions options;
    RINGPULL_CO_TRY(auto writer, co_await b.driver().writer("/a", options));
    Bytes bytes = bytes_of("new");
    auto written = co_await writer->write(bytes);
    s3::CommitOptions commit;
    commit.create_only = true;
    auto refused = co_await writer->commit(commit);
    EXPECT_TRUE(written);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), ErrorKind::already_exists) << refused.error().message();
    RINGPULL_CO_TRY(Bytes back, co_await get(b.driver(), "/a"));
    EXPECT_TRUE(back == bytes_of("old"));
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace ringpull::conformance
