// The limits of connections, seen from the wire.
#include "platform/rpc/server/connection_limits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/raw_http2_client.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;

constexpr char kSay[] = "/bench.v1.Echo/Say";
constexpr int kReceiveBuffer = 1 << 20;
constexpr absl::Duration kSoon = absl::Milliseconds(50);

std::string Message(const std::string& payload) {
  EchoRequest request;
  request.set_payload(payload);
  return request.SerializeAsString();
}

// Handlers wait for ever and tell what ended them.
void HangAndTell(TestServer& server, weft::Channel<CancelCause>* cause) {
  server.echo().say = [cause](CallContext& call, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    const absl::Status status = weft::SleepFor(absl::InfiniteDuration());
    EXPECT_TRUE(cause->TrySend(call.scope().cause()));
    return status;
  };
}

TEST(ConnectionAge, OldConnectionIsToldToGoAndItsCallsFinish) {
  TestServer server({.connections = {.max_age = kSoon}});
  weft::Channel<int> released(1);
  server.echo().say = [&](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    released.Receive();
    return EchoReply();
  };
  RawHttp2Client client(server.port(), kReceiveBuffer);
  client.StartCall(kSay, Message("slow"));
  client.AwaitGoAway();
  EXPECT_TRUE(released.TrySend(1));
  EXPECT_EQ(client.ReadReplies(1).size(), 1u);
  client.AwaitEnd();
}

TEST(ConnectionAge, NewCallsGoToANewConnection) {
  TestServer server({.connections = {.max_age = kSoon}});
  server.Run([&] {
    while (server.server().Stats().connections_accepted_total < 4) {
      EXPECT_EQ(server.client().Say({}).status(), absl::OkStatus());
    }
  });
}

TEST(ConnectionAge, CallsBeyondTheGraceLoseTheirConnection) {
  TestServer server({.connections = {.max_age = kSoon, .max_age_grace = kSoon}});
  weft::Channel<CancelCause> cause(1);
  HangAndTell(server, &cause);
  RawHttp2Client client(server.port(), kReceiveBuffer);
  client.StartCall(kSay, Message("endless"));
  client.AwaitEnd();
  server.Run([&] { EXPECT_EQ(cause.Receive(), CancelCause::kClientGone); });
}

// A peer that connects, sends this and says nothing more.
class SilentPeer {
 public:
  SilentPeer(int port, const std::string& sends) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(send(socket_, sends.data(), sends.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(sends.size()));
  }
  ~SilentPeer() { close(socket_); }
  SilentPeer(const SilentPeer&) = delete;
  SilentPeer& operator=(const SilentPeer&) = delete;

  void AwaitEnd() {
    char buffer[256];
    while (recv(socket_, buffer, sizeof(buffer), 0) > 0) {
    }
  }

 private:
  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

TEST(Handshake, ConnectionThatDoesNotBeginIsClosed) {
  TestServer server({.connections = {.handshake_timeout = kSoon}});
  SilentPeer says_nothing(server.port(), "");
  SilentPeer stops_midway(server.port(), "PRI * HTTP/2.0\r\n\r\nSM");
  says_nothing.AwaitEnd();
  stops_midway.AwaitEnd();
  server.Run([&] {
    while (server.server().Stats().connections_open > 0) weft::Yield();
    EXPECT_TRUE(server.client().Say({}).ok());
  });
}

TEST(IdleConnection, IsClosed) {
  TestServer server({.connections = {.max_idle = kSoon}});
  RawHttp2Client client(server.port(), kReceiveBuffer);
  client.StartCall(kSay, Message("hello"));
  EXPECT_EQ(client.ReadReplies(1).size(), 1u);
  client.AwaitEnd();
}

TEST(Keepalive, EndThatDoesNotAnswerIsFoundAndItsCallsToldSo) {
  TestServer server({.connections = {.keepalive_time = kSoon, .keepalive_timeout = kSoon}});
  weft::Channel<CancelCause> cause(1);
  HangAndTell(server, &cause);
  RawHttp2Client client(server.port(), kReceiveBuffer);
  client.StartCall(kSay, Message("from an end that falls silent"));
  server.Run([&] {
    EXPECT_EQ(cause.Receive(), CancelCause::kClientGone);
    while (server.server().Stats().connections_open > 0) weft::Yield();
  });
}

TEST(Keepalive, EndWithoutCallsThatDoesNotAnswerIsFound) {
  TestServer server({.connections = {.keepalive_time = kSoon, .keepalive_timeout = kSoon}});
  RawHttp2Client client(server.port(), kReceiveBuffer);
  server.Run([&] {
    while (server.server().Stats().connections_accepted_total == 0) weft::Yield();
    while (server.server().Stats().connections_open > 0) weft::Yield();
  });
}

TEST(Keepalive, ClientThatAsksTooOftenIsToldToGo) {
  constexpr int kPings = 10;
  TestServer server({.connections = {.min_ping_interval = absl::Hours(1)}});
  RawHttp2Client client(server.port(), kReceiveBuffer);
  for (int i = 0; i < kPings; ++i) client.SendPing();
  EXPECT_EQ(client.AwaitEnd(), 11u);  // ENHANCE_YOUR_CALM
}

TEST(Keepalive, ClientMayAskAsOftenAsItWasAllowed) {
  constexpr int kPings = 10;
  TestServer server({.connections = {.min_ping_interval = absl::Milliseconds(1)}});
  RawHttp2Client client(server.port(), kReceiveBuffer);
  for (int i = 0; i < kPings; ++i) {
    server.Run([] { EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(2)).ok()); });
    client.SendPing();
  }
  client.StartCall(kSay, Message("still there"));
  EXPECT_EQ(client.ReadReplies(1).size(), 1u);
}

