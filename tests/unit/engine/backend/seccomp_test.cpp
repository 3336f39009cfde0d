// Under a seccomp filter that refuses io_uring with EPERM, as the default profiles of container
// runtimes do. The filter holds for the rest of the process, so these tests have a program of their
// own.

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <system_error>

#include <ringpull/engine/combinators.hpp>
#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/scope.hpp>
#include <ringpull/engine/tcp.hpp>

namespace ringpull::engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

void refuse_io_uring() {
  constexpr auto kRefuse = SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA);
  std::array filter = {
      sock_filter(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))),
      sock_filter(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 2, 0)),
      sock_filter(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 1, 0)),
      sock_filter(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_register, 0, 1)),
      sock_filter(BPF_STMT(BPF_RET | BPF_K, kRefuse)),
      sock_filter(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)),
  };
  sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    throw std::system_error(errno, std::system_category(), "install a seccomp filter");
  }
}

class Seccomp : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::unsetenv("RINGPULL_BACKEND");
    refuse_io_uring();
  }
};

TEST_F(Seccomp, MakesAutoFallBackToEpollAndSayWhy) {
  auto loop = Loop::create(LoopOptions()).value();
  EXPECT_EQ(loop->backend().kind(), BackendKind::epoll);
  EXPECT_THAT(loop->backend().description(), AllOf(HasSubstr("epoll"), HasSubstr("seccomp")));
}

TEST_F(Seccomp, MakesUringFailWithTheCauseAndTheRemedy) {
  LoopOptions options;
  options.backend.kind = BackendKind::uring;
  auto loop = Loop::create(options);
  ASSERT_FALSE(loop);
  EXPECT_EQ(loop.error().kind(), ErrorKind::unsupported);
  EXPECT_EQ(loop.error().code(), std::error_code(EPERM, std::system_category()));
  EXPECT_THAT(loop.error().message(),
              AllOf(HasSubstr("seccomp"), HasSubstr("profile that allows io_uring_setup"),
                    HasSubstr("RINGPULL_BACKEND=epoll")));
  EXPECT_EQ(loop.error().message().find('\n'), std::string::npos);
}

Task<Result<void>> answer(TcpListener& listener) {
  RINGPULL_CO_TRY(TcpStream stream, co_await listener.accept());
  std::string text(100'000, '\0');
  RINGPULL_CO_CHECK(co_await stream.read_exact(std::as_writable_bytes(std::span(text))));
  RINGPULL_CO_CHECK(co_await stream.write_all(std::as_bytes(std::span(text))));
  co_return Result<void>();
}

Task<Result<std::string>> ask(SocketAddress address) {
  RINGPULL_CO_TRY(TcpStream stream, co_await TcpStream::connect(address));
  std::string text(100'000, 'q');
  RINGPULL_CO_CHECK(co_await stream.write_all(std::as_bytes(std::span(text))));
  std::string reply(text.size(), '\0');
  RINGPULL_CO_CHECK(co_await stream.read_exact(std::as_writable_bytes(std::span(reply))));
  co_return reply;
}

Task<std::string> talk() {
  SocketAddress any = SocketAddress::from_ip("127.0.0.1", 0).value();
  TcpListener listener = TcpListener::bind(any).value();
  auto both = co_await when_all(answer(listener), ask(listener.address()));
  EXPECT_TRUE(both.first);
  co_return both.second.value();
}

TEST_F(Seccomp, LeavesALoopThatWorks) {
  auto loop = Loop::create(LoopOptions()).value();
  EXPECT_EQ(loop->run(talk), std::string(100'000, 'q'));
}

}  // namespace
}  // namespace ringpull::engine
