// TLS against the openssl program: its s_server for our client, its s_client for our server.
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "tests/support/tls_pair.hpp"

namespace ringpull::http {
namespace {

using engine::Task;
using test::failure_of;
using test::gives;
using test::read_text;
using test::succeeds;
using test::TemporaryFile;
using test::TlsPair;
using test::write_text;
using testing::HasSubstr;

/// A running openssl whose input and output are ours; killed at the end.
class OpensslProgram {
 public:
  explicit OpensslProgram(std::vector<std::string> arguments) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) fail_with("pipe2");
    input_ = engine::Fd(in[1]);
    output_ = engine::Fd(out[0]);
    const engine::Fd child_in(in[0]);
    const engine::Fd child_out(out[1]);
    arguments.insert(arguments.begin(), "openssl");
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    process_ = ::fork();
    if (process_ < 0) fail_with("fork");
    if (process_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // not to outlive a test that crashes
    ::dup2(child_in.get(), STDIN_FILENO);
    ::dup2(child_out.get(), STDOUT_FILENO);
    ::dup2(child_out.get(), STDERR_FILENO);
    ::execvp(raw.front(), raw.data());
    ::_exit(127);
  }
  ~OpensslProgram() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  OpensslProgram(const OpensslProgram&) = delete;
  OpensslProgram& operator=(const OpensslProgram&) = delete;

  void type(const std::string& text) const {
    if (::write(input_.get(), text.data(), text.size()) < 0) fail_with("write");
  }
  /// Waits until the output contains `text`, and forgets everything up to its end.
  void wait_for(const std::string& text) {
    while (printed_.find(text) == std::string::npos) read_more(text);
    printed_.erase(0, printed_.find(text) + text.size());
  }
  /// The rest of the line behind what was waited for.
  std::string rest_of_line() {
    while (printed_.find('\n') == std::string::npos) read_more("the end of a line");
    return printed_.substr(0, printed_.find('\n'));
  }

