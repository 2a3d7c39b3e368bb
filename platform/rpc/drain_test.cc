// What handlers see of a server that drains, and what their clients get.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/select.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using ChatStream = ServerStream<EchoRequest, EchoReply>;

// Long enough that no test ends by it: what ends does so by itself.
constexpr Server::ShutdownOptions kPatient = {.grace = absl::Minutes(5)};

EchoRequest Request(const std::string& payload) {
  EchoRequest request;
  request.set_payload(payload);
  return request;
}

EchoReply Reply(const std::string& payload) {
  EchoReply reply;
  reply.set_payload(payload);
  return reply;
}

// Runs `client` on a shard of the server's while the server shuts down, from when the client has
// notified `ready`.
template <typename Client>
void ShutDownUnder(TestServer& server, absl::Notification& ready, Client client) {
  std::thread caller([&] { server.runtime().Run(client, 1); });
  ready.WaitForNotification();
  EXPECT_EQ(server.server().Shutdown(kPatient), absl::OkStatus());
  caller.join();
}

TEST(Drain, StreamThatWaitsForRequestsIsTold) {
  TestServer server({}, /*shards=*/2);
  server.echo().chat = [](CallContext& call, ChatStream& stream) -> absl::Status {
    EXPECT_FALSE(call.draining());
    EchoRequest request;
    while (stream.ReadUntilDrain(&request)) {
      if (absl::Status s = stream.Write(Reply(request.payload())); !s.ok()) return s;
    }
    EXPECT_TRUE(call.draining());
    EXPECT_EQ(stream.status(), absl::OkStatus());
    EXPECT_FALSE(stream.ReadUntilDrain(&request));
    return stream.Write(Reply("bye"));
  };
  absl::Notification ready;
  ShutDownUnder(server, ready, [&] {
    auto stream = server.client().Chat();
    EchoReply reply;
    EXPECT_TRUE(stream.Write(Request("hello")));
    EXPECT_TRUE(stream.Read(&reply));
    EXPECT_EQ(reply.payload(), "hello");
    ready.Notify();
    EXPECT_TRUE(stream.Read(&reply));
    EXPECT_EQ(reply.payload(), "bye");
    EXPECT_FALSE(stream.Read(&reply));
    EXPECT_EQ(stream.Finish(), absl::OkStatus());
  });
}

TEST(Drain, ReadsGoOnAfterTheHandlerWasToldAndMissNothing) {
  constexpr int kRest = 20;
  TestServer server({}, /*shards=*/2);
  std::vector<std::string> got;
  absl::Notification ready;
  server.echo().chat = [&](CallContext&, ChatStream& stream) -> absl::Status {
    ready.Notify();
    EchoRequest request;
    while (stream.ReadUntilDrain(&request)) got.push_back(request.payload());
    if (absl::Status s = stream.Write(Reply("please finish")); !s.ok()) return s;
    while (stream.Read(&request)) got.push_back(request.payload());
    return stream.status();
  };
  ShutDownUnder(server, ready, [&] {
    auto stream = server.client().Chat();
    EchoReply reply;
    EXPECT_TRUE(stream.Write(Request("first")));
    EXPECT_TRUE(stream.Read(&reply));
    for (int i = 0; i < kRest; ++i) EXPECT_TRUE(stream.Write(Request(absl::StrCat(i))));
    stream.WritesDone();
    EXPECT_FALSE(stream.Read(&reply));
    EXPECT_EQ(stream.Finish(), absl::OkStatus());
  });
  std::vector<std::string> expected = {"first"};
  for (int i = 0; i < kRest; ++i) expected.push_back(absl::StrCat(i));
  EXPECT_EQ(got, expected);
}

