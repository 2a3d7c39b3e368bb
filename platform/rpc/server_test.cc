// The server's own life: start, faults on the wire, interceptors, shutdown at each point.
#include "platform/rpc/server/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;

absl::StatusOr<std::unique_ptr<Server>> StartOn(TestServer& other, ShardQueues& queues,
                                                Runtime& runtime, std::string address) {
  return Server::Start(runtime, queues, {.listen = {std::move(address)}}, {&other.echo()});
}

TEST(ServerStart, PortInUseIsNamed) {
  TestServer first;
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  const std::string address = absl::StrCat("127.0.0.1:", first.port());
  const absl::Status status = StartOn(first, queues, runtime, address).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find(address), absl::string_view::npos) << status;
}

TEST(ServerStart, ASecondOnTheSameQueuesIsRefused) {
  TestServer other;
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  const auto server = StartOn(other, queues, runtime, "127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(StartOn(other, queues, runtime, "127.0.0.1:0").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ServerStart, BadAddressesAreNamed) {
  TestServer other;
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  for (const std::string address : {"127.0.0.1", "127.0.0.1:http2", "127.0.0.1:70000", ":",
                                    "no.such.host.invalid:1", "192.0.2.1:0"}) {
    const absl::Status status = StartOn(other, queues, runtime, address).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << address << ": " << status;
    EXPECT_NE(status.message().find(address), absl::string_view::npos) << status;
  }
}

TEST(ServerStart, MethodRegisteredTwiceIsNamed) {
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  TestEcho one;
  TestEcho two;
  const absl::Status status = Server::Start(runtime, queues, {}, {&one, &two}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("bench.v1.Echo/"), absl::string_view::npos) << status;
}

TEST(ServerStart, ListensOnSeveralAddressesAndIpv6) {
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  TestEcho echo;
  auto server = Server::Start(runtime, queues, {.listen = {"127.0.0.1:0", "[::1]:0"}}, {&echo});
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_EQ((*server)->ports().size(), 2u);
  auto channel = Channel::Create(absl::StrCat("[::1]:", (*server)->ports()[1]));
  runtime.Run([&] {
    bench::v1::EchoClient client(*channel);
    EXPECT_TRUE(client.Say({}).ok());
  });
  channel->reset();
  EXPECT_EQ((*server)->Shutdown({}), absl::OkStatus());
}

TEST(ServerStart, AbstractSocketServesWithoutAPort) {
  const std::string address = absl::StrCat("unix-abstract:weft-server-test-", getpid());
  setenv("http_proxy", "http://127.0.0.1:1", /*overwrite=*/1);  // Is not asked.
  TestServer server({.listen = {address}});
  EXPECT_EQ(server.server().ports(), std::vector<int>{0});
  auto channel = Channel::Create(address, {.own_connection = true});
  server.Run([&] {
    bench::v1::EchoClient client(*channel);
    EXPECT_EQ(client.Say({}).status(), absl::OkStatus());
    EXPECT_EQ(server.server().Stats().connections_open, 1u);
  });
  unsetenv("http_proxy");

  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  const absl::Status status = StartOn(server, queues, runtime, address).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find(address), absl::string_view::npos) << status;
}

