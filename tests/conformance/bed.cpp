#include "tests/conformance/bed.hpp"

#include <chrono>
#include <cstdlib>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/s3/s3_driver.hpp>

#include "tests/support/fixed_resolver.hpp"

namespace ringpull::conformance {

namespace {

std::string setting(const char* name) {
  const char* value = std::getenv((std::string("RINGPULL_CONFORMANCE_") + name).c_str());
  return value == nullptr ? std::string() : std::string(value);
}

engine::TcpListener listen() {
  auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
  return engine::TcpListener::bind(any).value();
}

std::string url_of(const engine::TcpListener& listener) {
  return "http://" + listener.address().to_string();
}

Result<std::unique_ptr<s3::StorageDriver>> make_s3_driver(const DriverParts& parts) {
  s3::S3DriverOptions options;
  options.bucket = parts.bucket;
  options.root_directory = parts.root_directory;
  RINGPULL_TRY(auto driver, s3::S3Driver::create(options, parts.client, parts.pool));
  return std::unique_ptr<s3::StorageDriver>(std::move(driver));
}

}  // namespace

std::optional<ServerAddress> ServerAddress::from_environment() {
  ServerAddress address;
  address.url = setting("ENDPOINT");
  if (address.url.empty()) return std::nullopt;
  address.bucket = s3::Bucket(setting("BUCKET"));
  address.driver = AccessKey(setting("KEY"), setting("SECRET"));
  address.owner = AccessKey(setting("OWNER_KEY"), setting("OWNER_SECRET"));
  return address;
}

bool ServerAddress::has_small_policy() { return !setting("SMALL_POLICY").empty(); }

void PrintTo(const DriverCase& value, std::ostream* out) { *out << value.name; }

std::vector<DriverCase> driver_cases() {
  std::vector<DriverCase> cases;
  cases.emplace_back("NoRoot", "", &make_s3_driver);
  cases.emplace_back("SlashRoot", "/", &make_s3_driver);
  cases.emplace_back("Root", "a/b", &make_s3_driver);
  cases.emplace_back("RootWithSlash", "a/b/", &make_s3_driver);
  return cases;
}

std::string case_name(const ::testing::TestParamInfo<DriverCase>& info) { return info.param.name; }

void Bed::run(Body body) {
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  auto server = ServerAddress::from_environment();
  if (server) {
    address_ = std::move(*server);
    owner_url_ = address_.url;
    loop->run([&] { return run_on_server(body); });
  } else {
    loop->run([&] { return run_on_sandbox(body); });
  }
}

Task<void> Bed::run_on_sandbox(Body body) {
  sandbox::Store store;
  store.keep_zeros(keeps_zeros);
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  EXPECT_TRUE(store.create_bucket(address_.bucket.str(), now));
  sandbox::SandboxOptions options;
  options.credentials = address_.driver.credentials();
  options.etags = etags;
  sandbox::S3Handler handler(std::move(options), store);
  gatekeeper_ = std::make_unique<Gatekeeper>(handler, allowed);
  engine::TcpListener guarded = listen();
  engine::TcpListener open = listen();
  http::ServerOptions server_options;
  http::Server for_driver(guarded, *gatekeeper_, server_options);
  http::Server for_owner(open, handler, server_options);
  address_.url = url_of(guarded);
  owner_url_ = url_of(open);

  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(for_driver.run());
  scope.spawn(for_owner.run());
  co_await run_on_server(body);
  scope.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined) << joined.error().message();
}

Task<void> Bed::run_on_server(Body body) {
  ringpull::testing::FixedResolver resolver;
  http::ClientOptions http_options;
  http_ = http::Client::create(http_options, resolver).value();
  s3::StaticCredentialsProvider driver_key(address_.driver.credentials());
  s3::StaticCredentialsProvider owner_key(address_.owner.credentials());
  client_ = connect(address_.url, driver_key);
  owner_ = connect(owner_url_, owner_key);
  co_await run_with_driver(body);
  client_.reset();
  owner_.reset();
  http_.reset();
}