TEST(CallsPerConnection, LimitIsToldToTheClient) {
  TestServer server({.connections = {.max_calls_per_connection = 7, .max_metadata_bytes = 5000}});
  RawHttp2Client client(server.port(), kReceiveBuffer);
  const std::map<int, uint32_t> settings = client.ReadSettings();
  EXPECT_EQ(settings.at(3), 7u);     // MAX_CONCURRENT_STREAMS
  EXPECT_EQ(settings.at(6), 5000u);  // MAX_HEADER_LIST_SIZE
}

TEST(CallsPerConnection, CallsAboveTheLimitWaitInTheClient) {
  constexpr int kLimit = 3;
  TestServer server({.connections = {.max_calls_per_connection = kLimit}});
  int running = 0;
  int most = 0;
  server.echo().say = [&](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    most = std::max(most, ++running);
    if (absl::Status s = weft::SleepFor(absl::Milliseconds(1)); !s.ok()) return s;
    --running;
    return EchoReply();
  };
  server.Run([&] {
    // The limit holds from when the client has heard of it.
    EXPECT_TRUE(server.client().Say({}).ok());
    TaskGroup group;
    for (int i = 0; i < 10 * kLimit; ++i) {
      group.Spawn([&] { return server.client().Say({}).status(); });
    }
    EXPECT_EQ(group.Wait(), absl::OkStatus());
  });
  EXPECT_EQ(most, kLimit);
}

TEST(Metadata, CallWithTooMuchOfItIsRefused) {
  TestServer server({.connections = {.max_metadata_bytes = 2000}});
  server.Run([&] {
    EXPECT_TRUE(server.client().Say({}).ok());
    CallOptions options;
    options.metadata.Add("x-large", std::string(2000, 'x'));
    EXPECT_EQ(server.client().Say({}, options).status().code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(server.client().Say({}).ok());
  });
}

TEST(MaxConnections, ThoseAboveAreClosedAtOnceUntilThereIsRoom) {
  TestServer server({.connections = {.max_connections = 2}});
  const auto open = [&] { return server.server().Stats().connections_open; };
  auto first = std::make_unique<RawHttp2Client>(server.port(), kReceiveBuffer);
  const RawHttp2Client second(server.port(), kReceiveBuffer);
  server.Run([&] {
    while (open() < 2) weft::Yield();
  });
  server.Run(
      [&] { EXPECT_EQ(server.client().Say({}).status().code(), absl::StatusCode::kUnavailable); });
  EXPECT_EQ(open(), 2u);
  EXPECT_GE(server.server().Stats().connections_refused_total, 1u);

  first.reset();
  server.Run([&] {
    while (open() > 1) weft::Yield();
    CallOptions options;
    options.wait_for_ready = true;
    EXPECT_EQ(server.client().Say({}, options).status(), absl::OkStatus());
  });
  EXPECT_EQ(server.server().Stats().connections_accepted_total, 3u);
}

TEST(ConnectionLimits, BadOnesAreNamed) {
  const auto message = [](const ConnectionLimits& limits) {
    ShardQueues queues(1);
    Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
    TestEcho echo;
    const absl::Status status =
        Server::Start(runtime, queues, {.connections = limits}, {&echo}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(message({.max_connections = 0}),
            "ConnectionLimits::max_connections must be greater than zero");
  EXPECT_EQ(message({.handshake_timeout = absl::ZeroDuration()}),
            "ConnectionLimits::handshake_timeout must be greater than zero");
  EXPECT_EQ(message({.keepalive_time = absl::ZeroDuration()}),
            "ConnectionLimits::keepalive_time must be greater than zero");
  EXPECT_EQ(message({.max_age_grace = -absl::Seconds(1)}),
            "ConnectionLimits::max_age_grace must not be below zero");
}

}  // namespace
}  // namespace weft::rpc
