// The library's side of the pairs that run.py measures: the same parts of the same object as the
// floor programs, through the public HTTP client.
//
//   pull get|put|small [options of the floor programs]
//
// `get` fetches ranges straight into the destination, `put` sends parts from the source, and
// `small` fetches the whole (small) object --total-bytes / --size times.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/task.hpp>
#include <ringpull/http/body.hpp>
#include <ringpull/http/client.hpp>
#include <ringpull/http/range.hpp>
#include <ringpull/http/request.hpp>
#include <ringpull/http/url.hpp>

#include "bench/floor/floor_main.hpp"
#include "bench/floor/http.hpp"
#include "bench/floor/meter.hpp"

namespace ringpull::bench {

namespace {

using engine::Task;

/// What the concurrent transfers of one run share.
struct Run {
  Run(const FloorOptions& given, std::span<std::byte> bytes)
      : options(given), memory(bytes), plan(given) {}

  const FloorOptions& options;
  std::span<std::byte> memory;
  PartPlan plan;
  http::Url url;
  http::Client* client = nullptr;

  http::RequestHead request(const char* method, const Part& part) const {
    const std::string& target = options.targets.empty()
                                    ? url.target()
                                    : options.targets[part.index % options.targets.size()];
    http::RequestHead head(method, target);
    for (const std::string& line : options.headers) {
      const std::size_t colon = line.find(": ");
      if (colon == std::string::npos)
        throw std::invalid_argument("a header without \": \": " + line);
      head.headers.add(line.substr(0, colon), line.substr(colon + 2));
    }
    return head;
  }
  std::span<std::byte> bytes_of(const Part& part) const {
    return memory.subspan(part.offset, part.size);
  }
};

/// The server's host is an address: nothing to look up, nothing to measure.
class NumericResolver final : public engine::Resolver {
 public:
  Task<Result<std::vector<engine::SocketAddress>>> resolve(std::string host,
                                                           std::uint16_t port) override {
    RINGPULL_CO_TRY(engine::SocketAddress address, engine::SocketAddress::from_ip(host, port));
    std::vector<engine::SocketAddress> addresses(1, address);
    co_return addresses;
  }
};

Result<void> expect_status(const http::Response& response, int wanted) {
  if (response.status() == wanted) return {};
  return fail(ErrorKind::protocol,
              fmt::format("the server answered {} instead of {}", response.status(), wanted));
}

Task<Result<void>> get_parts(Run& run) {
  Part part;
  while (run.plan.next(part)) {
    http::RequestHead head = run.request("GET", part);
    head.headers.set("Range", fmt::format("bytes={}-{}", part.offset, part.offset + part.size - 1));
    RINGPULL_CO_TRY(http::Response response, co_await run.client->send(run.url, head));
    RINGPULL_CO_CHECK(expect_status(response, 206));
    RINGPULL_CO_CHECK(co_await response.read_exact(run.bytes_of(part)));
  }
  co_return Result<void>();
}

Task<Result<void>> put_parts(Run& run) {
  Part part;
  while (run.plan.next(part)) {
    http::RequestHead head = run.request("PUT", part);
    http::SpanSource body(run.bytes_of(part));
    RINGPULL_CO_TRY(http::Response response, co_await run.client->send(run.url, head, body));
    RINGPULL_CO_CHECK(expect_status(response, 200));
    co_await response.finish();
  }
  co_return Result<void>();
}

Task<Result<void>> get_whole_objects(Run& run) {
  Part part;
  while (run.plan.next(part)) {
    http::RequestHead head = run.request("GET", part);
    RINGPULL_CO_TRY(http::Response response, co_await run.client->send(run.url, head));
    RINGPULL_CO_CHECK(expect_status(response, 200));
    RINGPULL_CO_CHECK(co_await response.read_exact(run.bytes_of(part)));
  }
  co_return Result<void>();
}

using Transfer = Task<Result<void>> (*)(Run&);

Task<Result<void>> run_all(Run& run, Transfer transfer) {
  RINGPULL_CO_TRY(run.url, http::Url::parse(run.options.url));

  NumericResolver resolver;
  http::ClientOptions options;
  options.connections_per_origin_max = run.options.connections;
  options.tls.ca_file = run.options.ca_file;
  options.tls.skip_verify = run.options.ca_file.empty();
  RINGPULL_CO_TRY(auto client, http::Client::create(options, resolver));
  run.client = client.get();

  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  for (unsigned i = 0; i < run.options.connections; ++i) scope.spawn(transfer(run));
  auto outcome = co_await scope.join();
  co_return outcome;
}

void measure(const FloorOptions& options, PrefaultedMemory& memory, Transfer transfer,
             FloorResult& result) {
  const Meter meter;
  Run run(options, memory.bytes());
  auto loop = engine::Loop::create(engine::LoopOptions());
  if (!loop) throw std::runtime_error(std::string(loop.error().message()));
  const Result<void> outcome = (*loop)->run([&] { return run_all(run, transfer); });
  if (!outcome) throw std::runtime_error(std::string(outcome.error().message()));
  store_usage(meter, run.plan.total_bytes(), (*loop)->backend().stats().enters, result);
}

void get(const FloorOptions& options, FloorResult& result) {
  PrefaultedMemory destination(options.size);
  measure(options, destination, get_parts, result);
  expect_object(options, destination.bytes());
}

void put(const FloorOptions& options, FloorResult& result) {
  PrefaultedMemory source(options.size);
  load_object(options, source);
  measure(options, source, put_parts, result);
}

void small(const FloorOptions& given, FloorResult& result) {
  FloorOptions options = given;
  options.part_size = options.size;
  PrefaultedMemory destination(options.size);
  measure(options, destination, get_whole_objects, result);
  expect_object(options, destination.bytes());
}

}  // namespace

}  // namespace ringpull::bench

int main(int argc, char** argv) {
  using namespace ringpull::bench;
  const std::string_view command = argc > 1 ? argv[1] : "";
  const auto run = [&](const char* name, FloorProgram program) {
    return floor_main(argc - 1, argv + 1, name, program);
  };
  if (command == "get") {
    return run("pull get", [](const FloorOptions& options, FloorResult& result) {
      return report_errors(result, get, options);
    });
  }
  if (command == "put") {
    return run("pull put", [](const FloorOptions& options, FloorResult& result) {
      return report_errors(result, put, options);
    });
  }
  if (command == "small") {
    return run("pull small", [](const FloorOptions& options, FloorResult& result) {
      return report_errors(result, small, options);
    });
  }
  fmt::print(stderr, "usage: pull get|put|small [options]\n");
  return 2;
}
