// A driver made of parameters alone, against the sandbox in the same loop.
#include <algorithm>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/http/server.hpp>
#include <ringpull/s3/open_s3_driver.hpp>

#include "tests/support/patience.hpp"
#include "tools/sandbox/s3_handler.hpp"

namespace ringpull::s3 {
namespace {

using engine::Task;
using Values = std::map<std::string, std::string>;
using Opened = std::unique_ptr<OpenedS3Driver>;

/// Keeps the heads of requests.
class Witness final : public http::Handler {
 public:
  explicit Witness(http::Handler& inner) noexcept : inner_(inner) {}
  std::vector<http::RequestHead> heads;

  Task<Result<void>> handle(http::Exchange& exchange) override {
    heads.push_back(exchange.request());
    auto outcome = co_await inner_.handle(exchange);
    co_return outcome;
  }

 private:
  http::Handler& inner_;
};

EnvironmentLookup environment(Values values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    auto found = values.find(std::string(name));
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

class Bed {
 public:
  std::unique_ptr<Witness> witness;
  std::string url;

  using Body = Task<void> (*)(Bed&);
  void run(Body body) {
    auto loop = engine::Loop::create(engine::LoopOptions()).value();
    loop->run([&] { return both(body); });
  }

  /// Of a bucket here, with a key, and what a test adds or takes away by an empty value.
  S3DriverParameters parameters(const Values& more) const {
    Values values = {
        {"regionendpoint", url}, {"bucket", "b"}, {"accesskey", "id"}, {"secretkey", "secret"}};
    for (const auto& [name, text] : more) values[name] = text;
    ParameterMap map;
    for (const auto& [name, text] : values) map[name] = ParameterText(text, "test");
    return read_s3_driver_parameters(map, environment({})).value();
  }
  Opened open(const Values& more, Values variables = {}) const {
    OpenS3DriverOptions options;
    options.environment = environment(std::move(variables));
    return open_s3_driver(parameters(more), options).value();
  }

 private:
  Task<void> both(Body body) {
    sandbox::Store store;
    auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    EXPECT_TRUE(store.create_bucket("b", now));
    sandbox::SandboxOptions sandbox_options;
    sandbox_options.credentials = Credentials("id", Secret("secret"));
    sandbox::S3Handler handler(std::move(sandbox_options), store);
    witness = std::make_unique<Witness>(handler);
    auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
    engine::TcpListener listener = engine::TcpListener::bind(any).value();
    http::ServerOptions server_options = ringpull::testing::patient_server_options();
    http::Server server(listener, *witness, server_options);
    url = "http://" + listener.address().to_string();
    engine::Context& context = co_await engine::current_context();
    engine::Scope scope(context);
    scope.spawn(server.run());
    co_await body(*this);
    scope.request_stop();
    auto joined = co_await scope.join();
    EXPECT_TRUE(joined);
  }
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

TEST(OpenS3Driver, WorksFromParametersAlone) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Opened opened = b.open({{"rootdirectory", "root"}});
    S3Driver& driver = opened->driver();
    auto put = co_await driver.put_content("/a/b", bytes_of("hello"));
    EXPECT_TRUE(put) << put.error().message();
    auto content = co_await driver.get_content("/a/b", 100);
    EXPECT_TRUE(content) << content.error().message();
    EXPECT_EQ(content->text(), "hello");
    auto info = co_await driver.stat("/a/b");
    EXPECT_EQ(info->size_bytes, 5u);
    EXPECT_EQ(opened->refreshing_credentials(), nullptr);
    EXPECT_EQ(b.witness->heads.at(0).target, "/b/root/a/b");
    EXPECT_EQ(b.witness->heads.at(0).headers.get("User-Agent"), "ringpull");
    co_await opened->close();
  });
}

TEST(OpenS3Driver, SendsWhatTheParametersSayObjectsAre) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Opened opened = b.open({{"storageclass", "STANDARD_IA"},
                            {"objectacl", "public-read"},
                            {"useragent", "registry/3"}});
    auto put = co_await opened->driver().put_content("/a", bytes_of("x"));
    EXPECT_TRUE(put) << put.error().message();
    const http::Headers& with = b.witness->heads.at(0).headers;
    EXPECT_EQ(with.get("x-amz-storage-class"), "STANDARD_IA");
    EXPECT_EQ(with.get("x-amz-acl"), "public-read");
    EXPECT_EQ(with.get("User-Agent"), "ringpull registry/3");
    co_await opened->close();

