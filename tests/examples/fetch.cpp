// Fetches a URL into a new file, through two leased blocks whatever its size: fetch URL FILE.
#include <cstdio>

#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/runtime.hpp>
#include <ringpull/http/body_sinks.hpp>

using namespace ringpull;

engine::Task<Result<std::uint64_t>> fetch(std::string from, std::string to,
                                          engine::BufferPool& pool) {
  RINGPULL_CO_TRY(auto url, http::Url::parse(from));
  RINGPULL_CO_TRY(auto resolver, engine::CaresResolver::create());
  RINGPULL_CO_TRY(auto client, http::Client::create(http::ClientOptions(), *resolver));

  http::RequestHead head("GET", url.target());
  RINGPULL_CO_TRY(http::Response response, co_await client->send(url, head));
  if (response.status() != 200) {
    co_await response.finish();  // so that the connection can serve another request
    co_return fail(ErrorKind::protocol, from + " answered " + std::to_string(response.status()));
  }
  engine::OpenOptions create(engine::FileMode::create);
  RINGPULL_CO_TRY(engine::File file, co_await engine::File::open(to, create));
  http::ReadToFileOptions options;
  auto bytes = co_await http::read_to_file(response, file, pool, options);
  co_return bytes;
}

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  engine::MemoryBudget budget;
  engine::BufferPool pool(budget);
  auto runtime = engine::Runtime::create(engine::RuntimeOptions());
  if (!runtime) return std::fprintf(stderr, "%s\n", runtime.error().message().c_str()), 1;
  auto bytes = (*runtime)->run_blocking([&] { return fetch(argv[1], argv[2], pool); });
  if (!bytes) return std::fprintf(stderr, "%s\n", bytes.error().message().c_str()), 1;
  std::printf("%llu bytes\n", static_cast<unsigned long long>(*bytes));
}
