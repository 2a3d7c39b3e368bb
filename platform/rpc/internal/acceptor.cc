#include "platform/rpc/internal/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <grpc/support/log.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace weft::rpc::internal {
namespace {

constexpr int kBacklog = 1024;
// While the process is out of descriptors, how often it tries again.
constexpr int kRetryMillis = 50;
// Edge-triggered: where the kernel says that there is room and then refuses, being out of memory,
// the acceptor would otherwise turn without rest.
constexpr uint32_t kEndOfConnection = EPOLLRDHUP | EPOLLET;
// gRPC's name for Linux's abstract sockets: no port and no file, and gone with the process.
constexpr absl::string_view kAbstractPrefix = "unix-abstract:";

absl::Status AddressError(const std::string& address, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot listen on '", address, "': ", what, "; give it as host:port"));
}

absl::Status BindError(const std::string& address, int error) {
  const std::string text = absl::StrCat("cannot listen on '", address, "': ", strerror(error));
  if (error == EADDRINUSE) {
    return absl::FailedPreconditionError(
        absl::StrCat(text, "; stop the process that uses the port, or choose another port"));
  }
  if (error == EACCES || error == EPERM) {
    return absl::PermissionDeniedError(absl::StrCat(text, "; choose a port above 1023"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(text, "; the address must be one of this machine's"));
}

struct HostPort {
  std::string host;
  std::string port;
};

absl::StatusOr<HostPort> Split(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return AddressError(address, "there is no port in it");
  HostPort split{address.substr(0, colon), address.substr(colon + 1)};
  int port = 0;
  if (!absl::SimpleAtoi(split.port, &port) || port < 0 || port > 65535) {
    return AddressError(address, absl::StrCat("'", split.port, "' is not a port"));
  }
  if (split.host.size() > 2 && split.host.front() == '[' && split.host.back() == ']') {
    split.host = split.host.substr(1, split.host.size() - 2);
  }
  return split;
}

int LocalPort(int descriptor) {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  if (address.ss_family == AF_UNIX) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

void SetOption(int descriptor, int level, int option) {
  const int one = 1;
  setsockopt(descriptor, level, option, &one, sizeof(one));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Acceptor>> Acceptor::Listen(Options options) {
  std::unique_ptr<Acceptor> acceptor(new Acceptor(std::move(options)));
  for (const std::string& address : acceptor->options_.addresses) {
    if (absl::Status s = acceptor->Bind(address); !s.ok()) return s;
  }
  return acceptor;
}

absl::Status Acceptor::Bind(const std::string& address) {
  if (absl::StartsWith(address, kAbstractPrefix)) return BindAbstract(address);
  absl::StatusOr<HostPort> split = Split(address);
  if (!split.ok()) return split.status();
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(split->host.empty() ? nullptr : split->host.c_str(),
                                split->port.c_str(), &hints, &found);
  if (error != 0) return AddressError(address, gai_strerror(error));
  const absl::Status status = ListenOn(address, *found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return status;
}

absl::Status Acceptor::BindAbstract(const std::string& address) {
  const absl::string_view name = absl::StripPrefix(address, kAbstractPrefix);
  sockaddr_un local = {};
  local.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof(local.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot listen on '", address,
                                                   "': the name of an abstract socket has 1 to ",
                                                   sizeof(local.sun_path) - 1, " bytes"));
  }
  name.copy(local.sun_path + 1, name.size());  // Behind a zero byte: see unix(7).
  return ListenOn(address, reinterpret_cast<const sockaddr&>(local),
                  static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size()));
}

absl::Status Acceptor::ListenOn(const std::string& address, const sockaddr& local,
                                socklen_t length) {
  const int descriptor = socket(local.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  SetOption(descriptor, SOL_SOCKET, SO_REUSEADDR);
  if (bind(descriptor, &local, length) != 0 || listen(descriptor, kBacklog) != 0) {
    const int bind_error = errno;
    if (descriptor >= 0) close(descriptor);
    return BindError(address, bind_error);
  }
  listeners_.push_back(descriptor);
  ports_.push_back(LocalPort(descriptor));
  return absl::OkStatus();
}

Acceptor::~Acceptor() {
  Stop();
  CloseListeners();
  for (const int descriptor : {epoll_, wake_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

void Acceptor::Start(Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  Watch(wake_, EPOLLIN);
  Watch(resting_->event(), EPOLLIN);
  for (const int listener : listeners_) Watch(listener, EPOLLIN);
  thread_ = std::thread([this] { ThreadMain(); });
}

void Acceptor::Watch(int descriptor, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = descriptor;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
}

void Acceptor::StopListening() {
  if (!thread_.joinable()) return;
  stop_listening_.store(true);
  Poke();
  listening_stopped_.WaitForNotification();
}

void Acceptor::BreakConnections() {
  break_connections_.store(true);
  Poke();
}

void Acceptor::Stop() {
  if (!thread_.joinable()) return;
  stop_.store(true);
  Poke();
  thread_.join();
  resting_->Close();
  for (const auto& connection : resting_->Take()) FairReads::Resume(connection.descriptor);
  open_.clear();
}

void Acceptor::Poke() {
  const uint64_t one = 1;
  // Fails only when the counter is full: the thread is being woken already.
  if (write(wake_, &one, sizeof(one)) < 0) return;
}

void Acceptor::CloseListeners() {
  for (const int listener : listeners_) close(listener);
  listeners_.clear();
}

void Acceptor::ThreadMain() {
  pthread_setname_np(pthread_self(), "weft-accept");
  std::array<epoll_event, 64> events;
  while (!stop_.load()) {
    // Before the wait: a poke that comes behind these lines ends it.
    if (stop_listening_.load() && !listening_stopped_.HasBeenNotified()) {
      CloseListeners();
      listening_stopped_.Notify();
    }
    if (break_connections_.exchange(false)) BreakAll();
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                 out_of_descriptors_ ? kRetryMillis : -1);
    if (out_of_descriptors_) {
      out_of_descriptors_ = false;
      for (const int listener : listeners_) {
        Watch(listener, EPOLLIN);
        AcceptAll(listener);
      }
      if (!out_of_descriptors_) times_out_of_descriptors_ = 0;
    }
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      const int descriptor = event.data.fd;
      if (descriptor == wake_) {
        uint64_t pokes = 0;
        if (read(wake_, &pokes, sizeof(pokes)) < 0) continue;
      } else if (descriptor == resting_->event()) {
        for (const auto& connection : resting_->Take()) callbacks_.rested(connection);
      } else if (std::count(listeners_.begin(), listeners_.end(), descriptor) > 0) {
        AcceptAll(descriptor);
      } else {
        Attend(descriptor, event.events);
      }
    }
  }
}

void Acceptor::AcceptAll(int listener) {
  while (!stop_listening_.load()) {
    const int descriptor = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      if (Full()) {
        Refuse(descriptor);
      } else {
        Adopt(listener, descriptor);
      }
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // The connection stays in the backlog. The listener would be readable for ever: look away
      // for a moment instead of spinning. A line for the 1st, 2nd, 4th, 8th … moment in a row.
      if (std::has_single_bit(++times_out_of_descriptors_)) {
        gpr_log(GPR_ERROR,
                "cannot accept connections: %s; raise the limit of open files (ulimit -n) or lower "
                "the number of connections",
                strerror(errno));
      }
      for (const int other : listeners_) epoll_ctl(epoll_, EPOLL_CTL_DEL, other, nullptr);
      out_of_descriptors_ = true;
      return;
    }
    if (errno != ECONNABORTED && errno != EINTR) return;
  }
}

// Left in the backlog, a connection would look open to its client, which would wait.
void Acceptor::Refuse(int descriptor) {
  close(descriptor);
  const uint64_t refused = refused_total_.fetch_add(1, std::memory_order_relaxed) + 1;
  // A line for the 1st, 2nd, 4th, 8th … of them.
  if (!std::has_single_bit(refused)) return;
  gpr_log(GPR_ERROR,
          "refused %llu connections so far: %d are open, which is the limit; raise "
          "grpc.max_connections (ConnectionLimits::max_connections), or add servers",
          static_cast<unsigned long long>(refused), options_.max_connections);
}

void Acceptor::Adopt(int listener, int descriptor) {
  SetOption(descriptor, IPPROTO_TCP, TCP_NODELAY);  // gRPC does so on its own listeners only.
  sockaddr_storage peer = {};
  socklen_t length = sizeof(peer);
  const bool connected = getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &length) == 0;
  const int duplicate = connected ? fcntl(descriptor, F_DUPFD_CLOEXEC, 0) : -1;
  if (!connected) {
    close(descriptor);
    return;
  }
  accepted_total_.fetch_add(1, std::memory_order_relaxed);
  // Without a duplicate (out of descriptors) the connection is served, but its writes never held.
  if (duplicate >= 0) {
    auto connection =
        std::make_shared<Connection>(duplicate, PeerName(reinterpret_cast<const sockaddr&>(peer)));
    if (options_.fair_reads) connection->ReadFairly(descriptor, resting_);
    const bool named = !connection->peer().empty();
    Watch(duplicate, kEndOfConnection);
    if (named && options_.collect_writes && descriptor < CollectedWrites::kMaxDescriptors) {
      connection->CollectWrites(descriptor, [epoll = epoll_, duplicate](bool for_room) {
        epoll_event event = {};
        event.events = kEndOfConnection | (for_room ? EPOLLOUT : 0u);
        event.data.fd = duplicate;
        // Fails when the connection's end has been seen: nobody waits for room then.
        epoll_ctl(epoll, EPOLL_CTL_MOD, duplicate, &event);
      });
    }
    if (named) table_.Add(connection);
    open_[duplicate] = std::move(connection);
    open_count_.fetch_add(1, std::memory_order_relaxed);
  }
  callbacks_.hand_over(listener, descriptor);
}

void Acceptor::Attend(int duplicate, uint32_t events) {
  const auto found = open_.find(duplicate);
  if (found == open_.end()) return;
  if (events == EPOLLOUT) {
    found->second->writes()->Push();
  } else {
    Close(duplicate);
  }
}

void Acceptor::Close(int duplicate) {
  const auto found = open_.find(duplicate);
  const std::shared_ptr<Connection> connection = std::move(found->second);
  open_.erase(found);
  // Out of the set before it is closed: the set would otherwise keep reporting the socket as long
  // as gRPC's own descriptor for it is open.
  epoll_ctl(epoll_, EPOLL_CTL_DEL, duplicate, nullptr);
  table_.Remove(*connection);
  open_count_.fetch_sub(1, std::memory_order_relaxed);
  callbacks_.closed(connection);
}

// Both sides read the end of the connection, and Close() follows from here.
void Acceptor::BreakAll() {
  for (const auto& [duplicate, connection] : open_) shutdown(duplicate, SHUT_RDWR);
}

}  // namespace weft::rpc::internal
