#include "engine/src/backend/epoll_backend.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <ringpull/engine/assert.hpp>

#include "engine/src/backend/file_ops.hpp"
#include "engine/src/backend/ready_ops.hpp"

namespace ringpull::inline v0::engine {

namespace {

constexpr std::uint64_t kWakeup =
    ~std::uint64_t{0};                       // epoll data of our eventfd; else a descriptor
constexpr std::size_t kEventsPerCall = 256;  // 3 KiB of stack; more come with the next turn

}  // namespace

Result<std::unique_ptr<Backend>> EpollBackend::create(const BackendOptions& options,
                                                      std::string_view reason) {
  std::unique_ptr<EpollBackend> self(new EpollBackend());
  self->reason_ = reason;
  self->file_threads_max_ = options.file_threads;
  self->hosted_ = options.hosted;
  self->epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!self->epoll_) return fail(Error::from_errno(errno, "epoll_create1 for a loop"));
  self->wakeup_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!self->wakeup_) return fail(Error::from_errno(errno, "eventfd for a loop"));
  // Edge-triggered: every write is an event of its own, so nobody has to read the counter.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeup;
  if (::epoll_ctl(self->epoll_.get(), EPOLL_CTL_ADD, self->wakeup_.get(), &event) != 0) {
    return fail(Error::from_errno(errno, "epoll_ctl for a loop"));
  }
  return std::unique_ptr<Backend>(std::move(self));
}

EpollBackend::~EpollBackend() {
  if (files_ && !files_->in_this_process()) static_cast<void>(files_.release());
}

int EpollBackend::socket_flags() const noexcept { return SOCK_NONBLOCK; }

void EpollBackend::submit(Op& op) noexcept {
  RINGPULL_ASSERT(!op.in_flight, "an operation was submitted while it is in flight");
  op.in_flight = true;
  op.cancel_sent = false;
  op.settled = false;
  op.in_threads = false;
  op.queued = true;
  op.result = 0;
  ++in_flight_;
  ++stats_.submitted;
  submitted_.push_back(op);
}

void EpollBackend::cancel(Op& op) noexcept {
  if (!op.in_flight || op.cancel_sent) return;
  op.cancel_sent = true;
  ++stats_.cancels;
  if (op.settled) return;
  if (op.in_threads) {
    if (files_->cancel(op)) settle(op, -ECANCELED);
  } else if (op.queued) {
    submitted_.remove(op);
    settle(op, -ECANCELED);
  } else {
    // Its registration stays armed: it fires once at most, for nobody.
    descriptors_[static_cast<std::size_t>(op.fd)].waiting.remove(op);
    --parked_;
    settle(op, op.result > 0 ? op.result : -ECANCELED);
  }
}

void EpollBackend::settle(Op& op, std::int32_t result) noexcept {
  op.queued = false;
  op.in_threads = false;
  op.settled = true;
  op.result = result;
  settled_.push_back(op);
}

void EpollBackend::wait(TimePoint until) noexcept {
  while (Op* op = submitted_.pop_front()) begin(*op);
  if (!settled_.empty()) until = TimePoint::min();
  poll_kernel(until);
  if (files_) {
    OpList done = files_->take_done();
    while (Op* op = done.pop_front()) settle(*op, op->result);
  }
  while (Op* op = settled_.pop_front()) deliver(*op);
}

void EpollBackend::begin(Op& op) noexcept {
  op.queued = false;
  if (is_file_call(op.code) || is_file_transfer(op)) {
    if (!files_) files_ = std::make_unique<FileThreads>(file_threads_max_, wakeup_.get());
    op.in_threads = true;
    if (!files_->submit(op)) settle(op, run_file_op(op));
    return;
  }
  if (op.code == OpCode::recv && op.poll_first) {
    park(op);
    return;
  }
  ++stats_.enters;
  if (try_ready_op(op)) {
    settle(op, op.result);
  } else {
    park(op);
  }
}

void EpollBackend::park(Op& op) noexcept {
  auto index = static_cast<std::size_t>(op.fd);
  if (op.fd < 0) {
    settle(op, -EBADF);
    return;
  }
  if (index >= descriptors_.size())
    descriptors_.resize(std::max(index + 1, 2 * descriptors_.size()));
  Descriptor& descriptor = descriptors_[index];
  std::uint32_t wanted = interest_of(op);
  // `armed` is to be believed only while somebody waits: else the number may have been used again.
  std::uint32_t armed = descriptor.waiting.empty() ? 0 : descriptor.armed;
  if ((armed & wanted) != wanted) {
    int error = arm(descriptor, op.fd, armed | wanted);
    if (error != 0) {
      settle(op, op.result > 0 ? op.result : -error);
      return;
    }
  }
  descriptor.waiting.push_back(op);
  ++parked_;
}

