#include "tests/support/client_bed.hpp"

#include <filesystem>

namespace ringpull::testing {

using engine::Task;
using http::RequestHead;
using http::Response;
using http::Url;

std::size_t open_descriptors() {
  std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

void ClientBed::run(Body body) {
  std::size_t before = open_descriptors();
  {
    auto loop = make_loop_on(backend_, engine::LoopOptions());
    loop->run([&] { return both(body); });
  }
  EXPECT_EQ(open_descriptors(), before) << "descriptors were left open";
}

Task<void> ClientBed::both(Body body) {
  peer = std::make_unique<ScriptedPeer>(ScriptedPeer::create(std::move(scripts)).value());
  client = http::Client::create(options, resolver).value();
  engine::Context& context = co_await engine::current_context();
  engine::Scope scope(context);
  scope.spawn(peer->run());
  co_await body(*this);
  client.reset();
  scope.request_stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  peer.reset();
}

Task<Result<std::string>> ClientBed::get(std::string target) { return get(url(target)); }

Task<Result<std::string>> ClientBed::get(Url url) {
  RequestHead head("GET", url.target());
  RINGPULL_CO_TRY(Response response, co_await client->send(url, head));
  RINGPULL_CO_TRY(std::string text, co_await response.read_text(1 << 20));
  co_return text;
}

Task<Result<Response>> ClientBed::open(std::string target) {
  Url address = url(target);
  RequestHead head("GET", target);
  auto response = co_await client->send(address, head);
  co_return response;
}

Task<Result<Response>> ClientBed::put(http::BodySource& body) {
  RequestHead head("PUT", "/o");
  auto response = co_await put(head, body);
  co_return response;
}

Task<Result<Response>> ClientBed::put(RequestHead& head, http::BodySource& body) {
  Url address = url("/o");
  auto response = co_await client->send(address, head, body);
  co_return response;
}

Task<void> until(std::function<bool()> happened) {
  while (!happened()) {
    auto slept = co_await engine::sleep_for(std::chrono::milliseconds(1));
    if (!slept) co_return;
  }
}

}  // namespace ringpull::testing
