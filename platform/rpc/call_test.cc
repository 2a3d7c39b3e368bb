// Calls of all four kinds, end to end, on one runtime: server and client share the shards.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;

EchoRequest Request(const std::string& payload) {
  EchoRequest request;
  request.set_payload(payload);
  return request;
}

TEST(Unary, AnswersWithTheReply) {
  TestServer server;
  server.Run([&] {
    const absl::StatusOr<EchoReply> reply = server.client().Say(Request("hello"));
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->payload(), "hello");
  });
}

TEST(Unary, CarriesEmptyAndLargeMessages) {
  TestServer server;
  server.Run([&] {
    EXPECT_EQ(server.client().Say(Request(""))->payload(), "");
    const std::string large(1'000'000, 'x');
    EXPECT_EQ(server.client().Say(Request(large))->payload(), large);
  });
}

TEST(Unary, ManyAtOnceAllAnswer) {
  TestServer server;
  server.Run([&] {
    TaskGroup group;
    for (int i = 0; i < 500; ++i) {
      group.Spawn([&, i]() -> absl::Status {
        const std::string payload = absl::StrCat("call ", i);
        const absl::StatusOr<EchoReply> reply = server.client().Say(Request(payload));
        if (!reply.ok()) return reply.status();
        EXPECT_EQ(reply->payload(), payload);
        return absl::OkStatus();
      });
    }
    EXPECT_EQ(group.Wait(), absl::OkStatus());
  });
}

TEST(Unary, StatusOfTheHandlerReachesTheClient) {
  TestServer server;
  server.echo().say = [](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    return absl::NotFoundError("no such word");
  };
  server.Run([&] {
    EXPECT_EQ(server.client().Say(Request("x")).status(), absl::NotFoundError("no such word"));
  });
}

TEST(Unary, HandlerThatThrowsAnswersInternalAndTheServerLivesOn) {
  TestServer server;
  server.echo().say = [](CallContext&, const EchoRequest& request) -> absl::StatusOr<EchoReply> {
    if (request.payload() == "throw") throw std::runtime_error("boom");
    return EchoReply();
  };
  server.Run([&] {
    const absl::Status status = server.client().Say(Request("throw")).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    EXPECT_EQ(status.message().find("boom"), absl::string_view::npos) << status;
    EXPECT_TRUE(server.client().Say(Request("again")).ok());
  });
}

TEST(Unary, MethodWithoutHandlerIsUnimplemented) {
  TestServer server;
  server.Run([&] {
    bench::v1::DownloadRequest request;
    auto replies = server.client().Download(request);
    EchoReply reply;
    EXPECT_FALSE(replies.Read(&reply));
    EXPECT_EQ(replies.Finish().code(), absl::StatusCode::kUnimplemented);
  });
}