int EpollBackend::arm(Descriptor& descriptor, int fd, std::uint32_t events) noexcept {
  epoll_event event{};
  event.events = events | EPOLLONESHOT;
  event.data.u64 = static_cast<std::uint64_t>(fd);
  int call = descriptor.known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  ++stats_.enters;
  int outcome = ::epoll_ctl(epoll_.get(), call, fd, &event);
  if (outcome != 0 && (errno == ENOENT || errno == EEXIST)) {
    ++stats_.enters;
    call = errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    outcome = ::epoll_ctl(epoll_.get(), call, fd, &event);
  }
  if (outcome != 0) return errno;
  descriptor.known = true;
  descriptor.armed = events;
  return 0;
}

void EpollBackend::poll_kernel(TimePoint until) noexcept {
  bool sleeps = until == TimePoint::max() || until > now();
  // Nothing that the kernel could tell but a wake-up, and that matters to sleepers and hosts only.
  if (!sleeps && parked_ == 0 && !hosted_) return;
  std::array<epoll_event, kEventsPerCall> events;
  ++stats_.enters;
  int count =
      enter(events.data(), static_cast<int>(events.size()), sleeps ? until : TimePoint::min());
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 != kWakeup) on_ready(static_cast<int>(event.data.u64), event.events);
  }
}

int EpollBackend::enter(epoll_event* events, int events_max, TimePoint until) noexcept {
  int set = epoll_.get();
  if (until == TimePoint::max()) return ::epoll_wait(set, events, events_max, -1);
  if (until == TimePoint::min()) return ::epoll_wait(set, events, events_max, 0);
  auto left = std::max(Duration::zero(), until - now());
  auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
  if (has_precise_wait_) {
    timespec timeout{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
    int count = ::epoll_pwait2(set, events, events_max, &timeout, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    has_precise_wait_ = false;
  }
  // Rounded up: up to a millisecond late, but never a spin before the time.
  auto milliseconds = std::min<std::int64_t>((nanoseconds + 999'999) / 1'000'000, INT_MAX);
  return ::epoll_wait(set, events, events_max, static_cast<int>(milliseconds));
}

void EpollBackend::on_ready(int fd, std::uint32_t events) noexcept {
  Descriptor& descriptor = descriptors_[static_cast<std::size_t>(fd)];
  descriptor.armed = 0;
  OpList tried = std::exchange(descriptor.waiting, {});
  while (Op* op = tried.pop_front()) {
    bool concerned = (events & (interest_of(*op) | EPOLLERR | EPOLLHUP)) != 0;
    if (concerned) ++stats_.enters;
    if (concerned && try_ready_op(*op)) {
      --parked_;
      settle(*op, op->result);
    } else {
      descriptor.waiting.push_back(*op);
    }
  }
  rearm(fd);
}

void EpollBackend::rearm(int fd) noexcept {
  Descriptor& descriptor = descriptors_[static_cast<std::size_t>(fd)];
  std::uint32_t wanted = 0;
  for (Op* op = descriptor.waiting.front(); op != nullptr; op = op->next)
    wanted |= interest_of(*op);
  if (wanted == 0) return;
  int error = arm(descriptor, fd, wanted);
  if (error == 0) return;
  while (Op* op = descriptor.waiting.pop_front()) {
    --parked_;
    settle(*op, op->result > 0 ? op->result : -error);
  }
}

void EpollBackend::deliver(Op& op) noexcept {
  op.settled = false;
  op.in_flight = false;
  --in_flight_;
  ++stats_.completed;
  op.complete(op);
}

void EpollBackend::wake() noexcept {
  int before = errno;  // a signal handler must leave it as it was
  std::uint64_t one = 1;
  // Fails only when the counter is full, which no number of wake-ups reaches.
  [[maybe_unused]] ssize_t written = ::write(wakeup_.get(), &one, sizeof one);
  errno = before;
}

std::string EpollBackend::description() const {
  return "epoll, file operations in up to " + std::to_string(file_threads_max_) + " threads; " +
         reason_;
}

}  // namespace ringpull::inline v0::engine
