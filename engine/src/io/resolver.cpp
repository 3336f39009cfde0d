#include <algorithm>
#include <ares.h>
#include <map>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <strings.h>

#include <ringpull/engine/loop.hpp>
#include <ringpull/engine/resolver.hpp>
#include <ringpull/engine/sync.hpp>

namespace ringpull::inline v0::engine {

namespace {

using Addresses = std::vector<SocketAddress>;

Error lookup_error(int status, const std::string& host) {
  ErrorKind kind = ErrorKind::unavailable;
  if (status == ARES_ENOTFOUND || status == ARES_ENODATA) kind = ErrorKind::not_found;
  if (status == ARES_ENOMEM) kind = ErrorKind::resource_exhausted;
  if (status == ARES_EBADNAME) kind = ErrorKind::invalid_argument;
  return Error(kind, "resolve " + host + ": " + ::ares_strerror(status));
}

/// A name below "localhost", which is this machine whatever a server of names would say, and which
/// none is to be asked for (RFC 6761 section 6.3). "localhost" itself is in /etc/hosts.
bool is_below_localhost(std::string_view host) {
  constexpr std::string_view kSuffix = ".localhost";
  if (host.ends_with('.')) host.remove_suffix(1);
  return host.size() > kSuffix.size() && ::strncasecmp(host.data() + host.size() - kSuffix.size(),
                                                       kSuffix.data(), kSuffix.size()) == 0;
}

/// ares_library_init is not safe to race.
void initialise_library() {
  static std::once_flag once;
  std::call_once(once, [] { ::ares_library_init(ARES_LIB_INIT_ALL); });
}

}  // namespace

class CaresResolver::Impl {
 public:
  explicit Impl(const ResolverOptions& given) : options(given), timer(*this) {}
  ~Impl();
  Result<void> open();
  Task<Result<Addresses>> resolve(std::string host);

  std::uint64_t lookups = 0;

 private:
  /// A poll of one of c-ares's sockets. Outlives the socket, and the resolver, until the kernel has
  /// let go of it.
  struct Watch : Op {
    Watch(Impl& resolver, int descriptor) noexcept : owner(&resolver) {
      code = OpCode::poll;
      fd = descriptor;
      complete = &Watch::on_complete;
    }
    static void on_complete(Op& op) noexcept;
    Impl* owner;  // null once the socket is closed
    std::uint32_t wanted = 0;
  };
  struct Timer : TimerEntry {
    explicit Timer(Impl& resolver) noexcept : TimerEntry(&Timer::on_fire), owner(&resolver) {}
    static void on_fire(TimerEntry& entry) noexcept;
    Impl* owner;
  };
  /// One name: what was learnt last, and the question under way. Kept by its askers too, so that
  /// it may leave the cache at any time.
  struct Name {
    Addresses addresses;         // the last good answer
    std::optional<Error> error;  // instead of them
    TimePoint fresh_until{};     // not asked again before
    TimePoint good_until{};      // the addresses serve when nobody answers
    bool asking = false;
    Event answered;
  };

  struct Question {
    Question(Impl& asked, std::string host_name, std::shared_ptr<Name> about) noexcept
        : resolver(&asked), host(std::move(host_name)), name(std::move(about)) {}
    Impl* resolver;
    std::string host;
    std::shared_ptr<Name> name;
  };

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable);
  static void on_answer(void* question, int status, int timeouts, ares_addrinfo* answer);
  std::shared_ptr<Name> find_or_add(const std::string& host);
  void ask(const std::string& host, const std::shared_ptr<Name>& name);
  void take_answer(Name& name, const std::string& host, int status, const ares_addrinfo* answer);
  void ready(Watch& watch) noexcept;
  void arm_timer() noexcept;
  void make_room();

  ResolverOptions options;
  ares_channel channel = nullptr;
  std::map<int, Watch*> watches;
  std::map<std::string, std::shared_ptr<Name>> names;
  Timer timer;
};

