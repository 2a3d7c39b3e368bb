// Which server a channel's calls go to, against real servers over connections.
#include "platform/rpc/client/load_balancing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;

// A server on a runtime of its own, which counts its calls, and fails them when it is told to.
class Backend {
 public:
  explicit Backend(std::string listen = "127.0.0.1:0") {
    echo_.say = [this](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
      ++calls;
      if (failing) return absl::UnknownError("broken");
      return EchoReply();
    };
    server_ = *Server::Start(runtime_, queues_, {.listen = {std::move(listen)}}, {&echo_});
  }
  ~Backend() { EXPECT_TRUE(server_->Shutdown({}).ok()); }
  int port() const { return server_->ports()[0]; }

  std::atomic<int> calls = 0;
  std::atomic<bool> failing = false;

 private:
  ShardQueues queues_{1};
  Runtime runtime_{{.shards = 1, .poller_factory = queues_.Pollers()}};
  TestEcho echo_;
  std::unique_ptr<Server> server_;
};

class LoadBalancingTest : public ::testing::Test {
 protected:
  Backend& AddBackend() {
    backends_.push_back(std::make_unique<Backend>());
    return *backends_.back();
  }
  std::string Target() const {
    std::string target = "ipv4:";
    for (const auto& backend : backends_) {
      absl::StrAppend(&target, target.size() > 5 ? "," : "", "127.0.0.1:", backend->port());
    }
    return target;
  }
  std::shared_ptr<Channel> Open(LoadBalancingOptions balancing) {
    return *Channel::Create(Target(),
                            {.load_balancing = std::move(balancing), .own_connection = true});
  }
  static absl::Status Call(const std::shared_ptr<Channel>& channel) {
    bench::v1::EchoClient client(channel);
    return client.Say(EchoRequest(), {.wait_for_ready = true}).status();
  }
  std::vector<int> TakeCalls() {
    std::vector<int> calls;
    for (const auto& backend : backends_) calls.push_back(backend->calls.exchange(0));
    return calls;
  }
  // A call that the connection's end catches on its way may fail.
  static void CallUntilServed(const std::shared_ptr<Channel>& channel) {
    for (absl::Status status; !(status = Call(channel)).ok();) {
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    }
  }
  // Until every backend has been called: the connections of a channel come one after the other.
  void CallUntilAllAreCalled(const std::shared_ptr<Channel>& channel) {
    const auto all = [&] {
      for (const auto& backend : backends_) {
        if (backend->calls == 0) return false;
      }
      return true;
    };
    while (!all()) EXPECT_TRUE(Call(channel).ok());
    TakeCalls();
  }

  ShardQueues queues_{1};
  Runtime runtime_{{.shards = 1, .poller_factory = queues_.Pollers()}};
  std::vector<std::unique_ptr<Backend>> backends_;
};

TEST_F(LoadBalancingTest, CallsGoToAllServersInTurn) {
  for (int i = 0; i < 3; ++i) AddBackend();
  runtime_.Run([&] {
    const std::shared_ptr<Channel> channel = Open({});
    CallUntilAllAreCalled(channel);
    for (int i = 0; i < 30; ++i) EXPECT_TRUE(Call(channel).ok());
  });
  EXPECT_THAT(TakeCalls(), ElementsAre(10, 10, 10));
}

TEST_F(LoadBalancingTest, PickFirstStaysWithOneServer) {
  for (int i = 0; i < 3; ++i) AddBackend();
  runtime_.Run([&] {
    const std::shared_ptr<Channel> channel = Open({.policy = LoadBalancing::kPickFirst});
    for (int i = 0; i < 30; ++i) EXPECT_TRUE(Call(channel).ok());
  });
  EXPECT_THAT(TakeCalls(), ElementsAre(30, 0, 0));
}

TEST_F(LoadBalancingTest, AServerThatEndsLeavesItsCallsToTheOthers) {
  for (int i = 0; i < 3; ++i) AddBackend();
  const std::shared_ptr<Channel> channel = Open({});
  runtime_.Run([&] { CallUntilAllAreCalled(channel); });
  backends_.erase(backends_.begin());
  runtime_.Run([&] {
    for (int i = 0; i < 30; ++i) CallUntilServed(channel);
  });
  EXPECT_THAT(TakeCalls(), Each(Gt(10)));
}

TEST_F(LoadBalancingTest, AServerThatFailsIsEjectedAndComesBack) {
  for (int i = 0; i < 3; ++i) AddBackend();
  runtime_.Run([&] {
    const std::shared_ptr<Channel> channel =
        Open({.ejection = OutlierEjection{.interval = absl::Milliseconds(20),
                                          .base_ejection_time = absl::Milliseconds(20),
                                          .max_ejection_time = absl::Milliseconds(100),
                                          .min_calls = 3}});
    CallUntilAllAreCalled(channel);
    Backend& broken = *backends_[1];
    broken.failing = true;
    // In turn, one call of three would fail.
    for (int successes = 0; successes < 30;) successes = Call(channel).ok() ? successes + 1 : 0;
    broken.failing = false;
    broken.calls = 0;
    while (broken.calls == 0) EXPECT_TRUE(Call(channel).ok());
  });
}

TEST_F(LoadBalancingTest, TheOnlyServerIsNotEjected) {
  AddBackend().failing = true;
  runtime_.Run([&] {
    const std::shared_ptr<Channel> channel =
        Open({.ejection = OutlierEjection{.interval = absl::Milliseconds(1), .min_calls = 1}});
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(Call(channel).code(), absl::StatusCode::kUnknown);
  });
  EXPECT_THAT(TakeCalls(), ElementsAre(1000));
}

// --- DNS -------------------------------------------------------------------------------------

