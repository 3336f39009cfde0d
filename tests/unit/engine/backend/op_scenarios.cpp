#include "tests/unit/engine/backend/op_scenarios.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ringpull/engine/address.hpp>
#include <ringpull/engine/fd.hpp>

#include "tests/support/socket_pair.hpp"

namespace ringpull::engine {

namespace {

using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;
using testing::SocketPair;

AssertionResult is_true(bool condition, const std::string& what) {
  if (condition) return AssertionSuccess();
  return AssertionFailure() << what;
}

AssertionResult is(long value, long expected) {
  return is_true(value == expected,
                 std::to_string(value) + " instead of " + std::to_string(expected));
}

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::system_category(), what);
  return result;
}

class Nop final : public OpScenario {
 public:
  Nop(const World&, int) {}
  void describe(Op& op) override { op.code = OpCode::nop; }
  AssertionResult finished(int result) override { return is(result, 0); }
};

template <bool kAll>
class Recv final : public OpScenario {
 public:
  Recv(const World& world, int) : pair_(world.backend) {}
  void describe(Op& op) override {
    op.code = OpCode::recv;
    op.fd = pair_.ours.get();
    op.address = text_.data();
    op.length = static_cast<std::uint32_t>(text_.size());
    op.flags = kAll ? MSG_WAITALL : 0;
    op.poll_first = kAll;
  }
  void let_finish() override {
    pair_.put("hello");
    if (kAll) pair_.put("world");
  }
  AssertionResult finished(int result) override {
    if (result != (kAll ? 10 : 5)) return is(result, kAll ? 10 : 5);
    return is_true(text_.starts_with(kAll ? "helloworld" : "hello"), text_);
  }
  AssertionResult untouched() override { return is_true(text_ == std::string(10, '.'), text_); }

 private:
  SocketPair pair_;
  std::string text_ = std::string(10, '.');
};

enum class Sending { some, all, message };

template <Sending kHow>
class Send final : public OpScenario {
 public:
  Send(const World& world, int) : pair_(world.backend) { pair_.fill(); }
  void describe(Op& op) override {
    op.fd = pair_.ours.get();
    op.flags = kHow == Sending::some ? 0 : MSG_WAITALL;
    if (kHow == Sending::message) {
      pieces_ = {iovec{text_.data(), 10'000}, iovec{text_.data() + 10'000, text_.size() - 10'000}};
      message_.msg_iov = pieces_.data();
      message_.msg_iovlen = pieces_.size();
      op.code = OpCode::sendmsg;
      op.address = &message_;
    } else {
      op.code = OpCode::send;
      op.address = text_.data();
      op.length = static_cast<std::uint32_t>(text_.size());
    }
  }
  void let_finish() override { pair_.drain(); }
  AssertionResult finished(int result) override {
    auto sent = static_cast<int>(text_.size());
    if (kHow == Sending::some) return is_true(result > 0 && result <= sent, std::to_string(result));
    return is(result, sent);
  }

 private:
  SocketPair pair_;
  std::string text_ = std::string(50'000, 's');
  std::array<iovec, 2> pieces_{};
  msghdr message_{};
};

struct Listener {
  Listener(Backend& backend, int backlog) {
    fd = Fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | backend.socket_flags(), 0),
                    "socket"));
    SocketAddress any = SocketAddress::from_ip("127.0.0.1", 0).value();
    checked(::bind(fd.get(), any.get(), any.length()), "bind");
    checked(::listen(fd.get(), backlog), "listen");
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* bound = reinterpret_cast<sockaddr*>(&storage);
    checked(::getsockname(fd.get(), bound, &size), "getsockname");
    address = SocketAddress(bound, size);
  }
  Fd knock() const {
    Fd client(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
    if (::connect(client.get(), address.get(), address.length()) != 0 && errno != EINPROGRESS) {
      checked(-1, "connect");
    }
    return client;
  }
  Fd fd;
  SocketAddress address;
};

class Accept final : public OpScenario {
 public:
  Accept(const World& world, int) : listener_(world.backend, 8) {}
  void describe(Op& op) override {
    op.code = OpCode::accept;
    op.fd = listener_.fd.get();
    op.flags = SOCK_CLOEXEC;
  }
  void let_finish() override { client_ = listener_.knock(); }
  AssertionResult finished(int result) override {
    Fd accepted(result);
    if (result < 0) return AssertionFailure() << result;
    int flags = ::fcntl(result, F_GETFD);
    return is(flags, FD_CLOEXEC);
  }

