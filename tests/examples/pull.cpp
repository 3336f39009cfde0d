// Reads an object into memory: pull ENDPOINT BUCKET KEY, with the credentials of the environment.
#include <cstdio>
#include <vector>

#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/runtime.hpp>
#include <ringpull/s3/client.hpp>

using namespace ringpull;

engine::Task<Result<std::size_t>> pull(std::string endpoint, s3::GetObjectOptions get) {
  RINGPULL_CO_TRY(auto place, s3::Endpoint::create(endpoint, s3::Region("us-east-1")));
  RINGPULL_CO_TRY(auto keys, s3::environment_credentials());
  RINGPULL_CO_TRY(auto resolver, engine::CaresResolver::create());
  RINGPULL_CO_TRY(auto http, http::Client::create(http::ClientOptions(), *resolver));
  s3::StaticCredentialsProvider provider(std::move(keys));
  s3::Client client(s3::ClientOptions(place), *http, provider);

  s3::HeadObjectOptions head(get.bucket, get.key);
  RINGPULL_CO_TRY(auto info, co_await client.head_object(head));
  std::vector<std::byte> memory(info.size_bytes);
  RINGPULL_CO_TRY(auto got, co_await client.get_object_into(get, memory));
  co_return got.bytes;
}

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  auto runtime = engine::Runtime::create(engine::RuntimeOptions());
  if (!runtime) return std::fprintf(stderr, "%s\n", runtime.error().message().c_str()), 1;
  s3::GetObjectOptions get;
  get.bucket = s3::Bucket(argv[2]);
  get.key = s3::ObjectKey(argv[3]);
  auto bytes = (*runtime)->run_blocking([&] { return pull(argv[1], get); });
  if (!bytes) return std::fprintf(stderr, "%s\n", bytes.error().message().c_str()), 1;
  std::printf("%zu bytes\n", *bytes);
}
