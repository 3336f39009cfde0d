// One driver on the loop of a Runtime, used by threads that know nothing of coroutines.
#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <ringpull/engine/runtime.hpp>
#include <ringpull/http/server.hpp>
#include <ringpull/s3/open_s3_driver.hpp>

#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::s3 {
namespace {

using engine::Runtime;
using engine::Task;

constexpr std::size_t kDriverLoop = 0;
constexpr std::size_t kSandboxLoop = 1;
constexpr int kThreads = 8;
constexpr int kRounds = 10;

/// Serves until stopped; says where once it does.
Task<Result<void>> serve(std::promise<std::string>& url) {
  sandbox::Store store;
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  EXPECT_TRUE(store.create_bucket("b", now));
  sandbox::SandboxOptions options;
  options.credentials = Credentials("id", Secret("secret"));
  sandbox::S3Handler handler(std::move(options), store);
  RINGPULL_CO_TRY(auto any, engine::SocketAddress::from_ip("127.0.0.1", 0));
  RINGPULL_CO_TRY(auto listener, engine::TcpListener::bind(any));
  http::Server server(listener, handler, http::ServerOptions());
  url.set_value("http://" + listener.address().to_string());
  auto ended = co_await server.run();
  co_return ended;
}

Task<Result<std::unique_ptr<OpenedS3Driver>>> open_driver(std::string url) {
  ParameterMap values;
  for (auto [name, text] : {std::pair("regionendpoint", url.c_str()), std::pair("bucket", "b"),
                            std::pair("accesskey", "id"), std::pair("secretkey", "secret")}) {
    values[name] = ParameterText(text, "test");
  }
  EnvironmentLookup nothing = [](std::string_view) { return std::optional<std::string>(); };
  RINGPULL_CO_TRY(auto parameters, read_s3_driver_parameters(values, nothing));
  OpenS3DriverOptions options;
  options.environment = nothing;
  co_return open_s3_driver(parameters, options);
}

/// A file written by parts, read back, moved and removed.
Task<Result<std::string>> use(S3Driver& driver, std::string path, std::string text) {
  WriterOptions write;
  RINGPULL_CO_TRY(auto writer, co_await driver.writer(path, write));
  auto written = co_await writer->write(std::as_bytes(std::span(text)));
  CommitOptions commit;
  auto committed = co_await writer->commit(commit);
  if (!written) co_return fail(std::move(written).error());
  if (!committed) co_return fail(std::move(committed).error());
  std::string moved = path + ".moved";
  RINGPULL_CO_CHECK(co_await driver.move(path, moved));
  RINGPULL_CO_TRY(engine::Buffer content, co_await driver.get_content(moved, text.size()));
  RINGPULL_CO_CHECK(co_await driver.remove(moved));
  co_return std::string(content.text());
}

/// Counts the moves, then ends the driver where it lived.
Task<Result<std::uint64_t>> close(std::unique_ptr<OpenedS3Driver> opened) {
  std::uint64_t moves = opened->driver().stats().move.calls;
  co_await opened->close();
  co_return moves;
}

TEST(S3DriverThreads, OneDriverServesManyThreads) {
  engine::RuntimeOptions options;
  options.loops = 2;
  auto runtime = Runtime::create(options).value();
  std::promise<std::string> url;
  std::promise<void> served;
  auto server = runtime->submit_on(
      kSandboxLoop, [&] { return serve(url); }, [&](const Result<void>&) { served.set_value(); });
  ASSERT_TRUE(server);
  std::string where = url.get_future().get();
  auto opened = runtime->run_blocking_on(kDriverLoop, [&] { return open_driver(where); });
  ASSERT_TRUE(opened) << opened.error().message();
  S3Driver& driver = (*opened)->driver();

  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        std::string name = std::to_string(t) + "-" + std::to_string(round);
        auto text = runtime->run_blocking_on(
            kDriverLoop, [&] { return use(driver, "/d/" + name, "text of " + name); });
        EXPECT_EQ(text ? *text : text.error().message(), "text of " + name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  auto moves = runtime->run_blocking_on(kDriverLoop, [&] { return close(std::move(*opened)); });
  EXPECT_EQ(moves.value(), std::uint64_t{kThreads * kRounds});
  server->request_stop();
  served.get_future().get();
}

}  // namespace
}  // namespace ringpull::s3