// Answers every question for addresses (RFC 1035, section 4) with those that the test sets.
class DnsServer {
 public:
  DnsServer() {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    Check(bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
    Check(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~DnsServer() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
  }
  int port() const { return port_; }
  // The last number of 127.0.0.x.
  void Answer(uint8_t last_number) { last_number_ = last_number; }

 private:
  void Serve() {
    char message[512];
    sockaddr_in client = {};
    for (;;) {
      socklen_t size = sizeof(client);
      const ssize_t got = recvfrom(socket_, message, sizeof(message), 0,
                                   reinterpret_cast<sockaddr*>(&client), &size);
      if (got < 12) return;
      const std::string answer = AnswerTo({message, static_cast<size_t>(got)});
      sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&client), size);
    }
  }
  std::string AnswerTo(const std::string& query) const {
    const size_t question_end = query.find('\0', 12) + 5;  // name, type, class
    const bool for_ipv4 = query[question_end - 3] == 1;    // type A
    std::string answer = query.substr(0, question_end);
    answer[2] = static_cast<char>(0x84);  // a response, authoritative
    answer[3] = 0;
    answer[7] = for_ipv4 ? 1 : 0;  // answers
    answer[9] = answer[11] = 0;    // authorities, additional records
    if (for_ipv4) {
      // The name at offset 12, type A, class IN, to be kept for 0 s, 4 bytes.
      answer.append("\xC0\x0C\0\1\0\1\0\0\0\0\0\4", 12);
      answer.append({127, 0, 0, static_cast<char>(last_number_.load())});
    }
    return answer;
  }

  const int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int port_ = 0;
  std::atomic<uint8_t> last_number_{1};
  std::thread thread_;
};

TEST_F(LoadBalancingTest, NewServersAreFoundWhenAConnectionEnds) {
  DnsServer dns;
  auto old_server = std::make_unique<Backend>();
  const int port = old_server->port();
  Backend new_server(absl::StrCat("127.0.0.2:", port));
  const std::shared_ptr<Channel> channel = *Channel::Create(
      absl::StrCat("dns://127.0.0.1:", dns.port(), "/shop.test:", port),
      {.load_balancing = {.dns_interval = absl::Milliseconds(1)}, .own_connection = true});
  runtime_.Run([&] { EXPECT_EQ(Call(channel), absl::OkStatus()); });
  EXPECT_EQ(old_server->calls, 1);
  dns.Answer(2);
  old_server.reset();
  runtime_.Run([&] { CallUntilServed(channel); });
  EXPECT_EQ(new_server.calls, 1);
}

// --- Connections -----------------------------------------------------------------------------

// Of this process's sockets that are connected to `port`.
std::vector<int> UserTimeouts(int port) {
  std::vector<int> timeouts;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in6 peer = {};  // gRPC's sockets are for both families.
    socklen_t size = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin6_family != AF_INET6 || ntohs(peer.sin6_port) != port) continue;
    int millis = 0;
    size = sizeof(millis);
    EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &millis, &size), 0);
    timeouts.push_back(millis);
  }
  return timeouts;
}

TEST_F(LoadBalancingTest, TheKernelEndsAConnectionWhosePeerAcknowledgesNothing) {
  const Backend& backend = AddBackend();
  const std::shared_ptr<Channel> channel = *Channel::Create(
      Target(), {.keepalive = {.timeout = absl::Milliseconds(1234)}, .own_connection = true});
  runtime_.Run([&] { EXPECT_TRUE(Call(channel).ok()); });
  EXPECT_THAT(UserTimeouts(backend.port()), ElementsAre(1234));
}

TEST_F(LoadBalancingTest, ConnectMakesAConnectionOnAFiberAndOnAThread) {
  AddBackend();
  const auto call_at_once = [](const std::shared_ptr<Channel>& channel) {
    bench::v1::EchoClient client(channel);
    return client.Say(EchoRequest(), {.retry = false}).status();
  };
  const std::shared_ptr<Channel> by_thread = Open({});
  EXPECT_EQ(by_thread->Connect(absl::InfiniteFuture()), absl::OkStatus());
  runtime_.Run([&] {
    EXPECT_EQ(call_at_once(by_thread), absl::OkStatus());
    const std::shared_ptr<Channel> by_fiber = Open({});
    EXPECT_EQ(by_fiber->Connect(absl::InfiniteFuture()), absl::OkStatus());
    EXPECT_EQ(call_at_once(by_fiber), absl::OkStatus());
  });
}

TEST_F(LoadBalancingTest, ConnectEndsAtItsDeadlineAndSaysToWhom) {
  const std::string target = absl::StrCat("ipv4:127.0.0.1:", AddBackend().port());
  backends_.clear();
  const std::shared_ptr<Channel> channel = *Channel::Create(target);
  const absl::Status status =
      runtime_.Run([&] { return channel->Connect(weft::Now() + absl::Milliseconds(50)); });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr(target));
}

TEST_F(LoadBalancingTest, ConnectCanBeCancelled) {
  const std::string target = absl::StrCat("ipv4:127.0.0.1:", AddBackend().port());
  backends_.clear();
  const std::shared_ptr<Channel> channel = *Channel::Create(target);
  runtime_.Run([&] {
    TaskGroup group;
    auto connecting = group.Spawn([&] { return channel->Connect(absl::InfiniteFuture()); });
    weft::Yield();
    group.Cancel();
    group.Wait().IgnoreError();
    EXPECT_EQ(connecting.status().code(), absl::StatusCode::kCancelled);
  });
}

TEST_F(LoadBalancingTest, BadOptionsAreRefused) {
  EXPECT_EQ(Channel::Create("t", {.load_balancing = {.dns_interval = absl::ZeroDuration()}})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Channel::Create("t", {.keepalive = {.time = absl::ZeroDuration()}}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weft::rpc