Result<void> CaresResolver::Impl::open() {
  initialise_library();
  ares_options settings{};
  settings.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options.try_time).count());
  settings.tries = options.tries;
  settings.sock_state_cb = &Impl::on_socket;
  settings.sock_state_cb_data = this;
  int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  int status = ::ares_init_options(&channel, &settings, mask);
  if (status != ARES_SUCCESS) {
    return fail(ErrorKind::io, std::string("start the resolver: ") + ::ares_strerror(status));
  }
  if (options.servers.empty()) return {};
  status = ::ares_set_servers_ports_csv(channel, options.servers.c_str());
  if (status == ARES_SUCCESS) return {};
  return fail(ErrorKind::invalid_argument, "name servers '" + options.servers +
                                               "': " + ::ares_strerror(status) +
                                               "; a list like 127.0.0.1:53 is allowed");
}

CaresResolver::Impl::~Impl() {
  if (channel != nullptr) ::ares_destroy(channel);  // ends questions and sockets by their callbacks
  if (timer.armed()) Loop::current().timers().disarm(timer);
}

void CaresResolver::Impl::on_socket(void* self, ares_socket_t fd, int readable, int writable) {
  auto& resolver = *static_cast<Impl*>(self);
  std::uint32_t wanted = (readable != 0 ? POLLIN : 0U) | (writable != 0 ? POLLOUT : 0U);
  Loop& loop = Loop::current();
  auto found = resolver.watches.find(fd);
  if (found != resolver.watches.end()) {
    Watch& watch = *found->second;
    watch.wanted = wanted;
    if (wanted != 0 && watch.flags == wanted) return;
    // A poll cannot be changed: it ends, and on_complete makes the next one.
    if (wanted == 0) {
      watch.owner = nullptr;
      resolver.watches.erase(found);
    }
    if (watch.in_flight) loop.backend().cancel(watch);
    return;
  }
  if (wanted == 0) return;
  auto* watch = new Watch(resolver, fd);
  resolver.watches.emplace(fd, watch);
  watch->wanted = watch->flags = wanted;
  loop.submit(*watch);
}

void CaresResolver::Impl::Watch::on_complete(Op& op) noexcept {
  auto& watch = static_cast<Watch&>(op);
  if (watch.owner != nullptr) watch.owner->ready(watch);
  if (watch.owner == nullptr) delete &watch;  // given up before, or by what ready() did
}

void CaresResolver::Impl::ready(Watch& watch) noexcept {
  if (watch.result > 0) {
    auto events = static_cast<std::uint32_t>(watch.result);
    bool readable = (events & (POLLIN | POLLERR | POLLHUP)) != 0;
    bool writable = (events & POLLOUT) != 0;
    ::ares_process_fd(channel, readable ? watch.fd : ARES_SOCKET_BAD,
                      writable ? watch.fd : ARES_SOCKET_BAD);
  }
  if (watch.owner != nullptr) {
    watch.flags = watch.wanted;
    Loop::current().submit(watch);
  }
  arm_timer();
}

void CaresResolver::Impl::Timer::on_fire(TimerEntry& entry) noexcept {
  Impl& resolver = *static_cast<Timer&>(entry).owner;
  ::ares_process_fd(resolver.channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  resolver.arm_timer();
}

void CaresResolver::Impl::arm_timer() noexcept {
  TimerQueue& timers = Loop::current().timers();
  if (timer.armed()) timers.disarm(timer);
  timeval wait{};
  if (::ares_timeout(channel, nullptr, &wait) == nullptr) return;
  auto delay = std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec);
  timers.arm(timer, Loop::current().now() + delay + std::chrono::milliseconds(1));
}

void CaresResolver::Impl::ask(const std::string& host, const std::shared_ptr<Name>& name) {
  ++lookups;
  name->asking = true;
  name->answered.reset();
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  // May answer before it returns (/etc/hosts, no servers).
  ::ares_getaddrinfo(channel, host.c_str(), nullptr, &hints, &Impl::on_answer,
                     new Question(*this, host, name));
  arm_timer();
}