TEST(Drain, StreamThatWaitsForSomethingElseIsTold) {
  TestServer server({}, /*shards=*/2);
  weft::Channel<std::string> news(1);
  server.echo().download = [&](CallContext& call, const bench::v1::DownloadRequest&,
                               ServerWriter<EchoReply>& replies) {
    absl::Status status = replies.Write(Reply("begin"));
    bool told = false;
    while (status.ok() && !told) {
      status = weft::Select(Receive(news, [](const std::optional<std::string>&) {}),
                            Wait(call.drain_event(), [&] { told = true; }))
                   .status();
    }
    return status.ok() ? replies.Write(Reply("bye")) : status;
  };
  absl::Notification ready;
  ShutDownUnder(server, ready, [&] {
    auto replies = server.client().Download({});
    EchoReply reply;
    EXPECT_TRUE(replies.Read(&reply));
    ready.Notify();
    EXPECT_TRUE(replies.Read(&reply));
    EXPECT_EQ(reply.payload(), "bye");
    EXPECT_FALSE(replies.Read(&reply));
    EXPECT_EQ(replies.Finish(), absl::OkStatus());
  });
}

TEST(Drain, StreamThatIgnoresItIsCancelledAndItsClientIsToldWhy) {
  TestServer server({}, /*shards=*/2);
  absl::Notification ready;
  absl::Status ended;
  std::thread caller([&] {
    server.runtime().Run(
        [&] {
          auto stream = server.client().Chat();
          EchoReply reply;
          EXPECT_TRUE(stream.Write(Request("hello")));
          EXPECT_TRUE(stream.Read(&reply));
          ready.Notify();
          EXPECT_FALSE(stream.Read(&reply));
          ended = stream.Finish();
        },
        1);
  });
  ready.WaitForNotification();
  EXPECT_EQ(server.server().Shutdown({.grace = absl::Milliseconds(10)}), absl::OkStatus());
  caller.join();
  EXPECT_EQ(ended, absl::CancelledError("cancelled: drain: the server is shutting down "
                                        "[bench.v1.Echo/Chat] (while reading a request)"));
}

TEST(ReadUntilDrain, EndsWithTheClientsLastRequest) {
  TestServer server;
  absl::Status at_end = absl::UnknownError("");
  server.echo().chat = [&](CallContext& call, ChatStream& stream) -> absl::Status {
    EchoRequest request;
    while (stream.ReadUntilDrain(&request)) {
    }
    EXPECT_FALSE(call.draining());
    at_end = stream.status();
    return at_end;
  };
  server.Run([&] {
    auto stream = server.client().Chat();
    EXPECT_TRUE(stream.Write(Request("only")));
    stream.WritesDone();
    EchoReply reply;
    EXPECT_FALSE(stream.Read(&reply));
    EXPECT_EQ(stream.Finish(), absl::OkStatus());
  });
  EXPECT_EQ(at_end, absl::OkStatus());
}

TEST(ReadUntilDrain, EndsWithItsClient) {
  TestServer server;
  weft::Channel<absl::Status> ended(1);
  server.echo().chat = [&](CallContext&, ChatStream& stream) -> absl::Status {
    EchoRequest request;
    while (stream.ReadUntilDrain(&request) && stream.Write({}).ok()) {
    }
    EXPECT_TRUE(ended.TrySend(stream.status()));
    return stream.status();
  };
  server.Run([&] {
    {
      auto stream = server.client().Chat();
      EchoReply reply;
      EXPECT_TRUE(stream.Write(Request("only")));
      EXPECT_TRUE(stream.Read(&reply));
    }
    EXPECT_EQ(ended.Receive()->code(), absl::StatusCode::kCancelled);
  });
}

TEST(ReadUntilDrain, AllowsNoSecondReadBesideIt) {
  TestServer server;
  server.echo().chat = [&](CallContext&, ChatStream& stream) -> absl::Status {
    TaskGroup group;
    group.Spawn([&] {
      EchoRequest request;
      while (stream.ReadUntilDrain(&request)) {
      }
    });
    weft::Yield();
    EchoRequest request;
    ChatStream second = stream;
    EXPECT_FALSE(second.Read(&request));
    EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
    if (absl::Status s = stream.Write(Reply("seen")); !s.ok()) return s;
    return group.Wait();
  };
  server.Run([&] {
    auto stream = server.client().Chat();
    EchoReply reply;
    EXPECT_TRUE(stream.Read(&reply));
    stream.WritesDone();
    EXPECT_FALSE(stream.Read(&reply));
    EXPECT_EQ(stream.Finish(), absl::OkStatus());
  });
}

}  // namespace
}  // namespace weft::rpc
