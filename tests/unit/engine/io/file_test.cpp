#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <ringpull/engine/buffer.hpp>
#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/file.hpp>
#include <ringpull/engine/scope.hpp>

#include "tests/support/on_each_backend.hpp"
#include "tests/support/temp_dir.hpp"

namespace ringpull::engine {
namespace {

class FileTest : public ringpull::testing::OnEachBackend {
 protected:
  std::string path(const std::string& name) const { return dir_.file(name); }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string get(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  ringpull::testing::TempDir dir_;
};
RINGPULL_ON_EACH_BACKEND(FileTest);

ConstBytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }
MutableBytes room_in(std::string& text) { return std::as_writable_bytes(std::span(text)); }

Task<Result<std::string>> write_and_read(std::string path) {
  OpenOptions create(FileMode::create);
  RINGPULL_CO_TRY(File file, co_await File::open(path, create));
  const std::string text = "0123456789";
  RINGPULL_CO_CHECK(co_await file.write_all_at(bytes_of(text), 5));
  std::string middle(4, '.');
  RINGPULL_CO_CHECK(co_await file.read_exact_at(room_in(middle), 7));
  std::string rest(100, '.');
  RINGPULL_CO_TRY(std::size_t count, co_await file.read_some_at(room_in(rest), 12));
  rest.resize(count);
  RINGPULL_CO_TRY(std::size_t end, co_await file.read_some_at(room_in(middle), 15));
  co_return middle + "|" + rest + "|" + std::to_string(end);
}

TEST_P(FileTest, WritesAndReadsWhereItIsTold) {
  auto text = run([&] { return write_and_read(path("f")); });
  EXPECT_EQ(text.value(), "2345|789|0");
  EXPECT_EQ(get("f"), std::string(5, '\0') + "0123456789");
}

Task<Result<File>> open(std::string path, FileMode mode) {
  OpenOptions options(mode);
  options.permissions = 0640;
  auto file = co_await File::open(std::move(path), options);
  co_return file;
}

TEST_P(FileTest, EachModeOpensWhatItShould) {
  put("old", "content");
  EXPECT_EQ(run([&] { return open(path("none"), FileMode::read); }).error().kind(),
            ErrorKind::not_found);
  EXPECT_EQ(run([&] { return open(path("none"), FileMode::read_write); }).error().kind(),
            ErrorKind::not_found);
  EXPECT_EQ(run([&] { return open(path("old"), FileMode::create); }).error().kind(),
            ErrorKind::already_exists);
  EXPECT_EQ(run([&] { return open(path("old"), FileMode::read); }).value().size().value(), 7U);
  EXPECT_EQ(run([&] { return open(path("old"), FileMode::write); }).value().size().value(), 0U);
  auto created = run([&] { return open(path("new"), FileMode::create); });
  ASSERT_TRUE(created.has_value());
  struct stat status{};
  ASSERT_EQ(::stat(path("new").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U & ~0640U, 0U);
  EXPECT_NE(::fcntl(created->fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_P(FileTest, NamesThePathItCouldNotOpen) {
  auto refused = run([&] { return open(path("none"), FileMode::read); });
  EXPECT_EQ(refused.error().message(), "open " + path("none") + ": No such file or directory");
}

Task<Result<void>> read_beyond_the_end(std::string path, bool direct, std::size_t bytes) {
  OpenOptions options(FileMode::read);
  options.direct = direct;
  RINGPULL_CO_TRY(File file, co_await File::open(path, options));
  Buffer out(bytes, kDirectAlignment);
  auto read = co_await file.read_exact_at(out.bytes(), 0);
  co_return read;
}

TEST_P(FileTest, AFileThatEndsEarlyIsTruncatedAndTellsHowFarItCame) {
  put("f", std::string(5000, 'x'));
  for (bool direct : {false, true}) {
    auto read = run([&] { return read_beyond_the_end(path("f"), direct, 8192); });
    EXPECT_EQ(read.error().kind(), ErrorKind::truncated) << read.error().message();
    EXPECT_EQ(read.error().bytes_done(), 5000U);
  }
}

Task<Result<std::string>> direct_round_trip(std::string path, MemoryBudget& budget) {
  BufferPool pool(budget);
  OpenOptions options(FileMode::create);
  options.direct = true;
  RINGPULL_CO_TRY(File file, co_await File::open(path, options));
  RINGPULL_CO_CHECK(co_await file.allocate(64 << 10));
  RINGPULL_CO_TRY(BufferLease out, co_await pool.lease(16 << 10));
  std::memset(out.data(), 'd', out.size());
  RINGPULL_CO_CHECK(co_await file.write_all_at(out.bytes(), 4096));
  RINGPULL_CO_CHECK(co_await file.truncate(5000));
  RINGPULL_CO_CHECK(co_await file.sync_data());
  RINGPULL_CO_CHECK(co_await file.sync_all());
  RINGPULL_CO_TRY(BufferLease in, co_await pool.lease(8 << 10));
  RINGPULL_CO_TRY(std::size_t count, co_await file.read_some_at(in.bytes(), 0));
  co_return std::string(reinterpret_cast<const char*>(in.data()), count);
}

TEST_P(FileTest, DirectTransfersTakeLeasedBlocksAndTruncateCutsThePadding) {
  MemoryBudget budget;
  auto text = run([&] { return direct_round_trip(path("direct"), budget); });
  ASSERT_TRUE(text.has_value()) << text.error().message();
  EXPECT_EQ(*text, std::string(4096, '\0') + std::string(904, 'd'));
  EXPECT_EQ(get("direct").size(), 5000U);
}

Task<Result<bool>> opened_direct(std::string path, bool direct) {
  OpenOptions options(FileMode::read);
  options.direct = direct;
  RINGPULL_CO_TRY(File file, co_await File::open(path, options));
  co_return file.is_direct();
}

TEST_P(FileTest, KnowsWhetherItWasOpenedDirect) {
  put("f", "x");
  for (bool direct : {false, true}) {
    auto known = run([&] { return opened_direct(path("f"), direct); });
    EXPECT_EQ(known.value(), direct);
  }
  EXPECT_FALSE(File().is_direct());
}

TEST(DirectSize, IsTheNextMultipleOfThePage) {
  EXPECT_EQ(direct_size(0), 0U);
  EXPECT_EQ(direct_size(1), 4096U);
  EXPECT_EQ(direct_size(4096), 4096U);
  EXPECT_EQ(direct_size(4097), 8192U);
}

Task<Result<std::uint64_t>> allocate_and_measure(std::string path) {
  OpenOptions create(FileMode::create);
  RINGPULL_CO_TRY(File file, co_await File::open(path, create));
  RINGPULL_CO_CHECK(co_await file.allocate(1 << 20));
  auto size = file.size();
  co_return size;
}

TEST_P(FileTest, AllocateReservesTheBlocksAndGrowsTheFile) {
  EXPECT_EQ(run([&] { return allocate_and_measure(path("f")); }).value(), 1U << 20);
  struct stat status{};
  ASSERT_EQ(::stat(path("f").c_str(), &status), 0);
  EXPECT_GE(status.st_blocks * 512, 1 << 20);
}

TEST_P(FileTest, RenameReplacesTheTargetAndRemoveRemovesIt) {
  put("from", "new");
  put("to", "old");
  auto renamed = run([&] { return rename_file(path("from"), path("to")); });
  EXPECT_TRUE(renamed.has_value());
  EXPECT_EQ(get("to"), "new");
  EXPECT_FALSE(std::filesystem::exists(path("from")));
  auto removed = run([&] { return remove_file(path("to")); });
  EXPECT_TRUE(removed.has_value());
  EXPECT_FALSE(std::filesystem::exists(path("to")));
  auto again = run([&] { return remove_file(path("to")); });
  EXPECT_EQ(again.error().kind(), ErrorKind::not_found);
  auto missing = run([&] { return rename_file(path("from"), path("to")); });
  EXPECT_EQ(missing.error().kind(), ErrorKind::not_found);
  EXPECT_NE(missing.error().message().find(path("from") + " to " + path("to")), std::string::npos);
}

Task<void> write_piece(File& file, std::size_t index, int& failures) {
  std::string piece(10'000, static_cast<char>('a' + index));
  auto written = co_await file.write_all_at(bytes_of(piece), index * piece.size());
  if (!written) ++failures;
}

Task<Result<int>> write_pieces_at_once(std::string path) {
  OpenOptions create(FileMode::create);
  RINGPULL_CO_TRY(File file, co_await File::open(path, create));
  Context& context = co_await current_context();
  int failures = 0;
  Scope scope(context);
  for (std::size_t i = 0; i < 26; ++i) scope.spawn(write_piece(file, 25 - i, failures));
  RINGPULL_CO_CHECK(co_await scope.join());
  co_return failures;
}

TEST_P(FileTest, TransfersOfOneFileRunSideBySide) {
  EXPECT_EQ(run([&] { return write_pieces_at_once(path("f")); }).value(), 0);
  std::string expected;
  for (char c = 'a'; c <= 'z'; ++c) expected.append(10'000, c);
  EXPECT_EQ(get("f"), expected);
}

Task<Result<std::string>> everything_after_a_stop(std::string path) {
  OpenOptions create(FileMode::create);
  RINGPULL_CO_TRY(File file, co_await File::open(path, create));
  std::string text = "text";
  StopSource source;
  source.request_stop();
  std::string kinds;
  auto note = [&kinds](const auto& result) {
    kinds += result ? "done " : std::string(to_string(result.error().kind())) + ' ';
  };
  auto outcome1 = co_await with_stop(source, file.write_all_at(bytes_of(text), 0));
  note(outcome1);
  auto outcome2 = co_await with_stop(source, file.read_exact_at(room_in(text), 0));
  note(outcome2);
  auto outcome3 = co_await with_stop(source, file.read_some_at(room_in(text), 0));
  note(outcome3);
  auto outcome4 = co_await with_stop(source, file.truncate(10));
  note(outcome4);
  auto outcome5 = co_await with_stop(source, file.sync_all());
  note(outcome5);
  auto outcome6 = co_await with_stop(source, rename_file(path, path + "2"));
  note(outcome6);
  auto outcome7 = co_await with_stop(source, remove_file(path));
  note(outcome7);
  co_return kinds;
}

TEST_P(FileTest, NothingHappensAfterAStop) {
  auto kinds = run([&] { return everything_after_a_stop(path("f")); });
  std::string expected;
  for (int i = 0; i < 7; ++i) expected += "cancelled ";
  EXPECT_EQ(kinds.value(), expected);
  EXPECT_TRUE(std::filesystem::exists(path("f")));
  EXPECT_EQ(get("f"), "");
}

Task<Result<void>> empty_transfers(std::string path) {
  OpenOptions create(FileMode::create);
  RINGPULL_CO_TRY(File file, co_await File::open(path, create));
  RINGPULL_CO_CHECK(co_await file.write_all_at(ConstBytes(), 100));
  RINGPULL_CO_CHECK(co_await file.read_exact_at(MutableBytes(), 100));
  co_return Result<void>();
}

TEST_P(FileTest, AnEmptyTransferCompletesAndWritesNothing) {
  auto outcome = run([&] { return empty_transfers(path("f")); });
  EXPECT_TRUE(outcome.has_value());
  EXPECT_EQ(get("f"), "");
}

Task<Result<void>> write_to(std::string path) {
  OpenOptions options(FileMode::read_write);
  RINGPULL_CO_TRY(File file, co_await File::open(path, options));
  std::string text(1000, 'x');
  auto written = co_await file.write_all_at(bytes_of(text), 0);
  co_return written;
}

TEST_P(FileTest, AFullDiskIsResourceExhausted) {
  auto written = run([] { return write_to("/dev/full"); });
  EXPECT_EQ(written.error().kind(), ErrorKind::resource_exhausted) << written.error().message();
}

}  // namespace
}  // namespace ringpull::engine
