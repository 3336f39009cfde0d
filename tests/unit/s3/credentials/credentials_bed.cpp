#include "tests/unit/s3/credentials/credentials_bed.hpp"

#include <fstream>

namespace ringpull::s3::testing {

using engine::Task;
using ringpull::testing::ScriptedPeer;

void CredentialsBed::run(Body body) {
  auto loop = engine::Loop::create(engine::LoopOptions()).value();
  loop->run([&] { return both(body); });
}

Task<void> CredentialsBed::both(Body body) {
  peer = std::make_unique<ScriptedPeer>(ScriptedPeer::create(std::move(scripts)).value());
  http::ClientOptions options;
  http = http::Client::create(options, resolver).value();
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(peer->run());
  co_await body(*this);
  http.reset();
  scope.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  peer.reset();
}

CredentialsServices CredentialsBed::services() {
  CredentialsServices services(*http, *http, resolver);
  services.environment = [this](std::string_view name) -> std::optional<std::string> {
    auto found = environment.find(std::string(name));
    if (found == environment.end()) return std::nullopt;
    return found->second;
  };
  services.clock = [this] { return now; };
  return services;
}

std::string CredentialsBed::file(const std::string& name, const std::string& text) const {
  std::string path = files.file(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string CredentialsBed::head(std::size_t index) const {
  return index < peer->heads().size() ? peer->heads()[index] : std::string();
}

std::string CredentialsBed::line(std::size_t index) const {
  std::string all = head(index);
  return all.substr(0, all.find("\r\n"));
}

std::string answer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string service_document(const std::string& id) {
  return R"({"Code": "Success", "LastUpdated": "2023-11-14T22:00:00Z", "Type": "AWS-HMAC",)"
         R"( "AccessKeyId": ")" +
         id +
         R"(", "SecretAccessKey": "canary-secret", "Token": "canary-token",)"
         R"( "Expiration": "2023-11-14T23:13:20Z"})";
}

void expect_failure(const Result<Credentials>& loaded, ErrorKind kind, std::string_view text) {
  ASSERT_FALSE(loaded) << "keys of " << loaded->source;
  EXPECT_EQ(to_string(loaded.error().kind()), to_string(kind)) << loaded.error().message();
  EXPECT_NE(loaded.error().message().find(text), std::string::npos) << loaded.error().message();
  EXPECT_EQ(loaded.error().message().find(kCanary), std::string::npos) << loaded.error().message();
}

void expect_keys(const Result<Credentials>& loaded, std::string_view id) {
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->access_key_id, id);
  EXPECT_EQ(loaded->secret_access_key.reveal(), "canary-secret");
  EXPECT_EQ(loaded->session_token.reveal(), "canary-token");
  EXPECT_EQ(loaded->expiry, kNow + std::chrono::hours(1));
  EXPECT_EQ(loaded->source.find(kCanary), std::string::npos) << loaded->source;
}

}  // namespace ringpull::s3::testing