 private:
  Listener listener_;
  Fd client_;
};

template <bool kPending>
class Connect final : public OpScenario {
 public:
  Connect(const World& world, int) : listener_(world.backend, kPending ? 0 : 8) {
    // A listener whose queue is full answers no further connect.
    if (kPending) {
      for (Fd& client : fillers_) client = listener_.knock();
    }
    int type = SOCK_STREAM | SOCK_CLOEXEC | world.backend.socket_flags();
    socket_ = Fd(checked(::socket(AF_INET, type, 0), "socket"));
  }
  void describe(Op& op) override {
    op.code = OpCode::connect;
    op.fd = socket_.get();
    op.address = listener_.address.get();
    op.length = listener_.address.length();
  }
  AssertionResult finished(int result) override {
    if (result != 0) return is(result, 0);
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    return is(::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&storage), &size), 0);
  }

 private:
  Listener listener_;
  std::array<Fd, 4> fillers_;
  Fd socket_;
};

class Poll final : public OpScenario {
 public:
  Poll(const World&, int) : counter_(checked(::eventfd(0, EFD_CLOEXEC), "eventfd")) {}
  void describe(Op& op) override {
    op.code = OpCode::poll;
    op.fd = counter_.get();
    op.flags = POLLIN;
  }
  void let_finish() override { checked(::eventfd_write(counter_.get(), 1), "eventfd_write"); }
  AssertionResult finished(int result) override { return is(result, POLLIN); }

 private:
  Fd counter_;
};

class ReadCounter final : public OpScenario {
 public:
  ReadCounter(const World&, int) : counter_(checked(::eventfd(0, EFD_CLOEXEC), "eventfd")) {}
  void describe(Op& op) override {
    op.code = OpCode::read;
    op.fd = counter_.get();
    op.address = &value_;
    op.length = sizeof value_;
    op.offset = kCurrentOffset;
  }
  void let_finish() override { checked(::eventfd_write(counter_.get(), 7), "eventfd_write"); }
  AssertionResult finished(int result) override {
    if (result != 8) return is(result, 8);
    return is(static_cast<long>(value_), 7);
  }

 private:
  Fd counter_;
  std::uint64_t value_ = 0;
};

struct Pipe {
  Pipe() {
    std::array<int, 2> fds{};
    checked(::pipe2(fds.data(), O_CLOEXEC), "pipe2");
    read = Fd(fds[0]);
    write = Fd(fds[1]);
  }
  Fd read;
  Fd write;
};

class ReadPipe final : public OpScenario {
 public:
  ReadPipe(const World&, int) {}
  void describe(Op& op) override {
    op.code = OpCode::read;
    op.fd = pipe_.read.get();
    op.address = text_.data();
    op.length = static_cast<std::uint32_t>(text_.size());
    op.offset = kCurrentOffset;
  }
  void let_finish() override {
    checked(static_cast<int>(::write(pipe_.write.get(), "hello", 5)), "write");
  }
  AssertionResult finished(int result) override {
    if (result != 5) return is(result, 5);
    return is_true(text_.starts_with("hello"), text_);
  }

 private:
  Pipe pipe_;
  std::string text_ = std::string(10, '.');
};

class WritePipe final : public OpScenario {
 public:
  WritePipe(const World&, int) {
    checked(::fcntl(pipe_.write.get(), F_SETFL, O_NONBLOCK), "fcntl");
    std::array<char, 4096> bytes{};
    while (::write(pipe_.write.get(), bytes.data(), bytes.size()) > 0) {
    }
    checked(::fcntl(pipe_.write.get(), F_SETFL, 0), "fcntl");
  }
  void describe(Op& op) override {
    op.code = OpCode::write;
    op.fd = pipe_.write.get();
    op.address = text_.data();
    op.length = static_cast<std::uint32_t>(text_.size());
    op.offset = kCurrentOffset;
  }
  void let_finish() override {
    std::array<char, 4096> bytes{};
    pollfd entry{pipe_.read.get(), POLLIN, 0};
    while (::poll(&entry, 1, 0) == 1 && ::read(pipe_.read.get(), bytes.data(), bytes.size()) > 0) {
    }
  }
  AssertionResult finished(int result) override { return is(result, 100); }

