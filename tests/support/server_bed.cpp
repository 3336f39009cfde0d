#include "tests/support/server_bed.hpp"

#include <array>
#include <vector>

#include "tests/support/client_bed.hpp"

namespace ringpull::testing {

using engine::Task;
using http::ConstBytes;
using http::Exchange;
using http::ResponseHead;

namespace {

Task<Result<std::string>> read_body(Exchange& exchange) {
  std::string body;
  std::array<char, 1000> piece;
  while (true) {
    auto space = std::as_writable_bytes(std::span(piece));
    RINGPULL_CO_TRY(std::size_t count, co_await exchange.read_some(space));
    if (count == 0) co_return body;
    body.append(piece.data(), count);
  }
}

Task<Result<void>> answer(Exchange& exchange, std::string body) {
  ResponseHead head(200);
  co_return co_await exchange.respond(head, std::string_view(body));
}

Task<Result<void>> answer_in_pieces(Exchange& exchange) {
  std::vector<std::string> texts;
  for (int i = 0; i < 30; ++i) texts.push_back(std::to_string(i));
  std::vector<ConstBytes> pieces;
  for (const std::string& text : texts) pieces.push_back(std::as_bytes(std::span(text)));
  ResponseHead head(200);
  co_return co_await exchange.respond(head, pieces);
}

Task<Result<void>> answer_in_chunks(Exchange& exchange, bool whole) {
  ResponseHead head(200);
  RINGPULL_CO_CHECK(co_await exchange.begin_chunked(head));
  RINGPULL_CO_CHECK(co_await exchange.write_chunk(std::as_bytes(std::span("one", 3))));
  RINGPULL_CO_CHECK(co_await exchange.write_chunk(std::as_bytes(std::span("two", 3))));
  if (!whole) co_return Result<void>();
  co_return co_await exchange.end_chunked();
}

Task<Result<void>> answer_wrongly(Exchange& exchange) {
  ResponseHead head(200);
  head.headers.add("Content-Length", "4");
  auto answered = co_await exchange.respond(head, std::string_view("hello"));
  std::string kind = answered ? "sent" : std::string(to_string(answered.error().kind()));
  co_return co_await answer(exchange, std::move(kind));
}

}  // namespace

Task<Result<void>> DemoHandler::handle(Exchange& exchange) {
  ++handled;
  auto outcome = co_await dispatch(exchange);
  ++ended;
  co_return outcome;
}

Task<Result<void>> DemoHandler::dispatch(Exchange& exchange) {
  const std::string path = exchange.request().target;
  if (path == "/hello") co_return co_await answer(exchange, "hello");
  if (path == "/ignore") co_return co_await answer(exchange, "ignored");
  if (path == "/pieces") co_return co_await answer_in_pieces(exchange);
  if (path == "/chunks") co_return co_await answer_in_chunks(exchange, true);
  if (path == "/cut") co_return co_await answer_in_chunks(exchange, false);
  if (path == "/lying") co_return co_await answer_wrongly(exchange);
  if (path == "/large") co_return co_await answer(exchange, std::string(kLargeBytes, 'x'));
  if (path == "/error") co_return fail(ErrorKind::io, "the handler failed");
  if (path == "/none") co_return Result<void>();
  if (path == "/close") {
    exchange.close();
    co_return co_await answer(exchange, "closed");
  }
  if (path == "/wait") co_return co_await engine::sleep_until(engine::Deadline::never());
  if (path == "/echo" || path == "/size") {
    RINGPULL_CO_TRY(std::string body, co_await read_body(exchange));
    if (path == "/size") body = std::to_string(body.size());
    co_return co_await answer(exchange, std::move(body));
  }
  ResponseHead head(path == "/204" ? 204 : path == "/304" ? 304 : 404);
  co_return co_await exchange.respond(head, std::string_view("no such path"));
}

void ServerBed::run(Body body) {
  std::size_t before = open_descriptors();
  {
    auto loop = make_loop_on(backend_, engine::LoopOptions());
    loop->run([&] { return both(body); });
  }
  EXPECT_EQ(open_descriptors(), before) << "descriptors were left open";
}

Task<void> ServerBed::both(Body body) {
  auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
  listener_ = engine::TcpListener::bind(any).value();
  std::optional<http::TlsServerContext> context;
  if (tls) {
    context.emplace(http::TlsServerContext::create(*tls).value());
    options.tls = &*context;
  }
  http::Server server(listener_, handler, options);
  engine::Context& outer = co_await engine::current_context();
  engine::Scope scope(outer);
  scope.spawn(serve(server));
  co_await body(*this);
  stop();
  auto joined = co_await scope.join();
  EXPECT_TRUE(joined);
  listener_.close();
}

Task<void> ServerBed::serve(http::Server& server) {
  auto outcome = co_await engine::with_stop(stop_, server.run());
  EXPECT_TRUE(outcome) << outcome.error().message();
}

Task<engine::TcpStream> ServerBed::connect() {
  auto stream = co_await engine::TcpStream::connect(address());
  co_return std::move(stream.value());
}

Task<std::string> ServerBed::talk(std::string request) {
  engine::TcpStream stream = co_await connect();
  auto sent = co_await stream.write_all(std::as_bytes(std::span(request)));
  EXPECT_TRUE(sent);
  stream.shutdown_write();
  std::string answer = co_await read_to_end_of(stream);
  co_return without_dates(std::move(answer));
}

Task<std::string> read_to_end_of(engine::TcpStream& stream) {
  std::string text;
  std::vector<char> piece(64 * 1024);
  while (true) {
    auto count = co_await stream.read_some(std::as_writable_bytes(std::span(piece)));
    if (!count || *count == 0) co_return text;
    text.append(piece.data(), *count);
  }
}

Task<std::string> read_bytes_of(engine::TcpStream& stream, std::size_t size) {
  std::string text(size, '\0');
  auto read = co_await stream.read_exact(std::as_writable_bytes(std::span(text)));
  EXPECT_TRUE(read) << read.error().message();
  co_return text;
}

std::string without_dates(std::string text) {
  constexpr std::string_view kName = "Date: ";
  for (std::size_t at = text.find(kName); at != std::string::npos; at = text.find(kName)) {
    text.erase(at, text.find("\r\n", at) + 2 - at);
  }
  return text;
}

}  // namespace ringpull::testing