void CaresResolver::Impl::on_answer(void* argument, int status, int, ares_addrinfo* answer) {
  std::unique_ptr<Question> question(static_cast<Question*>(argument));
  Name& name = *question->name;
  question->resolver->take_answer(name, question->host, status, answer);
  if (answer != nullptr) ::ares_freeaddrinfo(answer);
  name.asking = false;
  name.answered.set();
}

void CaresResolver::Impl::take_answer(Name& name, const std::string& host, int status,
                                      const ares_addrinfo* answer) {
  TimePoint now = Loop::current().now();
  name.error.reset();
  if (status == ARES_SUCCESS && answer != nullptr && answer->nodes != nullptr) {
    name.addresses.clear();
    Duration ttl = options.ttl_max;
    for (const auto* node = answer->nodes; node != nullptr; node = node->ai_next) {
      SocketAddress address(node->ai_addr, static_cast<socklen_t>(node->ai_addrlen));
      // /etc/hosts may name one twice.
      bool known = std::ranges::find(name.addresses, address) != name.addresses.end();
      if (!known) name.addresses.push_back(address);
      ttl = std::min<Duration>(ttl, std::chrono::seconds(node->ai_ttl));
    }
    name.fresh_until = now + std::clamp(ttl, options.ttl_min, options.ttl_max);
    name.good_until = name.fresh_until + options.stale_max;
    return;
  }
  Error error = lookup_error(status == ARES_SUCCESS ? ARES_ENODATA : status, host);
  name.fresh_until = now + options.negative_ttl;
  bool nobody_told = !error.is(ErrorKind::not_found);
  if (nobody_told && !name.addresses.empty() && now < name.good_until) return;
  name.addresses.clear();
  name.error.emplace(std::move(error));
}

void CaresResolver::Impl::make_room() {
  while (!names.empty() && names.size() >= options.cache_entries_max) {
    // What is under way goes last: another asker would have to ask anew.
    auto sooner = [](const auto& a, const auto& b) {
      if (a.second->asking != b.second->asking) return b.second->asking;
      return a.second->fresh_until < b.second->fresh_until;
    };
    names.erase(std::ranges::min_element(names, sooner));
  }
}

std::shared_ptr<CaresResolver::Impl::Name> CaresResolver::Impl::find_or_add(
    const std::string& host) {
  auto found = names.find(host);
  if (found != names.end()) return found->second;
  make_room();
  return names.emplace(host, std::make_shared<Name>()).first->second;
}

Task<Result<Addresses>> CaresResolver::Impl::resolve(std::string host) {
  std::shared_ptr<Name> name = find_or_add(host);
  bool known = !name->addresses.empty() || name->error;
  if (!known || Loop::current().now() >= name->fresh_until) {
    if (!name->asking) ask(host, name);
    if (name->asking) {
      auto waited = co_await name->answered.wait();
      if (!waited) co_return fail(std::move(waited).error().context("resolve " + host));
    }
  }
  if (name->error) co_return fail(*name->error);
  co_return name->addresses;
}

CaresResolver::CaresResolver(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
CaresResolver::~CaresResolver() = default;

Result<std::unique_ptr<CaresResolver>> CaresResolver::create(const ResolverOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  RINGPULL_CHECK(impl->open());
  return std::unique_ptr<CaresResolver>(new CaresResolver(std::move(impl)));
}

std::uint64_t CaresResolver::lookups() const noexcept { return impl_->lookups; }

Task<Result<Addresses>> CaresResolver::resolve(std::string host, std::uint16_t port) {
  auto numeric = SocketAddress::from_ip(host, port);
  if (numeric) co_return Addresses{*numeric};
  if (is_below_localhost(host)) {
    RINGPULL_CO_TRY(SocketAddress four, SocketAddress::from_ip("127.0.0.1", port));
    RINGPULL_CO_TRY(SocketAddress six, SocketAddress::from_ip("::1", port));
    co_return Addresses{four, six};
  }
  RINGPULL_CO_TRY(Addresses addresses, co_await impl_->resolve(std::move(host)));
  for (SocketAddress& address : addresses) address = address.with_port(port);
  co_return addresses;
}

}  // namespace ringpull::inline v0::engine