 private:
  Pipe pipe_;
  std::string text_ = std::string(100, 'p');
};

class FileScenario : public OpScenario {
 protected:
  FileScenario(const World& world, int number)
      : path_(world.directory + "/" + std::to_string(number)) {
    std::ofstream(path_) << kContent;
    fd_ = Fd(checked(::open(path_.c_str(), O_RDWR | O_CLOEXEC), "open"));
  }
  std::string content() const {
    std::ifstream file(path_);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  bool exists() const { return ::access(path_.c_str(), F_OK) == 0; }

  static constexpr const char* kContent = "0123456789";
  std::string path_;
  Fd fd_;
};

class ReadFile final : public FileScenario {
 public:
  ReadFile(const World& world, int number) : FileScenario(world, number) {}
  void describe(Op& op) override {
    op.code = OpCode::read;
    op.fd = fd_.get();
    op.address = text_.data();
    op.length = static_cast<std::uint32_t>(text_.size());
    op.offset = 4;
  }
  AssertionResult finished(int result) override {
    if (result != 6) return is(result, 6);
    return is_true(text_ == "456789..........", text_);
  }

 private:
  std::string text_ = std::string(16, '.');
};

class WriteFile final : public FileScenario {
 public:
  WriteFile(const World& world, int number) : FileScenario(world, number) {}
  void describe(Op& op) override {
    op.code = OpCode::write;
    op.fd = fd_.get();
    op.address = "abc";
    op.length = 3;
    op.offset = 9;
  }
  AssertionResult finished(int result) override {
    if (result != 3) return is(result, 3);
    return is_true(content() == "012345678abc", content());
  }
  AssertionResult untouched() override { return is_true(content() == kContent, content()); }
};

class Open final : public FileScenario {
 public:
  Open(const World& world, int number) : FileScenario(world, number) {
    checked(::unlink(path_.c_str()), "unlink");
  }
  void describe(Op& op) override {
    op.code = OpCode::open;
    op.address = path_.c_str();
    op.flags = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC;
    op.length = 0600;
  }
  AssertionResult finished(int result) override {
    Fd opened(result);
    if (result < 0) return AssertionFailure() << result;
    struct stat status{};
    checked(::fstat(result, &status), "fstat");
    return is(status.st_mode & 0777, 0600);
  }
  AssertionResult untouched() override { return is_true(!exists(), "the file exists"); }
};

class Close final : public FileScenario {
 public:
  Close(const World& world, int number) : FileScenario(world, number) {}
  void describe(Op& op) override {
    op.code = OpCode::close;
    op.fd = fd_.get();
  }
  AssertionResult finished(int result) override {
    if (result != 0) return is(result, 0);
    int fd = fd_.release();
    return is_true(::fcntl(fd, F_GETFD) == -1, "the descriptor is open");
  }
  AssertionResult untouched() override {
    return is_true(::fcntl(fd_.get(), F_GETFD) != -1, "the descriptor is closed");
  }
};

class Fsync final : public FileScenario {
 public:
  Fsync(const World& world, int number) : FileScenario(world, number), number_(number) {}
  void describe(Op& op) override {
    op.code = OpCode::fsync;
    op.fd = fd_.get();
    op.flags = number_ % 2 == 0 ? 0 : kFsyncDataOnly;
  }
  AssertionResult finished(int result) override { return is(result, 0); }

