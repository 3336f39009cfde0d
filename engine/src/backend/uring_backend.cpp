#include "engine/src/backend/uring_backend.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ringpull/engine/assert.hpp>

namespace ringpull::inline v0::engine {

namespace {

// user_data of completions that are no Op's: nobody waits for them.
constexpr std::uint64_t kIgnored = 0;
constexpr std::uint64_t kWakeup = 1;      // our eventfd read
constexpr std::uint64_t kPeerWakeup = 2;  // MSG_RING from another loop
constexpr std::uint64_t kCancelAnswer = 3;
constexpr auto kCancelInterval = std::chrono::milliseconds(1);

// A receive that takes this much is a transfer's and not a message's.
constexpr std::uint32_t kBulkBytes = 64 * 1024;
// Transfers from which on completions are collected in batches, and the largest batch.
constexpr std::size_t kBatchFrom = 4;
constexpr std::size_t kBatchMax = 8;

// Newer than Debian 12's headers. include/uapi/linux/io_uring.h.
constexpr int kOpFtruncate = 55;                        // IORING_OP_FTRUNCATE, kernel 6.9
constexpr std::uint32_t kSetupTaskrunFlag = 1U << 9;    // IORING_SETUP_TASKRUN_FLAG, kernel 5.19
constexpr std::uint32_t kSetupSingleIssuer = 1U << 12;  // kernel 6.0
constexpr std::uint32_t kSetupDeferTaskrun = 1U << 13;  // kernel 6.1
constexpr std::uint32_t kFeatureMinTimeout = 1U << 15;  // IORING_FEAT_MIN_TIMEOUT, kernel 6.12
constexpr std::uint8_t kRegisteredRing = 1;             // of io_uring::int_flags

/// struct io_uring_getevents_arg, whose third field was padding before kernel 6.12.
struct WaitArgument {
  std::uint64_t signal_mask = 0;
  std::uint32_t signal_mask_size = 0;
  std::uint32_t min_wait_us = 0;
  std::uint64_t timeout = 0;
};
static_assert(sizeof(WaitArgument) == sizeof(io_uring_getevents_arg));

struct SetupStep {
  int kernel;
  std::uint32_t flags;
};

// From the best to the plainest; the first that the kernel takes is used.
constexpr std::array kSetupSteps = {
    SetupStep{601, kSetupSingleIssuer | kSetupDeferTaskrun | kSetupTaskrunFlag |
                       IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED},
    SetupStep{519, IORING_SETUP_COOP_TASKRUN | kSetupTaskrunFlag | IORING_SETUP_SUBMIT_ALL},
    SetupStep{511, 0},
};

// A ring may be mapped where one of another thread was. The kernel orders the two, but liburing
// maps by bare system calls, so ThreadSanitizer needs to be shown the order.
std::atomic<unsigned> rings_ended{0};

bool is_bulk_receive(const Op& op) noexcept {
  return op.code == OpCode::recv && (op.flags & MSG_WAITALL) != 0 && op.length >= kBulkBytes;
}

/// Like io_uring_submit_and_wait_timeout(), which knows of no least time to wait; liburing 2.8 has
/// a function that does.
void submit_and_wait(io_uring& ring, std::size_t completions,
                     const WaitArgument& argument) noexcept {
  ring.sq.sqe_head = ring.sq.sqe_tail;
  io_uring_smp_store_release(ring.sq.ktail, ring.sq.sqe_tail);
  unsigned submitted = ring.sq.sqe_tail - IO_URING_READ_ONCE(*ring.sq.khead);
  unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  int descriptor = ring.ring_fd;
  if ((ring.int_flags & kRegisteredRing) != 0) {
    flags |= IORING_ENTER_REGISTERED_RING;
    descriptor = ring.enter_ring_fd;
  }
  auto* extended = reinterpret_cast<sigset_t*>(const_cast<WaitArgument*>(&argument));
  io_uring_enter2(static_cast<unsigned>(descriptor), submitted, static_cast<unsigned>(completions),
                  flags, extended, sizeof argument);
}

int running_kernel() noexcept {
  utsname name{};
  if (::uname(&name) != 0) return 0;
  int major = 0;
  int minor = 0;
  if (std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return 0;
  return major * 100 + std::min(minor, 99);
}

std::string first_word_of(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

bool under_seccomp() {
  std::ifstream status("/proc/self/status");
  std::string key;
  std::string value;
  while (status >> key) {
    if (key == "Seccomp:") return (status >> value) && value != "0";
  }
  return false;
}

Error refusal(int error) {
  std::string text = "io_uring is refused here";
  std::string remedy;
  if (error == EPERM || error == EACCES || error == ENOSYS) {
    std::string disabled = first_word_of("/proc/sys/kernel/io_uring_disabled");
    if (disabled == "1" || disabled == "2") {
      text += ": kernel.io_uring_disabled is " + disabled;
      remedy = "set the sysctl to 0";
    } else if (under_seccomp()) {
      text += " by a seccomp filter, as container runtimes set by default";
      remedy =
          "run with a seccomp profile that allows io_uring_setup, io_uring_enter and "
          "io_uring_register";
    } else {
      text += error == ENOSYS ? ": this kernel has no io_uring" : ": permission denied";
      remedy = "use a kernel from 5.11 on with io_uring enabled";
    }
  } else if (error == ENOMEM) {
    text += ": the locked-memory limit is too low";
    remedy = "raise `ulimit -l`";
  } else {
    remedy = "use a kernel from 5.11 on";
  }
  text += "; " + remedy + ", or choose RINGPULL_BACKEND=epoll";
  ErrorKind kind = error == ENOMEM ? ErrorKind::resource_exhausted : ErrorKind::unsupported;
  return Error(kind, std::move(text)).with_code(std::error_code(error, std::system_category()));
}

}  // namespace

Result<std::unique_ptr<Backend>> UringBackend::create(const BackendOptions& options) {
  std::unique_ptr<UringBackend> self(new UringBackend());
  self->kernel_ = running_kernel();
  if (options.kernel_ceiling != 0) self->kernel_ = std::min(self->kernel_, options.kernel_ceiling);
  if (int error = self->set_up(options); error != 0) return fail(refusal(error));
  self->probe();
  self->wakeup_ = ::eventfd(0, EFD_CLOEXEC);
  if (self->wakeup_ < 0) return fail(Error::from_errno(errno, "eventfd for a loop"));
  return std::unique_ptr<Backend>(std::move(self));
}

int UringBackend::set_up(const BackendOptions& options) noexcept {
  ring_.ring_fd = -1;
  int error = ENOSYS;
  for (const SetupStep& step : kSetupSteps) {
    if (kernel_ < step.kernel) continue;
    if (options.hosted && (step.flags & kSetupDeferTaskrun) != 0) continue;
    io_uring_params parameters{};
    parameters.flags = step.flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    parameters.cq_entries = std::max(options.completions, options.entries);
    error = -io_uring_queue_init_params(options.entries, &ring_, &parameters);
    if (error == EINVAL) continue;  // a flag this kernel does not know
    if (error != 0) {
      ring_.ring_fd = -1;
      return error;
    }
    (void)rings_ended.load(std::memory_order_acquire);
    constexpr std::uint32_t needed = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP;  // 5.11, 5.5
    if ((parameters.features & needed) != needed) return ENOSYS;
    setup_flags_ = step.flags;
    bool can_batch = kernel_ >= 612 && (parameters.features & kFeatureMinTimeout) != 0;
    if (can_batch) pace_ = batch_wait_ = options.batch_wait;
    // liburing before 2.4 fills this map at each submission, later ones do once, here.
    for (unsigned i = 0; i < parameters.sq_entries; ++i) ring_.sq.array[i] = i;
    return 0;
  }
  return error;
}

void UringBackend::probe() noexcept {
  io_uring_probe* known = io_uring_get_probe_ring(&ring_);
  if (known == nullptr) return;
  can_message_rings_ = kernel_ >= 518 && io_uring_opcode_supported(known, IORING_OP_MSG_RING) != 0;
  can_truncate_ = kernel_ >= 609 && io_uring_opcode_supported(known, kOpFtruncate) != 0;
  io_uring_free_probe(known);
}

UringBackend::~UringBackend() {
  if (ring_.ring_fd >= 0) {
    // The registered descriptor is an index into a table of the thread that registered it.
    if (thread_ != std::this_thread::get_id()) ring_.int_flags = 0;
    rings_ended.fetch_add(1, std::memory_order_release);
    io_uring_queue_exit(&ring_);
  }
  if (wakeup_ >= 0) ::close(wakeup_);
}

Result<void> UringBackend::start() {
  thread_ = std::this_thread::get_id();
  if ((setup_flags_ & IORING_SETUP_R_DISABLED) != 0) {
    // Enabled here and not at creation: SINGLE_ISSUER binds the ring to the thread that enables it
    // (else -EEXIST).
    // By hand: Debian 12's liburing declares io_uring_enable_rings but does not export it.
    long outcome =
        ::syscall(SYS_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    if (outcome < 0) return fail(Error::from_errno(errno, "enable the io_uring ring"));
  }
  io_uring_register_ring_fd(
      &ring_);  // saves a descriptor look-up per call, kernel 5.18; fine without
  arm_wakeup();
  return {};
}

// A free submission slot. When the queue is full, what is in it goes to the kernel first.
io_uring_sqe* UringBackend::slot() noexcept {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry != nullptr) return entry;
  ++stats_.queue_full;
  ++stats_.enters;
  io_uring_submit(&ring_);
  return io_uring_get_sqe(&ring_);
}

bool UringBackend::try_queue(Op& op) noexcept {
  io_uring_sqe* entry = slot();
  if (entry == nullptr) return false;
  auto* mutable_address = const_cast<void*>(op.address);
  switch (op.code) {
    case OpCode::nop: io_uring_prep_nop(entry); break;
    case OpCode::recv:
      io_uring_prep_recv(entry, op.fd, mutable_address, op.length, static_cast<int>(op.flags));
      if (op.poll_first && kernel_ >= 519) entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
      break;
    case OpCode::send:
      io_uring_prep_send(entry, op.fd, op.address, op.length, static_cast<int>(op.flags));
      break;
    case OpCode::sendmsg:
      io_uring_prep_sendmsg(entry, op.fd, static_cast<const msghdr*>(op.address), op.flags);
      break;
    case OpCode::accept:
      io_uring_prep_accept(entry, op.fd, nullptr, nullptr, static_cast<int>(op.flags));
      break;
    case OpCode::connect:
      io_uring_prep_connect(entry, op.fd, static_cast<const sockaddr*>(op.address), op.length);
      break;
    case OpCode::poll: io_uring_prep_poll_add(entry, op.fd, op.flags); break;
    case OpCode::read:
      io_uring_prep_read(entry, op.fd, mutable_address, op.length, op.offset);
      break;
    case OpCode::write: io_uring_prep_write(entry, op.fd, op.address, op.length, op.offset); break;
    case OpCode::open:
      io_uring_prep_openat(entry, AT_FDCWD, static_cast<const char*>(op.address),
                           static_cast<int>(op.flags), op.length);
      break;
    case OpCode::close: io_uring_prep_close(entry, op.fd); break;
    case OpCode::fsync:
      io_uring_prep_fsync(entry, op.fd, op.flags == kFsyncDataOnly ? IORING_FSYNC_DATASYNC : 0);
      break;
    case OpCode::fallocate:
      io_uring_prep_fallocate(entry, op.fd, static_cast<int>(op.flags),
                              static_cast<off_t>(op.offset), static_cast<off_t>(op.extent));
      break;
    case OpCode::truncate:
      io_uring_prep_rw(kOpFtruncate, entry, op.fd, nullptr, 0, op.extent);
      break;
    case OpCode::rename:
      io_uring_prep_renameat(entry, AT_FDCWD, static_cast<const char*>(op.address), AT_FDCWD,
                             static_cast<const char*>(op.address2), op.flags);
      break;
    case OpCode::unlink:
      io_uring_prep_unlinkat(entry, AT_FDCWD, static_cast<const char*>(op.address),
                             static_cast<int>(op.flags));
      break;
    case OpCode::stat:
      io_uring_prep_statx(entry, op.fd < 0 ? AT_FDCWD : op.fd, static_cast<const char*>(op.address),
                          static_cast<int>(op.flags), op.length,
                          static_cast<struct statx*>(op.address2));
      break;
  }
  io_uring_sqe_set_data(entry, &op);
  return true;
}

void UringBackend::submit(Op& op) noexcept {
  RINGPULL_ASSERT(!op.in_flight, "an operation was submitted while it is in flight");
  op.in_flight = true;
  op.cancel_sent = false;
  op.cancel_asked = false;
  op.queued = false;
  ++in_flight_;
  if (is_bulk_receive(op)) ++bulk_receives_;
  ++stats_.submitted;
  if (op.code == OpCode::truncate && !can_truncate_) {
    int outcome = ::ftruncate(op.fd, static_cast<off_t>(op.extent));
    settle(op, outcome == 0 ? 0 : -errno);
    return;
  }
  if (waiting_.empty() && try_queue(op)) return;
  op.queued = true;
  waiting_.push_back(op);
}

bool UringBackend::try_queue_cancel(Op& op) noexcept {
  io_uring_sqe* entry = slot();
  if (entry == nullptr) return false;
  io_uring_prep_cancel(entry, &op, 0);
  io_uring_sqe_set_data64(entry, kCancelAnswer);
  op.cancel_asked = true;
  asked_.push_back(op);
  return true;
}

void UringBackend::cancel(Op& op) noexcept {
  if (!op.in_flight || op.cancel_sent) return;
  op.cancel_sent = true;
  ++stats_.cancels;
  if (op.settled) return;
  if (op.queued) {
    waiting_.remove(op);
    settle(op, -ECANCELED);
    return;
  }
  if (try_queue_cancel(op)) return;
  op.queued = true;
  cancels_.push_back(op);
}

void UringBackend::settle(Op& op, std::int32_t result) noexcept {
  op.queued = false;
  op.settled = true;
  op.result = result;
  settled_.push_back(op);
}

void UringBackend::refill() noexcept {
  while (!cancels_.empty()) {
    Op& op = *cancels_.pop_front();
    if (!try_queue_cancel(op)) {
      cancels_.push_back(op);
      return;
    }
    op.queued = false;
  }
  while (!waiting_.empty()) {
    Op& op = *waiting_.pop_front();
    if (!try_queue(op)) {
      waiting_.push_front(op);
      return;
    }
    op.queued = false;
  }
}

/// The kernel answers -ENOENT not only for what has ended. A socket operation whose poll has just
/// fired is nowhere to be found until it is tried again, and would then wait on as if nobody had
/// asked; a transfer that is with a block device cannot be found either. So ask again, but not all
/// the time.
TimePoint UringBackend::repeat_missed_cancels(TimePoint until) noexcept {
  if (!cancel_missed_) return until;
  if (asked_.empty()) {
    cancel_missed_ = false;
    return until;
  }
  TimePoint now = this->now();
  if (now < repeat_cancels_at_) return std::min(until, repeat_cancels_at_);
  cancel_missed_ = false;
  repeat_cancels_at_ = now + kCancelInterval;
  while (Op* op = asked_.pop_front()) {
    op->cancel_asked = false;
    op->queued = true;
    cancels_.push_back(*op);
  }
  return until;
}

void UringBackend::arm_wakeup() noexcept {
  if (wakeup_armed_) return;
  io_uring_sqe* entry = slot();
  if (entry == nullptr) return;
  io_uring_prep_read(entry, wakeup_, &wakeups_, sizeof wakeups_, 0);
  io_uring_sqe_set_data64(entry, kWakeup);
  wakeup_armed_ = true;
}

void UringBackend::wait(TimePoint until) noexcept {
  arm_wakeup();
  until = repeat_missed_cancels(until);
  refill();
  if (!settled_.empty()) until = TimePoint::min();
  enter(until);
  collect();
  while (Op* op = settled_.pop_front()) {
    op->settled = false;
    deliver(*op, op->result);
  }
}

void UringBackend::flush() noexcept {
  arm_wakeup();
  if (cancel_missed_) wake();  // a host must not sleep on it
  if (io_uring_sq_ready(&ring_) == 0) return;
  ++stats_.enters;
  io_uring_submit(&ring_);
}

void UringBackend::enter(TimePoint until) noexcept {
  bool pending = io_uring_cq_ready(&ring_) > 0;
  TimePoint now = until == TimePoint::max() ? TimePoint::min() : this->now();
  if (pending || until <= now) {
    bool flagged =
        (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
    bool nothing =
        io_uring_sq_ready(&ring_) == 0 && !flagged && (setup_flags_ & kSetupTaskrunFlag) != 0;
    if (nothing) return;  // nothing for the kernel to do: no call
    ++stats_.enters;
    io_uring_submit_and_get_events(&ring_);
    return;
  }
  __kernel_timespec timeout{};
  WaitArgument argument;
  std::size_t wanted = batch();
  if (wanted > 1) {
    auto least = std::chrono::duration_cast<std::chrono::microseconds>(batch_wait_);
    argument.min_wait_us = static_cast<std::uint32_t>(least.count());
  }
  if (until != TimePoint::max()) {
    auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(until - now);
    timeout.tv_sec = left.count() / 1'000'000'000;
    timeout.tv_nsec = left.count() % 1'000'000'000;
    argument.timeout = reinterpret_cast<std::uint64_t>(&timeout);
    if (left <= batch_wait_) {
      argument.min_wait_us = 0;
      wanted = 1;
    }
  }
  ++stats_.enters;
  submit_and_wait(ring_, wanted, argument);
}

/// How many completions are worth waiting for. Transfers keep their connections busy by themselves:
/// where they are what is mostly under way, and more of them will end in a moment, a thread that is
/// woken for several at once runs less often.
std::size_t UringBackend::batch() const noexcept {
  if (batch_wait_.count() == 0 || bulk_receives_ < kBatchFrom) return 1;
  if (bulk_receives_ * 4 < in_flight_ || pace_ * 2 > batch_wait_) return 1;
  return std::min(bulk_receives_, kBatchMax);
}

/// Follows the time from one completion to the next while there are transfers.
void UringBackend::keep_pace(std::size_t completed) noexcept {
  if (batch_wait_.count() == 0 || bulk_receives_ < kBatchFrom || completed == 0) return;
  TimePoint now = this->now();
  Duration each = (now - paced_at_) / static_cast<Duration::rep>(completed);
  pace_ += (std::min<Duration>(each, 2 * batch_wait_) - pace_) / 8;
  paced_at_ = now;
}

void UringBackend::collect() noexcept {
  unsigned head = 0;
  unsigned seen = 0;
  io_uring_cqe* entry = nullptr;
  io_uring_for_each_cqe(&ring_, head, entry) {
    ++seen;
    std::uint64_t data = io_uring_cqe_get_data64(entry);
    if (data == kWakeup) {
      wakeup_armed_ = false;
    } else if (data == kCancelAnswer) {
      cancel_missed_ = cancel_missed_ || entry->res == -ENOENT;
    } else if (data != kIgnored && data != kPeerWakeup) {
      deliver(*static_cast<Op*>(io_uring_cqe_get_data(entry)), entry->res);
    }
  }
  io_uring_cq_advance(&ring_, seen);
  keep_pace(seen);
}

void UringBackend::deliver(Op& op, std::int32_t result) noexcept {
  if (op.queued) {  // its cancel never went out
    cancels_.remove(op);
    op.queued = false;
  }
  if (op.cancel_asked) {
    asked_.remove(op);
    op.cancel_asked = false;
  }
  op.in_flight = false;
  op.result = result;
  --in_flight_;
  if (is_bulk_receive(op)) --bulk_receives_;
  ++stats_.completed;
  op.complete(op);
}

void UringBackend::wake() noexcept {
  std::uint64_t one = 1;
  // Fails only when the counter is full: then a wake-up is pending anyway.
  [[maybe_unused]] ssize_t written = ::write(wakeup_, &one, sizeof one);
}

bool UringBackend::wake_peer(Backend& peer) noexcept {
  if (!can_message_rings_ || peer.kind() != BackendKind::uring) return false;
  io_uring_sqe* entry = slot();
  if (entry == nullptr) return false;
  io_uring_prep_msg_ring(entry, peer.descriptor(), 0, kPeerWakeup, 0);
  io_uring_sqe_set_data64(entry, kIgnored);
  return true;
}

std::string UringBackend::description() const {
  std::string text = "io_uring, features of kernel " + std::to_string(kernel_ / 100) + "." +
                     std::to_string(kernel_ % 100);
  if ((setup_flags_ & kSetupDeferTaskrun) != 0) return text + ", deferred task work";
  if ((setup_flags_ & IORING_SETUP_COOP_TASKRUN) != 0) return text + ", cooperative task work";
  return text + ", no task-work flags";
}

}  // namespace ringpull::inline v0::engine