TEST(ServerStart, AbstractSocketNeedsANameThatFits) {
  TestServer other;
  ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  for (const std::string& name : {std::string(), std::string(108, 'x')}) {
    const absl::Status status =
        StartOn(other, queues, runtime, absl::StrCat("unix-abstract:", name)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_NE(status.message().find("1 to 107 bytes"), absl::string_view::npos) << status;
  }
}

// --- The wire --------------------------------------------------------------------------------

int ConnectTo(int port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return descriptor;
}

TEST(Wire, GarbageBytesCloseThatConnectionAndTheServerLivesOn) {
  TestServer server;
  const int descriptor = ConnectTo(server.port());
  const std::string garbage(4096, '\x5a');
  EXPECT_GT(send(descriptor, garbage.data(), garbage.size(), MSG_NOSIGNAL), 0);
  char buffer[4096];
  while (recv(descriptor, buffer, sizeof(buffer), 0) > 0) {
  }  // Until the server closes it.
  close(descriptor);
  server.Run([&] { EXPECT_TRUE(server.client().Say({}).ok()); });
}

TEST(Wire, ClosedConnectionsAreForgotten) {
  TestServer server;
  server.Run([&] { EXPECT_TRUE(server.client().Say({}).ok()); });
  std::vector<int> descriptors;
  for (int i = 0; i < 20; ++i) descriptors.push_back(ConnectTo(server.port()));
  server.Run([&] {
    while (server.server().Stats().connections_open < 21) weft::Yield();
  });
  for (const int descriptor : descriptors) close(descriptor);
  server.Run([&] {
    while (server.server().Stats().connections_open > 1) weft::Yield();
  });
  EXPECT_EQ(server.server().Stats().connections_accepted_total, 21u);
}

TEST(Wire, BrokenConnectionEndsItsCallsAndTheNextOneConnectsAgain) {
  TestServer server;
  absl::Status handler_saw;
  weft::Event handler_ended;
  server.echo().say = [&](CallContext&, const EchoRequest& request) -> absl::StatusOr<EchoReply> {
    if (request.payload() != "break") return EchoReply();
    server.server().BreakConnections();
    weft::Event never;
    handler_saw = never.Wait();
    handler_ended.Set();
    return handler_saw;
  };
  server.Run([&] {
    EXPECT_TRUE(server.client().Say({}).ok());
    EchoRequest request;
    request.set_payload("break");
    const absl::Status status = server.client().Say(request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(handler_ended.Wait(), absl::OkStatus());
    EXPECT_EQ(handler_saw.code(), absl::StatusCode::kCancelled) << handler_saw;
    EXPECT_EQ(server.client().Say({}).status(), absl::OkStatus());
  });
  EXPECT_EQ(server.server().Stats().connections_accepted_total, 2u);
  EXPECT_EQ(server.server().Shutdown({}), absl::OkStatus());
  server.server().BreakConnections();  // There are none: no effect.
}

TEST(Wire, ManyCallsOnTwoShards) {
  TestServer server({}, /*shards=*/2);
  for (int shard = 0; shard < 2; ++shard) {
    server.runtime().Run(
        [&] {
          TaskGroup group;
          for (int i = 0; i < 200; ++i) {
            group.Spawn([&]() -> absl::Status { return server.client().Say({}).status(); });
          }
          EXPECT_EQ(group.Wait(), absl::OkStatus());
        },
        shard);
  }
}

TEST(Wire, RepliesOfOneTurnArriveWhole) {
  // Enough streams at once that replies leave together, corked, with sizes round a segment's.
  TestServer server;
  server.Run([&] {
    TaskGroup group;
    for (size_t i = 0; i < 100; ++i) {
      group.Spawn([&, i]() -> absl::Status {
        EchoRequest request;
        request.set_payload(std::string(i * 37, 'x'));
        const absl::StatusOr<EchoReply> reply = server.client().Say(request);
        if (!reply.ok()) return reply.status();
        EXPECT_EQ(reply->payload().size(), i * 37);
        return absl::OkStatus();
      });
    }
    EXPECT_EQ(group.Wait(), absl::OkStatus());
  });
}

// --- Interceptors ----------------------------------------------------------------------------

class Recorder final : public ServerInterceptor {
 public:
  Recorder(std::string name, std::vector<std::string>* log,
           InterceptorStage stage = InterceptorStage::kUser)
      : name_(std::move(name)), log_(log), stage_(stage) {}
  InterceptorStage stage() const override { return stage_; }
  absl::Status Intercept(CallContext& call, Next next) override {
    log_->push_back(absl::StrCat(name_, " before ", call.method().name()));
    absl::Status status = next();
    log_->push_back(absl::StrCat(name_, " after ", absl::StatusCodeToString(status.code())));
    return status;
  }

 private:
  const std::string name_;
  std::vector<std::string>* const log_;
  const InterceptorStage stage_;
};

// Its stage, as a call starts.
class ClientRecorder final : public ClientInterceptor {
 public:
  ClientRecorder(InterceptorStage stage, std::vector<InterceptorStage>* log)
      : stage_(stage), log_(log) {}
  InterceptorStage stage() const override { return stage_; }
  std::unique_ptr<ClientCallTracker> Start(OutgoingCall&) override {
    log_->push_back(stage_);
    return nullptr;
  }

 private:
  const InterceptorStage stage_;
  std::vector<InterceptorStage>* const log_;
};

TEST(Interceptors, StandInTheOrderOfTheirStages) {
  std::vector<std::string> log;
  Recorder user("user", &log);
  Recorder admission("admission", &log, InterceptorStage::kAdmission);
  Recorder first("first telemetry", &log, InterceptorStage::kTelemetry);
  Recorder second("second telemetry", &log, InterceptorStage::kTelemetry);
  Recorder transport("transport", &log, InterceptorStage::kTransport);
  TestServer server({.interceptors = {&user, &first, &admission, &second, &transport}});
  server.Run([&] { EXPECT_TRUE(server.client().Say({}).ok()); });
  ASSERT_EQ(log.size(), 10U);
  log.resize(5);
  EXPECT_EQ(log,
            (std::vector<std::string>{
                "transport before bench.v1.Echo/Say", "first telemetry before bench.v1.Echo/Say",
                "second telemetry before bench.v1.Echo/Say", "admission before bench.v1.Echo/Say",
                "user before bench.v1.Echo/Say"}));
}

TEST(Interceptors, OfAClientStandTheOtherWayRound) {
  std::vector<InterceptorStage> log;
  ClientRecorder transport(InterceptorStage::kTransport, &log);
  ClientRecorder telemetry(InterceptorStage::kTelemetry, &log);
  ClientRecorder user(InterceptorStage::kUser, &log);
  TestServer server;
  auto channel = rpc::Channel::Create(
      absl::StrCat("127.0.0.1:", server.port()),
      {.interceptors = {&transport, &telemetry, &user}, .own_connection = true});
  ASSERT_TRUE(channel.ok());
  server.Run([&] { EXPECT_TRUE(bench::v1::EchoClient(*channel).Say({}).ok()); });
  EXPECT_EQ(log,
            (std::vector<InterceptorStage>{InterceptorStage::kUser, InterceptorStage::kTelemetry,
                                           InterceptorStage::kTransport}));
}

TEST(Interceptors, NestInTheirOrderAndSeeTheStatus) {
  std::vector<std::string> log;
  Recorder outer("outer", &log);
  Recorder inner("inner", &log);
  TestServer server({.interceptors = {&outer, &inner}});
  server.echo().say = [](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    return absl::NotFoundError("");
  };
  server.Run([&] { EXPECT_FALSE(server.client().Say({}).ok()); });
  EXPECT_EQ(log, (std::vector<std::string>{"outer before bench.v1.Echo/Say",
                                           "inner before bench.v1.Echo/Say",
                                           "inner after NOT_FOUND", "outer after NOT_FOUND"}));
}

// Uses up all the time that a call has.
class Dawdler final : public ServerInterceptor {
 public:
  absl::Status Intercept(CallContext& call, Next next) override {
    while (weft::Now() <= call.deadline()) {
    }
    return next();
  }
};

TEST(Interceptors, AHandlerDoesNotStartAfterItsDeadline) {
  Dawdler dawdler;
  TestServer server({.interceptors = {&dawdler}});
  server.echo().say = [](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    ADD_FAILURE() << "the handler ran";
    return EchoReply();
  };
  server.Run([&] {
    EXPECT_EQ(server.client().Say({}, {.timeout = absl::Milliseconds(10)}).status().code(),
              absl::StatusCode::kDeadlineExceeded);
  });
}

class Refuser final : public ServerInterceptor {
 public:
  absl::Status Intercept(CallContext&, Next) override {
    return absl::PermissionDeniedError("not you");
  }
};

TEST(Interceptors, MayAnswerWithoutTheHandler) {
  Refuser refuser;
  TestServer server({.interceptors = {&refuser}});
  server.echo().say = [](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    ADD_FAILURE() << "the handler ran";
    return EchoReply();
  };
  server.Run(
      [&] { EXPECT_EQ(server.client().Say({}).status(), absl::PermissionDeniedError("not you")); });
}

// --- Shutdown --------------------------------------------------------------------------------

// A server with one call in its handler, which `release` lets go on.
class BusyServer {
 public:
  explicit BusyServer(bool heed_cancellation) {
    server.echo().say = [this, heed_cancellation](CallContext& call,
                                                  const EchoRequest&) -> absl::StatusOr<EchoReply> {
      started.Notify();
      absl::Status status;
      while (!released.load()) {
        if (heed_cancellation && call.scope().cancelled()) return call.scope().status();
        weft::Yield();
      }
      return EchoReply();
    };
    caller = std::thread(
        [this] { server.runtime().Run([this] { answer = server.client().Say({}).status(); }, 1); });
    started.WaitForNotification();
  }
  ~BusyServer() {
    released = true;
    if (caller.joinable()) caller.join();
  }

  TestServer server{{}, /*shards=*/2};
  absl::Notification started;
  std::atomic<bool> released{false};
  absl::Status answer;
  std::thread caller;
};

TEST(Shutdown, ConnectionsMayComeMeanwhile) {
  for (int round = 0; round < 20; ++round) {
    TestServer server;
    std::atomic<bool> stopped{false};
    std::thread knocker([&, port = server.port()] {
      sockaddr_in address = {};
      address.sin_family = AF_INET;
      address.sin_port = htons(static_cast<uint16_t>(port));
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      while (!stopped.load()) {
        const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        // Refused once the server has stopped listening.
        static_cast<void>(
            connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)));
        close(descriptor);
      }
    });
    while (server.server().Stats().connections_accepted_total == 0) std::this_thread::yield();
    EXPECT_EQ(server.server().Shutdown({}), absl::OkStatus());
    stopped = true;
    knocker.join();
  }
}