 private:
  void read_more(const std::string& wanted) {
    char buffer[4096];
    const ssize_t count = ::read(output_.get(), buffer, sizeof buffer);
    if (count <= 0) {
      throw std::runtime_error("openssl ended without '" + wanted + "': " + printed_);
    }
    printed_.append(buffer, static_cast<std::size_t>(count));
  }
  [[noreturn]] static void fail_with(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
  }
  pid_t process_ = -1;
  engine::Fd input_;
  engine::Fd output_;
  std::string printed_;
};

/// openssl s_server with the certificate of a pair, on a port of its own.
class Server {
 public:
  Server(const TlsPair& pair, const std::vector<std::string>& options)
      : certificate_(pair.server_options.certificate_pem), key_(pair.server_options.key_pem) {
    std::vector<std::string> arguments{"s_server",          "-accept", "127.0.0.1:0", "-cert",
                                       certificate_.path(), "-key",    key_.path()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    program_ = std::make_unique<OpensslProgram>(std::move(arguments));
    program_->wait_for("ACCEPT 127.0.0.1:");
    port_ = static_cast<std::uint16_t>(std::stoi(program_->rest_of_line()));
  }
  OpensslProgram& program() { return *program_; }
  std::uint16_t port() const { return port_; }

 private:
  TemporaryFile certificate_;
  TemporaryFile key_;
  std::unique_ptr<OpensslProgram> program_;
  std::uint16_t port_ = 0;
};

Task<Result<TlsStream>> connect(std::uint16_t port, TlsClientContext& context) {
  auto address = engine::SocketAddress::from_ip("127.0.0.1", port).value();
  RINGPULL_CO_TRY(engine::TcpStream tcp, co_await engine::TcpStream::connect(address));
  std::string host = "localhost";
  auto stream = co_await TlsStream::connect(std::move(tcp), context, std::move(host), port);
  co_return stream;
}

/// `-rev` sends each line back reversed.
Task<Result<std::string>> reversed(TlsStream& stream, std::string line) {
  RINGPULL_CO_CHECK(co_await write_text(stream, line + "\n"));
  RINGPULL_CO_TRY(std::string answer, co_await read_text(stream, line.size() + 1));
  co_return answer;
}

Task<void> talk(const Server& server, TlsClientContext& client, std::string version) {
  auto stream = co_await connect(server.port(), client);
  EXPECT_TRUE(succeeds(stream));
  if (!stream) co_return;
  EXPECT_EQ(stream->info().version, version);
  EXPECT_EQ(stream->info().alpn, "");
  auto answer = co_await reversed(*stream, "abcdef");
  EXPECT_TRUE(gives(answer, std::string("fedcba\n")));
  co_await stream->close();
}

TEST(TlsInterop, TalksToAServerOfEachVersion) {
  const TlsPair pair;
  for (const auto& [option, version] :
       {std::pair("-tls1_3", "TLSv1.3"), std::pair("-tls1_2", "TLSv1.2")}) {
    const Server server(pair, {"-rev", option});
    auto client = pair.client();
    RINGPULL_RUN([&] { return talk(server, client, version); });
  }
}

Task<void> expect_failure(const Server& server, TlsClientContext& client, TlsFailure failure) {
  auto stream = co_await connect(server.port(), client);
  EXPECT_FALSE(stream);
  EXPECT_EQ(failure_of(stream), failure);
  if (stream) co_return;
  EXPECT_THAT(stream.error().message(), HasSubstr("localhost:"));
}

TEST(TlsInterop, RefusesAServerOfAnOldVersion) {
  const TlsPair pair;
  for (const char* option : {"-tls1", "-tls1_1"}) {
    const Server server(pair, {"-rev", option, "-cipher", "DEFAULT:@SECLEVEL=0"});
    auto client = pair.client();
    RINGPULL_RUN([&] { return expect_failure(server, client, TlsFailure::protocol_version); });
  }
}

TEST(TlsInterop, RefusesAServerThatItDoesNotTrust) {
  const TlsPair pair;
  const TlsPair stranger;
  const Server server(stranger, {"-rev"});
  auto client = pair.client();
  RINGPULL_RUN([&] { return expect_failure(server, client, TlsFailure::issuer_missing); });
}

Task<void> resume(const Server& server, TlsClientContext& client) {
  for (bool expected : {false, true, true}) {
    auto stream = co_await connect(server.port(), client);
    EXPECT_TRUE(succeeds(stream));
    if (!stream) co_return;
    EXPECT_EQ(stream->info().resumed, expected);
    auto answer = co_await reversed(*stream, "ticket");
    EXPECT_TRUE(gives(answer, std::string("tekcit\n")));
    co_await stream->close();
  }
}
TEST(TlsInterop, ResumesASession) {
  const TlsPair pair;
  for (const char* option : {"-tls1_3", "-tls1_2"}) {
    const Server server(pair, {"-rev", option});
    auto client = pair.client();
    RINGPULL_RUN([&] { return resume(server, client); });
  }
}

Task<Result<std::string>> ask_with_certificate(const Server& server, TlsClientContext& client) {
  RINGPULL_CO_TRY(TlsStream stream, co_await connect(server.port(), client));
  auto answer = co_await reversed(stream, "mutual");
  co_return answer;
}

TEST(TlsInterop, ShowsItsCertificateOrSaysThatOneIsWanted) {
  TlsPair pair;
  const auto own = pair.authority().issue(test::server("DNS:client"));
  const TemporaryFile certificate(own.pem());
  const TemporaryFile key(own.key_pem());
  for (const char* option : {"-tls1_3", "-tls1_2"}) {
    const Server server(pair, {"-rev", option, "-Verify", "1", "-verify_return_error", "-CAfile",
                               pair.client_options.ca_file});
    TlsClientOptions options = pair.client_options;
    auto without = TlsClientContext::create(options).value();
    auto loop = test::make_loop();
    auto refused = loop->run([&] { return ask_with_certificate(server, without); });
    EXPECT_EQ(failure_of(refused), TlsFailure::client_certificate_required) << option;
    options.certificate_file = certificate.path();
    options.key_file = key.path();
    auto with = TlsClientContext::create(options).value();
    auto accepted = loop->run([&] { return ask_with_certificate(server, with); });
    EXPECT_TRUE(gives(accepted, std::string("lautum\n"))) << option;
  }
}

// What is typed goes to the other end, but a "K" at the start of what is read at a time asks for a
// KeyUpdate and swallows the rest of it: hence the waits. `-msg` prints the messages.
constexpr const char* kKeyUpdateSent = ">>> TLS 1.3, Handshake [length 0005], KeyUpdate";
constexpr const char* kKeyUpdateReceived = "<<< TLS 1.3, Handshake [length 0005], KeyUpdate";

Task<void> key_update(Server& server, TlsClientContext& client) {
  auto stream = co_await connect(server.port(), client);
  EXPECT_TRUE(succeeds(stream));
  if (!stream) co_return;
  for (int i = 0; i < 3; ++i) {
    server.program().type("K\n");
    server.program().wait_for(kKeyUpdateSent);
    server.program().type("down\n");
    auto down = co_await read_text(*stream, 5);
    EXPECT_TRUE(gives(down, std::string("down\n")));
    const std::string up = "up " + std::to_string(i) + "\n";
    auto sent = co_await write_text(*stream, up);
    EXPECT_TRUE(succeeds(sent));
    server.program().wait_for(kKeyUpdateReceived);
    server.program().wait_for(up);
  }
}
TEST(TlsInterop, FollowsAndAnswersKeyUpdatesOfAServer) {
  const TlsPair pair;
  Server server(pair, {"-tls1_3", "-msg"});
  auto client = pair.client();
  RINGPULL_RUN([&] { return key_update(server, client); });
}

// Our server.

Task<void> serve_client(engine::TcpListener& listener, TlsServerContext& context,
                        OpensslProgram& client, bool update_keys, std::string alpn) {
  auto tcp = co_await listener.accept();
  EXPECT_TRUE(succeeds(tcp));
  if (!tcp) co_return;
  auto stream = co_await TlsStream::accept(std::move(*tcp), context);
  EXPECT_TRUE(succeeds(stream));
  if (!stream) co_return;
  EXPECT_EQ(stream->info().alpn, alpn);
  client.wait_for("Verify return code: 0 (ok)");
  for (int i = 0; i < 3; ++i) {
    if (update_keys) {
      client.type("K\n");
      client.wait_for("KEYUPDATE");
    }
    const std::string up = "up " + std::to_string(i) + "\n";
    client.type(up);
    auto read = co_await read_text(*stream, up.size());
    EXPECT_TRUE(gives(read, up));
    const std::string down = "down " + std::to_string(i) + "\n";
    auto sent = co_await write_text(*stream, down);
    EXPECT_TRUE(succeeds(sent));
    if (update_keys) client.wait_for(kKeyUpdateReceived);
    client.wait_for(down);
  }
  co_await stream->close();
}

Task<void> serve(const TlsPair& pair, std::vector<std::string> options, bool update_keys,
                 std::string alpn) {
  auto any = engine::SocketAddress::from_ip("127.0.0.1", 0).value();
  auto listener = engine::TcpListener::bind(any).value();
  auto context = pair.server();
  std::vector<std::string> arguments{"s_client",
                                     "-connect",
                                     listener.address().to_string(),
                                     "-servername",
                                     "localhost",
                                     "-verify_hostname",
                                     "localhost",
                                     "-verify_return_error",
                                     "-CAfile",
                                     pair.client_options.ca_file};
  arguments.insert(arguments.end(), options.begin(), options.end());
  OpensslProgram client(std::move(arguments));
  co_await serve_client(listener, context, client, update_keys, std::move(alpn));
}

TEST(TlsInterop, ServesAClientOfEachVersion) {
  const TlsPair pair;
  for (const char* option : {"-tls1_3", "-tls1_2"}) {
    RINGPULL_RUN([&] { return serve(pair, {option}, false, ""); });
  }
}
TEST(TlsInterop, ServesAClientThatOffersHttp11BesideHttp2) {
  const TlsPair pair;
  RINGPULL_RUN([&] { return serve(pair, {"-alpn", "h2,http/1.1"}, false, "http/1.1"); });
}
TEST(TlsInterop, FollowsAndAnswersKeyUpdatesOfAClient) {
  const TlsPair pair;
  RINGPULL_RUN([&] { return serve(pair, {"-tls1_3", "-msg"}, true, ""); });
}

}  // namespace
}  // namespace ringpull::http
