#include "tests/unit/s3/driver/core/core_bed.hpp"

#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>

#include "tests/support/fixed_resolver.hpp"
#include "tests/support/patience.hpp"

namespace ringpull::testing {

using engine::Task;

namespace {

std::string line_of(const http::RequestHead& head) { return head.method + " " + head.target; }

bool matches(std::string_view pattern, std::string_view line) {
  return !pattern.empty() && line.find(pattern) != std::string_view::npos;
}

constexpr std::size_t kZeros = 64 << 20;

}  // namespace

CannedAnswer error_answer(int status, std::string_view code) {
  return CannedAnswer(status, "<Error><Code>" + std::string(code) + "</Code></Error>");
}

std::string Gate::line(std::size_t index) const {
  return index < requests.size() ? line_of(requests[index]) : std::string();
}

std::size_t Gate::count(std::string_view pattern) const {
  return static_cast<std::size_t>(
      std::count_if(requests.begin(), requests.end(), [&](const http::RequestHead& head) {
        return pattern.empty() || matches(pattern, line_of(head));
      }));
}

std::string Gate::header(std::string_view pattern, std::string_view name) const {
  for (const http::RequestHead& head : requests) {
    if (matches(pattern, line_of(head))) return std::string(head.headers.get(name).value_or("-"));
  }
  return "no such request";
}

/// Does what the request asks for by another connection, so that its answer can be lost.
Task<void> Gate::perform(const http::RequestHead& head) {
  std::string path = head.target.substr(0, head.target.find('?'));
  s3::Bucket bucket("b");
  s3::ObjectKey key(path.substr(3));
  if (head.method == "DELETE") {
    s3::DeleteObjectOptions request(bucket, key);
    auto done = co_await direct_.delete_object(request);
    EXPECT_TRUE(done);
    co_return;
  }
  auto source = head.headers.get("x-amz-copy-source");
  if (head.method == "PUT" && source) {
    s3::CopyObjectOptions request;
    request.source_bucket = bucket;
    request.source_key = s3::ObjectKey(source->substr(3));
    request.bucket = bucket;
    request.key = key;
    auto done = co_await direct_.copy_object(request);
    EXPECT_TRUE(done);
    co_return;
  }
  s3::UploadId id(head.target.substr(head.target.find('=') + 1));
  s3::ListPartsOptions list(bucket, key, id);
  auto parts = co_await direct_.list_parts(list);
  EXPECT_TRUE(parts) << "only DeleteObject, CopyObject and CompleteMultipartUpload can be lost";
  if (!parts) co_return;
  s3::CompleteMultipartUploadOptions request(bucket, key, id);
  for (const auto& part : parts->parts) request.parts.emplace_back(part.number, part.etag);
  auto done = co_await direct_.complete_multipart_upload(request);
  EXPECT_TRUE(done);
}

Task<Result<void>> Gate::handle(http::Exchange& exchange) {
  requests.push_back(exchange.request());
  most_running = std::max(most_running, ++running_);
  auto outcome = co_await answer(exchange);
  --running_;
  co_return outcome;
}

Task<Result<void>> Gate::answer(http::Exchange& exchange) {
  const http::RequestHead& head = exchange.request();
  std::string line = line_of(head);
  if (matches(lose_containing, line)) {
    co_await perform(head);
    exchange.close();
    held.set();
    co_return Result<void>();
  }
  if (matches(hold_containing, line)) {
    held.set();
    engine::Event never;
    auto waited = co_await never.wait();
    co_return waited;
  }
  if (matches(meet_containing, line)) {
    if (++arrived_ == meet) met_.set();
    RINGPULL_CO_CHECK(co_await met_.wait());
  }
  std::optional<CannedAnswer> canned;
  if (script) canned = script(head);
  if (canned) {
    http::ResponseHead response(canned->status);
    auto sent = co_await exchange.respond(response, canned->body);
    co_return sent;
  }
  auto outcome = co_await inner_.handle(exchange);
  co_return outcome;
}

void CoreBed::run(Body body) {
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  loop->run([&] { return serve_and_run(body); });
}

Task<void> CoreBed::serve_and_run(Body body) {
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  EXPECT_TRUE(store.create_bucket("b", now));
  sandbox::SandboxOptions sandbox_options;
  sandbox_options.credentials = s3::Credentials("id", s3::Secret("secret"));
  sandbox_options.etags = etags;
  sandbox::S3Handler handler(std::move(sandbox_options), store);
  auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
  engine::TcpListener front = engine::TcpListener::bind(any).value();
  engine::TcpListener back = engine::TcpListener::bind(any).value();

  FixedResolver resolver;
  http::ClientOptions http_options = ringpull::testing::patient_client_options();
  auto http = http::Client::create(http_options, resolver).value();
  s3::StaticCredentialsProvider credentials(s3::Credentials("id", s3::Secret("secret")));
  s3::Region region("us-east-1");
  url = "http://" + front.address().to_string();
  s3::ClientOptions client_options(s3::Endpoint::create(url, region).value());
  client_options.retry.attempts_max = attempts_max;
  s3::ClientOptions direct_options(
      s3::Endpoint::create("http://" + back.address().to_string(), region).value());
  client = std::make_unique<s3::Client>(std::move(client_options), *http, credentials);
  direct = std::make_unique<s3::Client>(std::move(direct_options), *http, credentials);
  gate = std::make_unique<Gate>(handler, *direct);
  http::ServerOptions server_options = ringpull::testing::patient_server_options();
  http::Server front_server(front, *gate, server_options);
  http::Server back_server(back, handler, server_options);
  engine::MemoryBudgetOptions budget_options;
  engine::MemoryBudget budget(budget_options);
  pool = std::make_unique<engine::BufferPool>(budget);
  core = std::make_unique<s3::driver::Core>(options, *client, *pool);

  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(front_server.run());
  scope.spawn(back_server.run());
  co_await body(*this);
  core.reset();
  client.reset();
  direct.reset();
  http.reset();
  scope.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  gate.reset();
  pool.reset();
}

void CoreBed::add(const std::string& key, std::uint64_t size) {
  sandbox::Object object;
  object.size = size;
  object.etag = store.new_id();
  object.modified = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (size > 0 && !zeros_) zeros_ = sandbox::Segment::in_memory(kZeros).value();
  while (size > 0) {
    auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(size, kZeros));
    object.extents.emplace_back(zeros_, 0, piece);
    size -= piece;
  }
  EXPECT_TRUE(store.put("b", key, std::move(object)));
}

void CoreBed::add_all(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) add(key);
}

bool CoreBed::has(const std::string& key) { return store.find("b")->objects.contains(key); }

std::vector<std::string> CoreBed::keys() {
  std::vector<std::string> names;
  for (const auto& [key, object] : store.find("b")->objects) names.push_back(key);
  return names;
}

Task<Result<void>> stop_when_held(CoreBed& bed, engine::StopSource& source) {
  auto waited = co_await bed.gate->held.wait();
  source.request_stop();
  co_return waited;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace ringpull::testing