    opened = b.open({{"storageclass", "NONE"}, {"objectacl", "none"}, {"keyid", "unused"}});
    put = co_await opened->driver().put_content("/a", bytes_of("x"));
    EXPECT_TRUE(put) << put.error().message();
    const http::Headers& without = b.witness->heads.back().headers;
    for (const char* name : {"x-amz-storage-class", "x-amz-acl", "x-amz-server-side-encryption",
                             "x-amz-server-side-encryption-aws-kms-key-id"}) {
      EXPECT_FALSE(without.contains(name)) << name;
    }
    co_await opened->close();
  });
}

TEST(OpenS3Driver, TakesTheKeyOfTheEnvironmentWhereNoneIsConfigured) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Opened opened = b.open({{"accesskey", ""}, {"secretkey", ""}},
                           {{"AWS_ACCESS_KEY_ID", "id"}, {"AWS_SECRET_ACCESS_KEY", "secret"}});
    auto put = co_await opened->driver().put_content("/a", bytes_of("x"));
    EXPECT_TRUE(put) << put.error().message();
    EXPECT_EQ(opened->refreshing_credentials()->status().source, "environment");
    co_await opened->close();
  });
}

TEST(OpenS3Driver, WithoutCredentialsTheFirstRequestSaysWhereTheyWereLookedFor) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Opened opened =
        b.open({{"accesskey", ""}, {"secretkey", ""}}, {{"AWS_EC2_METADATA_DISABLED", "true"}});
    auto put = co_await opened->driver().put_content("/a", bytes_of("x"));
    EXPECT_FALSE(put);
    EXPECT_EQ(put.error().kind(), ErrorKind::unauthenticated) << put.error().message();
    EXPECT_NE(put.error().message().find("AWS_ACCESS_KEY_ID"), std::string::npos)
        << put.error().message();
    EXPECT_TRUE(b.witness->heads.empty());
    co_await opened->close();
  });
}

TEST(OpenS3Driver, RedirectsNameThePublicEndpoint) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    Opened opened = b.open({{"redirectendpoint", "https://cdn.example.com"}});
    RedirectOptions options;
    auto url = co_await opened->driver().redirect_url("/a", options);
    EXPECT_TRUE(url) << url.error().message();
    EXPECT_TRUE(url->value().starts_with("https://cdn.example.com/b/a?")) << url->value();
    co_await opened->close();
  });
}

TEST(OpenS3Driver, DriversMayShareOneBudget) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    engine::MemoryBudgetOptions limit;
    limit.limit_bytes = std::size_t{64} << 20;
    engine::MemoryBudget budget(limit);
    OpenS3DriverOptions options;
    options.budget = &budget;
    auto first = open_s3_driver(b.parameters({}), options).value();
    auto second = open_s3_driver(b.parameters({}), options).value();
    EXPECT_EQ(&first->budget(), &second->budget());
    Opened own = b.open({{"memorybudget", "32MiB"}});
    EXPECT_EQ(own->budget().limit_bytes(), 32u << 20);
    co_await first->close();
    co_await second->close();
    co_await own->close();
  });
}

TEST(OpenS3Driver, AnAuthoritiesFileThatIsNotThereIsRefused) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    OpenS3DriverOptions options;
    options.environment = environment({{"AWS_CA_BUNDLE", "/does/not/exist.pem"}});
    auto opened = open_s3_driver(b.parameters({}), options);
    EXPECT_FALSE(opened);
    EXPECT_EQ(opened.error().kind(), ErrorKind::tls) << opened.error().message();
    co_return;
  });
}

TEST(OpenS3Driver, WritesItsRequestLogWhereItIsTold) {
  Bed bed;
  bed.run([](Bed& b) -> Task<void> {
    std::vector<std::string> records;
    OpenS3DriverOptions options;
    options.environment = environment({});
    options.log = [&records](std::string_view record) { records.emplace_back(record); };
    for (const char* level : {"off", "debug"}) {
      Opened opened = open_s3_driver(b.parameters({{"loglevel", level}}), options).value();
      auto put = co_await opened->driver().put_content("/a", bytes_of("hello"));
      EXPECT_TRUE(put) << put.error().message();
      co_await opened->close();
    }
    EXPECT_EQ(records.size(), 1u);
    EXPECT_TRUE(records.at(0).starts_with("PUT " + b.url + "/b/a 200 in ")) << records.at(0);
  });
}

TEST(OpenS3Driver, WritesItsRequestLogToStandardErrorByItself) {
  Bed bed;
  ::testing::internal::CaptureStderr();
  bed.run([](Bed& b) -> Task<void> {
    Opened opened = b.open({{"loglevel", "debug"}});
    auto put = co_await opened->driver().put_content("/a", bytes_of("hello"));
    EXPECT_TRUE(put) << put.error().message();
    co_await opened->close();
  });
  std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(written.starts_with("s3: PUT http://")) << written;
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 1) << written;
}

}  // namespace
}  // namespace ringpull::s3