Task<void> Bed::run_with_driver(Body body) {
  engine::MemoryBudgetOptions budget_options;
  engine::MemoryBudget budget(budget_options);
  pool_ = std::make_unique<engine::BufferPool>(budget);
  driver_ = another_driver();
  auto tested = co_await body(*this);
  EXPECT_TRUE(tested) << tested.error().message();
  auto cleaned = co_await clean();
  EXPECT_TRUE(cleaned) << cleaned.error().message();
  driver_.reset();
  pool_.reset();
  EXPECT_EQ(budget.stats().used_bytes, 0u);
  // So that the next test on the same bucket does not fail for this one.
  auto swept = co_await sweep();
  EXPECT_TRUE(swept) << swept.error().message();
}

Task<Result<void>> Bed::clean() {
  RINGPULL_CO_TRY(auto entries, co_await driver_->list("/"));
  for (const std::string& path : entries) {
    RINGPULL_CO_CHECK(co_await driver_->remove(path));
  }
  RINGPULL_CO_TRY(auto left, co_await driver_->list("/"));
  EXPECT_EQ(left, std::vector<std::string>()) << "files are left";
  RINGPULL_CO_TRY(auto objects, co_await keys());
  EXPECT_EQ(objects, std::vector<std::string>()) << "objects are left";
  RINGPULL_CO_TRY(auto under_way, co_await uploads());
  for (const s3::ListedUpload& upload : under_way) {
    ADD_FAILURE() << "an upload of " << upload.key.str() << " is left";
  }
  co_return Result<void>();
}

Task<Result<void>> Bed::sweep() {
  RINGPULL_CO_TRY(auto objects, co_await keys());
  for (const std::string& name : objects) {
    s3::DeleteObjectOptions request(bucket(), s3::ObjectKey(name));
    RINGPULL_CO_CHECK(co_await owner_->delete_object(request));
  }
  co_return co_await abort_uploads();
}

Task<Result<void>> Bed::abort_uploads() {
  RINGPULL_CO_TRY(auto under_way, co_await uploads());
  for (const s3::ListedUpload& upload : under_way) {
    s3::AbortMultipartUploadOptions request(bucket(), upload.key, upload.upload_id);
    RINGPULL_CO_CHECK(co_await owner_->abort_multipart_upload(request));
  }
  co_return Result<void>();
}

std::unique_ptr<s3::StorageDriver> Bed::another_driver() {
  DriverParts parts(*client_, *pool_, address_.bucket, case_.root_directory);
  auto driver = case_.make(parts);
  EXPECT_TRUE(driver) << driver.error().message();
  return std::move(*driver);
}

std::unique_ptr<s3::Client> Bed::connect(const std::string& url, s3::CredentialsProvider& key) {
  s3::ClientOptions options(s3::Endpoint::create(url, s3::Region("us-east-1")).value());
  // Hashing every byte would be most of what these tests do.
  options.payload_signing = s3::PayloadSigning::never;
  return std::make_unique<s3::Client>(std::move(options), *http_, key);
}

s3::ObjectKey Bed::key(const std::string& path) const {
  return s3::ObjectKey(driver_->object_key(path).value());
}

Task<Result<std::vector<std::string>>> Bed::keys() {
  std::vector<std::string> names;
  s3::ListObjectsV2Options request(bucket());
  while (true) {
    RINGPULL_CO_TRY(auto page, co_await owner_->list_objects_v2(request));
    for (const s3::ListedObject& object : page.objects) names.push_back(object.key.str());
    if (!page.truncated) co_return names;
    request.continuation_token = page.next_continuation_token;
  }
}

Task<Result<std::vector<s3::ListedUpload>>> Bed::uploads() {
  std::vector<s3::ListedUpload> found;
  s3::ListMultipartUploadsOptions request(bucket());
  while (true) {
    RINGPULL_CO_TRY(auto page, co_await owner_->list_multipart_uploads(request));
    found.insert(found.end(), page.uploads.begin(), page.uploads.end());
    if (!page.truncated) co_return found;
    request.key_marker = page.next_key_marker;
    request.upload_id_marker = page.next_upload_id_marker;
  }
}

}  // namespace ringpull::conformance