 private:
  int number_;
};

class Fallocate final : public FileScenario {
 public:
  Fallocate(const World& world, int number) : FileScenario(world, number) {}
  void describe(Op& op) override {
    op.code = OpCode::fallocate;
    op.fd = fd_.get();
    op.offset = 10;
    op.extent = 90;
  }
  AssertionResult finished(int result) override {
    if (result != 0) return is(result, 0);
    return is(static_cast<long>(content().size()), 100);
  }
  AssertionResult untouched() override { return is_true(content() == kContent, content()); }
};

class Truncate final : public FileScenario {
 public:
  Truncate(const World& world, int number) : FileScenario(world, number) {}
  void describe(Op& op) override {
    op.code = OpCode::truncate;
    op.fd = fd_.get();
    op.extent = 3;
  }
  AssertionResult finished(int result) override {
    if (result != 0) return is(result, 0);
    return is_true(content() == "012", content());
  }
  AssertionResult untouched() override { return is_true(content() == kContent, content()); }
};

class Rename final : public FileScenario {
 public:
  Rename(const World& world, int number) : FileScenario(world, number), target_(path_ + ".new") {}
  void describe(Op& op) override {
    op.code = OpCode::rename;
    op.address = path_.c_str();
    op.address2 = target_.data();
  }
  AssertionResult finished(int result) override {
    if (result != 0) return is(result, 0);
    return is_true(!exists() && ::access(target_.c_str(), F_OK) == 0, "not renamed");
  }
  AssertionResult untouched() override { return is_true(exists(), "the file is gone"); }

 private:
  std::string target_;
};

class Unlink final : public FileScenario {
 public:
  Unlink(const World& world, int number) : FileScenario(world, number) {}
  void describe(Op& op) override {
    op.code = OpCode::unlink;
    op.address = path_.c_str();
  }
  AssertionResult finished(int result) override {
    if (result != 0) return is(result, 0);
    return is_true(!exists(), "the file exists");
  }
  AssertionResult untouched() override { return is_true(exists(), "the file is gone"); }
};

class Stat final : public FileScenario {
 public:
  Stat(const World& world, int number) : FileScenario(world, number), by_path_(number % 2 == 0) {}
  void describe(Op& op) override {
    op.code = OpCode::stat;
    op.fd = by_path_ ? -1 : fd_.get();
    op.address = by_path_ ? path_.c_str() : "";
    op.flags = by_path_ ? 0 : AT_EMPTY_PATH;
    op.length = STATX_SIZE;
    op.address2 = &status_;
  }
  AssertionResult finished(int result) override {
    if (result != 0) return is(result, 0);
    return is(static_cast<long>(status_.stx_size), 10);
  }
  AssertionResult untouched() override { return is(static_cast<long>(status_.stx_size), 0); }

 private:
  bool by_path_;
  struct statx status_{};
};

template <class Scenario>
std::unique_ptr<OpScenario> make(const World& world, int number) {
  return std::make_unique<Scenario>(world, number);
}

}  // namespace

const std::vector<ScenarioType>& scenario_types() {
  static const std::vector<ScenarioType> types = {
      {"nop", false, false, &make<Nop>},
      {"recv", true, true, &make<Recv<false>>},
      {"recv_all", true, true, &make<Recv<true>>},
      {"send", true, true, &make<Send<Sending::some>>},
      {"send_all", true, true, &make<Send<Sending::all>>},
      {"sendmsg", true, true, &make<Send<Sending::message>>},
      {"accept", true, true, &make<Accept>},
      {"connect", false, false, &make<Connect<false>>},
      {"connect_unanswered", true, false, &make<Connect<true>>},
      {"poll", true, true, &make<Poll>},
      {"read_counter", true, true, &make<ReadCounter>},
      {"read_pipe", true, true, &make<ReadPipe>},
      {"write_pipe", true, true, &make<WritePipe>},
      {"read_file", false, false, &make<ReadFile>},
      {"write_file", false, false, &make<WriteFile>},
      {"open", false, false, &make<Open>},
      {"close", false, false, &make<Close>},
      {"fsync", false, false, &make<Fsync>},
      {"fallocate", false, false, &make<Fallocate>},
      {"truncate", false, false, &make<Truncate>},
      {"rename", false, false, &make<Rename>},
      {"unlink", false, false, &make<Unlink>},
      {"stat", false, false, &make<Stat>},
  };
  return types;
}

}  // namespace ringpull::engine
