// driver_command VERB PATH [SIZE]: one call of the driver under test, for tests that mix it with
// other programs. The server is the environment's, as for the suite (bed.hpp), with
// RINGPULL_CONFORMANCE_ROOT as root directory.
//
//   begin PATH [SIZE]     writes a new file of SIZE bytes and closes it; without SIZE until killed
//   append PATH SIZE      goes on until it has SIZE bytes, and closes it again
//   finish PATH SIZE      the same, and commits it
//   verify PATH           reads and compares; prints the size
//   cat, list, remove PATH
//   walk /                prints all files
//
// Content is Content::noise(1), by its place.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <string>

#include <ringpull/engine/loop.hpp>
#include <ringpull/s3/s3_driver.hpp>

#include "tests/conformance/bed.hpp"
#include "tests/conformance/files.hpp"
#include "tests/support/fixed_resolver.hpp"

namespace ringpull::conformance {
namespace {

const Content kContent = Content::noise(1);
constexpr std::uint64_t kStep = std::uint64_t(1) << 20;

class Command {
 public:
  Command(std::string verb_in, std::string path_in, std::uint64_t size_in)
      : verb(std::move(verb_in)), path(std::move(path_in)), size(size_in) {}
  std::string verb;
  std::string path;
  std::uint64_t size;
};

Task<Result<void>> write_until(s3::StorageWriter& writer, std::uint64_t size) {
  while (writer.size_bytes() < size) {
    std::uint64_t at = writer.size_bytes();
    Bytes piece = kContent.bytes(static_cast<std::size_t>(std::min(kStep, size - at)), at);
    RINGPULL_CO_CHECK(co_await writer.write(piece));
  }
  co_return Result<void>();
}

Task<Result<void>> write_file(StorageDriver& driver, const Command& command) {
  s3::WriterOptions options;
  options.append = command.verb == "append" || command.verb == "finish";
  RINGPULL_CO_TRY(auto writer, co_await driver.writer(command.path, options));
  fmt::print("{}\n", writer->size_bytes());
  std::fflush(stdout);
  auto written = co_await write_until(*writer, command.size);
  s3::CommitOptions commit;
  if (written && command.verb == "finish") written = co_await writer->commit(commit);
  auto closed = co_await writer->close();
  if (!written) co_return written;
  co_return closed;
}

Task<Result<void>> run(StorageDriver& driver, const Command& command) {
  if (command.verb == "verify") {
    RINGPULL_CO_TRY(std::uint64_t size, co_await verify(driver, command.path, kContent));
    fmt::print("{}\n", size);
  } else if (command.verb == "list") {
    RINGPULL_CO_TRY(auto paths, co_await driver.list(command.path));
    for (const std::string& path : paths) fmt::print("{}\n", path);
  } else if (command.verb == "walk") {
    RINGPULL_CO_TRY(auto paths, co_await files(driver));
    for (const std::string& path : paths) fmt::print("{}\n", path);
  } else if (command.verb == "cat") {
    RINGPULL_CO_TRY(Bytes bytes, co_await read(driver, command.path));
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  } else if (command.verb == "remove") {
    RINGPULL_CO_CHECK(co_await driver.remove(command.path));
  } else {
    RINGPULL_CO_CHECK(co_await write_file(driver, command));
  }
  co_return Result<void>();
}

Task<Result<void>> connect_and_run(const ServerAddress& server, const Command& command) {
  ringpull::testing::FixedResolver resolver;
  http::ClientOptions http_options;
  RINGPULL_CO_TRY(auto http, http::Client::create(http_options, resolver));
  s3::StaticCredentialsProvider key(server.driver.credentials());
  RINGPULL_CO_TRY(auto endpoint, s3::Endpoint::create(server.url, s3::Region("us-east-1")));
  s3::ClientOptions client_options(std::move(endpoint));
  s3::Client client(std::move(client_options), *http, key);
  engine::MemoryBudgetOptions budget_options;
  engine::MemoryBudget budget(budget_options);
  engine::BufferPool pool(budget);
  s3::S3DriverOptions options;
  options.bucket = server.bucket;
  const char* root = std::getenv("RINGPULL_CONFORMANCE_ROOT");
  if (root != nullptr) options.root_directory = root;
  RINGPULL_CO_TRY(auto driver, s3::S3Driver::create(options, client, pool));
  auto done = co_await run(*driver, command);
  co_return done;
}

int main_of(const Command& command) {
  auto server = ServerAddress::from_environment();
  if (!server) {
    fmt::print(stderr, "RINGPULL_CONFORMANCE_ENDPOINT is not set\n");
    return 2;
  }
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  auto done = loop->run([&] { return connect_and_run(*server, command); });
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().message());
  return 1;
}

}  // namespace
}  // namespace ringpull::conformance

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: driver_command VERB PATH [SIZE]\n", stderr);
    return 2;
  }
  std::uint64_t size = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : ~std::uint64_t(0);
  ringpull::conformance::Command command(argv[1], argv[2], size);
  return ringpull::conformance::main_of(command);
}
