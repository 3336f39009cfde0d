// What a registry answers a pull, on the storage of its configuration file: registry CONFIG PATH
// prints where the client is sent, or what the registry serves itself.
#include <cstdio>

#include <ringpull/cloudfront/open_registry_storage.hpp>
#include <ringpull/engine/runtime.hpp>

using namespace ringpull;

engine::Task<Result<void>> answer(s3::StorageDriver& driver, std::string path) {
  s3::RedirectOptions options;
  RINGPULL_CO_TRY(auto url, co_await driver.redirect_url(path, options));
  if (url) {
    std::printf("%s\n", url->c_str());
    co_return Result<void>();
  }
  RINGPULL_CO_TRY(s3::FileInfo file, co_await driver.stat(path));
  std::printf("%llu bytes\n", static_cast<unsigned long long>(file.size_bytes));
  co_return Result<void>();
}

engine::Task<Result<void>> pull(std::string config, std::string path) {
  cloudfront::OpenRegistryStorageOptions options;
  RINGPULL_CO_TRY(auto storage, co_await cloudfront::open_registry_storage(config, options));
  auto outcome = co_await answer(storage->driver(), path);
  co_await storage->close();
  co_return outcome;
}

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  auto runtime = engine::Runtime::create(engine::RuntimeOptions());
  if (!runtime) return std::fprintf(stderr, "%s\n", runtime.error().message().c_str()), 1;
  auto outcome = (*runtime)->run_blocking([&] { return pull(argv[1], argv[2]); });
  if (!outcome) return std::fprintf(stderr, "%s\n", outcome.error().message().c_str()), 1;
}