TEST(Unary, UnknownMethodIsUnimplementedAndNamed) {
  TestServer server;
  server.Run([&] {
    static constexpr MethodDescriptor kUnknown = {"/no.such.Service/Method", MethodKind::kUnary};
    const absl::Status status =
        CallUnary<EchoReply>(server.channel(), kUnknown, Request(""), {}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_NE(status.message().find("no.such.Service/Method"), absl::string_view::npos) << status;
  });
}

TEST(Unary, RequestOverTheLimitIsRefusedAndTheServerLivesOn) {
  TestServer server({.max_receive_message_bytes = 1'000});
  server.Run([&] {
    const absl::Status status = server.client().Say(Request(std::string(2'000, 'x'))).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_TRUE(server.client().Say(Request("small")).ok());
  });
}

TEST(Unary, MetadataTravelsBothWays) {
  TestServer server;
  server.echo().say = [](CallContext& call, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    EchoReply reply;
    reply.set_payload(std::string(call.metadata().Find("x-word").value_or("none")));
    call.AddInitialMetadata("x-initial", "first");
    call.AddTrailingMetadata("x-bytes-bin", absl::string_view("\0\1\2", 3));
    return reply;
  };
  server.Run([&] {
    Metadata initial;
    Metadata trailing;
    CallOptions options;
    options.metadata.Add("x-word", "hello");
    options.initial_metadata = &initial;
    options.trailing_metadata = &trailing;
    EXPECT_EQ(server.client().Say(Request(""), options)->payload(), "hello");
    ASSERT_EQ(initial.entries().size(), 1u);
    EXPECT_EQ(initial.entries()[0].second, "first");
    ASSERT_EQ(trailing.entries().size(), 1u);
    EXPECT_EQ(trailing.entries()[0].second, std::string("\0\1\2", 3));
  });
}

// What a call was accepted with stays its own while its slot brings others.
TEST(Unary, MetadataAndRequestStayWithTheirCallWhileOthersCome) {
  constexpr int kCalls = 20;
  TestServer server;
  weft::Channel<int> all_arrived(1);
  int arrived = 0;
  server.echo().say = [&](CallContext& call,
                          const EchoRequest& request) -> absl::StatusOr<EchoReply> {
    const std::optional<absl::string_view> before = call.metadata().Find("x-short");
    if (++arrived == kCalls) all_arrived.Close();
    all_arrived.Receive();
    EXPECT_EQ(call.metadata().Find("x-short"), before);
    EchoReply reply;
    reply.set_payload(absl::StrCat(request.payload(), *call.metadata().Find("x-short"),
                                   *call.metadata().Find("x-long")));
    return reply;
  };
  server.Run([&] {
    TaskGroup group;
    for (int i = 0; i < kCalls; ++i) {
      group.Spawn([&, i] {
        // gRPC keeps the one inside its entry, the other beside it.
        const std::string long_value(100, static_cast<char>('a' + i));
        CallOptions options;
        options.metadata.Add("x-short", absl::StrCat(i));
        options.metadata.Add("x-long", long_value);
        const auto reply = server.client().Say(Request("call "), options);
        ASSERT_TRUE(reply.ok()) << reply.status();
        EXPECT_EQ(reply->payload(), absl::StrCat("call ", i, long_value));
      });
    }
    EXPECT_EQ(group.Wait(), absl::OkStatus());
  });
}

TEST(Unary, BadMetadataIsRefusedByName) {
  TestServer server;
  server.Run([&] {
    CallOptions options;
    options.metadata.Add("Upper Case", "x");
    const absl::Status status = server.client().Say(Request(""), options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("Upper Case"), absl::string_view::npos) << status;
  });
}

TEST(Deadline, ReachesTheHandlerAndEndsItsSleep) {
  TestServer server;
  weft::Channel<absl::Status> handler_ended(1);
  server.echo().say = [&](CallContext& call, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    EXPECT_NE(call.deadline(), absl::InfiniteFuture());
    const absl::Status status = weft::SleepFor(absl::Hours(1));
    EXPECT_TRUE(handler_ended.TrySend(status));
    return status;
  };
  server.Run([&] {
    CallOptions options;
    options.timeout = absl::Milliseconds(30);
    EXPECT_EQ(server.client().Say(Request(""), options).status().code(),
              absl::StatusCode::kDeadlineExceeded);
    // The client's own giving up may reach the handler before its deadline does.
    const absl::StatusCode code = handler_ended.Receive()->code();
    EXPECT_TRUE(code == absl::StatusCode::kDeadlineExceeded ||
                code == absl::StatusCode::kCancelled);
  });
}

TEST(Cancellation, OfTheCallingFiberReachesTheHandler) {
  TestServer server;
  weft::Channel<int> handler_started(1);
  weft::Channel<std::vector<CancelReason>> handler_ended(1);
  server.echo().say = [&](CallContext& call, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    EXPECT_TRUE(handler_started.TrySend(1));
    const absl::Status status = weft::SleepFor(absl::Hours(1));
    EXPECT_EQ(status.message(), "cancelled: client gone [bench.v1.Echo/Say] (while sleeping)");
    EXPECT_TRUE(handler_ended.TrySend(call.scope().chain()));
    return status;
  };
  server.Run([&] {
    TaskGroup group;
    auto call = group.Spawn([&] { return server.client().Say(Request("")).status(); });
    handler_started.Receive();
    group.Cancel();
    EXPECT_FALSE(group.Wait().ok());
    EXPECT_EQ(call.status().code(), absl::StatusCode::kCancelled);
    const std::vector<CancelReason> chain = *handler_ended.Receive();
    ASSERT_EQ(chain.size(), 1u);
    EXPECT_EQ(chain[0].cause, CancelCause::kClientGone);
    EXPECT_EQ(chain[0].scope, "bench.v1.Echo/Say");
  });
}

TEST(Cancellation, DeadlineOfTheScopeBoundsTheCall) {
  TestServer server;
  server.echo().say = [](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    return weft::SleepFor(absl::Hours(1));
  };
  server.Run([&] {
    CancelScope scope({.deadline = weft::Now() + absl::Milliseconds(20)});
    EXPECT_EQ(server.client().Say(Request("")).status().code(),
              absl::StatusCode::kDeadlineExceeded);
  });
}

TEST(Streaming, BidirectionalEchoesInOrder) {
  TestServer server;
  server.Run([&] {
    auto stream = server.client().Chat();
    EchoReply reply;
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(stream.Write(Request(absl::StrCat(i))));
      ASSERT_TRUE(stream.Read(&reply));
      EXPECT_EQ(reply.payload(), absl::StrCat(i));
    }
    stream.WritesDone();
    EXPECT_FALSE(stream.Read(&reply));
    EXPECT_EQ(stream.Finish(), absl::OkStatus());
  });
}

TEST(Streaming, ServerStreamEndsCleanly) {
  TestServer server;
  server.echo().download = [](CallContext&, const bench::v1::DownloadRequest& request,
                              ServerWriter<EchoReply>& replies) {
    EchoReply reply;
    for (uint32_t i = 0; i < request.messages(); ++i) {
      reply.set_payload(absl::StrCat(i));
      if (absl::Status s = replies.Write(reply); !s.ok()) return s;
    }
    return absl::OkStatus();
  };
  server.Run([&] {
    bench::v1::DownloadRequest request;
    request.set_messages(50);
    auto replies = server.client().Download(request);
    EchoReply reply;
    int count = 0;
    while (replies.Read(&reply)) EXPECT_EQ(reply.payload(), absl::StrCat(count++));
    EXPECT_EQ(replies.Finish(), absl::OkStatus());
    EXPECT_EQ(count, 50);
  });
}

TEST(Streaming, ClientStreamGetsOneReply) {
  TestServer server;
  server.Run([&] {
    auto requests = server.client().Upload();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(requests.Write(Request("12345")));
    const absl::StatusOr<bench::v1::UploadReply> reply = requests.Finish();
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->messages(), 20u);
    EXPECT_EQ(reply->payload_bytes(), 100u);
  });
}

TEST(Streaming, AbandonedStreamCancelsTheHandler) {
  TestServer server;
  weft::Channel<absl::Status> ended(1);
  server.echo().download = [&](CallContext&, const bench::v1::DownloadRequest&,
                               ServerWriter<EchoReply>& replies) {
    EchoReply reply;
    reply.set_payload(std::string(100'000, 'x'));
    absl::Status status;
    while (status.ok()) status = replies.Write(reply);  // Until flow control stops it.
    EXPECT_TRUE(ended.TrySend(status));
    return status;
  };
  server.Run([&] {
    {
      auto replies = server.client().Download({});
      EchoReply reply;
      EXPECT_TRUE(replies.Read(&reply));
    }
    EXPECT_EQ(ended.Receive()->code(), absl::StatusCode::kCancelled);
  });
}

// Or else half an upload would be taken for a whole one.
TEST(Streaming, ClientThatGoesAwayIsNoCleanEndOfItsRequests) {
  constexpr int kCalls = 20;
  TestServer server;
  weft::Channel<absl::Status> ended(kCalls);
  server.echo().chat = [&](CallContext&, ServerStream<EchoRequest, EchoReply>& stream) {
    EchoRequest request;
    while (stream.Read(&request) && stream.Write({}).ok()) {
    }
    EXPECT_TRUE(ended.TrySend(stream.status()));
    return stream.status();
  };
  server.Run([&] {
    for (int i = 0; i < kCalls; ++i) {
      {
        auto stream = server.client().Chat();
        EchoReply reply;
        EXPECT_TRUE(stream.Write(Request("the first half")));
        EXPECT_TRUE(stream.Read(&reply));
      }
      EXPECT_EQ(ended.Receive()->code(), absl::StatusCode::kCancelled);
    }
  });
}

TEST(Streaming, CancelByAnotherFiberEndsAReadInFlight) {
  TestServer server;
  server.Run([&] {
    auto stream = server.client().Chat();
    bench::v1::EchoRequest request;
    bench::v1::EchoReply reply;
    ASSERT_TRUE(stream.Write(request));
    ASSERT_TRUE(stream.Read(&reply));
    TaskGroup group;
    group.Spawn([&] { stream.Cancel(); });
    EXPECT_FALSE(stream.Read(&reply));  // Parks, since nothing more comes.
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
    stream.Cancel();  // Nothing is left to be cancelled.
    EXPECT_EQ(stream.Finish().code(), absl::StatusCode::kCancelled);
  });
}

TEST(Streaming, CancelBeforeTheFirstWriteEndsTheCall) {
  TestServer server;
  server.Run([&] {
    auto requests = server.client().Upload();
    requests.Cancel();
    EXPECT_FALSE(requests.Write({}));
    EXPECT_EQ(requests.Finish().status().code(), absl::StatusCode::kCancelled);
  });
}

TEST(Client, CallOffFibersFailsWithAdvice) {
  TestServer server;
  const absl::Status status = server.client().Say(Request("")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Client, UnreachablePeerIsUnavailableAndNamed) {
  TestServer server;
  auto channel = rpc::Channel::Create("127.0.0.1:1");
  ASSERT_TRUE(channel.ok());
  server.Run([&] {
    bench::v1::EchoClient client(*channel);
    const absl::Status status = client.Say(Request("")).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_NE(status.message().find("127.0.0.1:1"), absl::string_view::npos) << status;
  });
  channel->reset();
}

}  // namespace
}  // namespace weft::rpc