TEST(Shutdown, IdleServerStopsAtOnceAndRefusesCalls) {
  TestServer server;
  server.Run([&] { EXPECT_TRUE(server.client().Say({}).ok()); });
  EXPECT_EQ(server.server().Shutdown({}), absl::OkStatus());
  EXPECT_EQ(server.server().Shutdown({}), absl::OkStatus());
  server.Run(
      [&] { EXPECT_EQ(server.client().Say({}).status().code(), absl::StatusCode::kUnavailable); });
}

TEST(Shutdown, CallsInFlightFinish) {
  BusyServer busy(/*heed_cancellation=*/true);
  std::thread shutdown([&] { EXPECT_EQ(busy.server.server().Shutdown({}), absl::OkStatus()); });
  busy.released = true;
  shutdown.join();
  busy.caller.join();
  EXPECT_EQ(busy.answer, absl::OkStatus());
}

TEST(Shutdown, CallsBeyondTheGraceAreCancelledWithTheCauseDrain) {
  BusyServer busy(/*heed_cancellation=*/true);
  EXPECT_EQ(busy.server.server().Shutdown({.grace = absl::ZeroDuration()}), absl::OkStatus());
  busy.caller.join();
  EXPECT_EQ(busy.answer.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(busy.answer.message(),
            "cancelled: drain: the server is shutting down [bench.v1.Echo/Say]");
}

TEST(Shutdown, HandlerThatDoesNotReturnIsNamed) {
  BusyServer busy(/*heed_cancellation=*/false);
  const absl::Status status = busy.server.server().Shutdown(
      {.grace = absl::ZeroDuration(), .after_cancel = absl::ZeroDuration()});
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(status.message().find("bench.v1.Echo/Say"), absl::string_view::npos) << status;
  busy.released = true;  // The destructor's Shutdown waits for it.
}

TEST(Shutdown, OpenStreamsSeeTheirCancellation) {
  TestServer server({}, /*shards=*/2);
  absl::Notification streaming;
  absl::Status ended;
  std::thread caller([&] {
    server.runtime().Run(
        [&] {
          auto stream = server.client().Chat();
          EchoReply reply;
          EXPECT_TRUE(stream.Write({}));
          EXPECT_TRUE(stream.Read(&reply));
          streaming.Notify();
          EXPECT_FALSE(stream.Read(&reply));
          ended = stream.Finish();
        },
        1);
  });
  streaming.WaitForNotification();
  EXPECT_EQ(server.server().Shutdown({.grace = absl::ZeroDuration()}), absl::OkStatus());
  caller.join();
  EXPECT_EQ(ended.code(), absl::StatusCode::kCancelled) << ended;
}

}  // namespace
}  // namespace weft::rpc
