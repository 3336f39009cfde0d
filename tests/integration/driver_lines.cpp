// Runs a storage driver's calls: one JSON object per line in, one out. For s3_driver_test.py, which
// looks at the bucket with other eyes. The first line are options: endpoint, access_key, secret,
// bucket, root, redirect_endpoint, addressing, copy_threshold, copy_chunk. Then {"do": "stat",
// "path": "/a"} and the like; an answer is {"ok": ...} or {"error": kind, "text": message}.

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <ringpull/engine/buffer_pool.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/memory_budget.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/s3/s3_driver.hpp>

#include "tests/support/fixed_resolver.hpp"

namespace {

using nlohmann::json;
using namespace ringpull;
using engine::Task;

std::string text(const json& line, const char* name) { return line.value(name, std::string()); }

json refused(const Error& error) {
  return json{{"error", to_string(error.kind())}, {"text", error.message()}};
}

template <class T>
json answer(const Result<T>& result) {
  if (!result) return refused(result.error());
  if constexpr (std::is_void_v<T>) {
    return json{{"ok", true}};
  } else {
    return json{{"ok", *result}};
  }
}

Task<Result<s3::WalkStep>> note(json& paths, std::string skip, const s3::FileInfo& info) {
  paths.push_back(info.is_directory ? info.path + "/" : info.path);
  co_return info.path == skip ? s3::WalkStep::skip_directory : s3::WalkStep::go_on;
}

Task<json> walk(s3::StorageDriver& driver, const json& line) {
  json paths = json::array();
  std::string skip = text(line, "skip");
  s3::WalkVisitor visitor = [&](const s3::FileInfo& info) { return note(paths, skip, info); };
  s3::WalkOptions options;
  options.start_after = text(line, "after");
  if (line.value("components", false)) options.order = s3::WalkOrder::components;
  std::string path = text(line, "path");
  auto walked = co_await driver.walk(path, options, visitor);
  if (!walked) co_return refused(walked.error());
  co_return json{{"ok", paths}};
}

Task<json> remove_files(s3::StorageDriver& driver, const json& line) {
  auto paths = line.at("paths").get<std::vector<std::string>>();
  auto failures = co_await driver.remove_files(paths);
  if (!failures) co_return refused(failures.error());
  json failed = json::array();
  for (const auto& failure : *failures) failed.push_back(failure.path);
  co_return json{{"ok", failed}};
}

Task<json> redirect(s3::StorageDriver& driver, const json& line) {
  s3::RedirectOptions options;
  if (text(line, "method") == "HEAD") options.method = s3::RedirectMethod::head;
  std::string path = text(line, "path");
  auto url = co_await driver.redirect_url(path, options);
  if (!url) co_return refused(url.error());
  co_return json{{"ok", url->value_or("")}};
}

Task<json> perform(s3::StorageDriver& driver, const json& line) {
  std::string what = text(line, "do");
  std::string path = text(line, "path");
  if (what == "stat") {
    auto info = co_await driver.stat(path);
    if (!info) co_return refused(info.error());
    co_return json{{"ok", info->is_directory ? json("directory") : json(info->size_bytes)}};
  }
  if (what == "list") {
    auto paths = co_await driver.list(path);
    co_return answer(paths);
  }
  if (what == "move") {
    std::string to = text(line, "to");
    auto moved = co_await driver.move(path, to);
    co_return answer(moved);
  }
  if (what == "remove") {
    auto removed = co_await driver.remove(path);
    co_return answer(removed);
  }
  if (what == "remove_files") co_return co_await remove_files(driver, line);
  if (what == "walk") co_return co_await walk(driver, line);
  if (what == "redirect") co_return co_await redirect(driver, line);
  co_return json{{"error", "no such call"}, {"text", what}};
}

s3::S3DriverOptions read_options(const json& line) {
  s3::S3DriverOptions options;
  options.bucket = s3::Bucket(text(line, "bucket"));
  options.root_directory = text(line, "root");
  options.copy_threshold_bytes = line.value("copy_threshold", options.copy_threshold_bytes);
  options.copy_chunk_bytes = line.value("copy_chunk", options.copy_chunk_bytes);
  if (line.contains("redirect_endpoint")) {
    auto addressing = text(line, "addressing") == "virtual_host" ? s3::Addressing::virtual_host
                                                                 : s3::Addressing::path;
    options.redirect_endpoint =
        s3::Endpoint::create(text(line, "redirect_endpoint"), s3::Region("us-east-1"), addressing)
            .value();
  }
  return options;
}

Task<void> run() {
  std::string first;
  std::getline(std::cin, first);
  json setup = json::parse(first);
  testing::FixedResolver resolver;
  http::ClientOptions http_options;
  auto http = http::Client::create(http_options, resolver).value();
  s3::StaticCredentialsProvider credentials(
      s3::Credentials(text(setup, "access_key"), s3::Secret(text(setup, "secret"))));
  s3::ClientOptions client_options(
      s3::Endpoint::create(text(setup, "endpoint"), s3::Region("us-east-1"), s3::Addressing::path)
          .value());
  s3::Client client(std::move(client_options), *http, credentials);
  engine::MemoryBudgetOptions budget_options;
  engine::MemoryBudget budget(budget_options);
  engine::BufferPool pool(budget);
  s3::S3DriverOptions options = read_options(setup);
  auto driver = s3::S3Driver::create(options, client, pool).value();
  std::string input;
  while (std::getline(std::cin, input)) {
    json line = json::parse(input);
    json output = co_await perform(*driver, line);
    std::cout << output.dump() << '\n';
  }
}

}  // namespace

int main() {
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  loop->run([] { return run(); });
  return 0;
}
