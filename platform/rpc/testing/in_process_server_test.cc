#include "platform/rpc/testing/in_process_server.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "platform/base/testing/status_matchers.h"
#include "platform/fiber/event.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/rpc_test_service.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoClient;
using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

EchoRequest Request(const std::string& payload) {
  EchoRequest request;
  request.set_payload(payload);
  return request;
}

// Answers no call before its client has gone.
absl::StatusOr<EchoReply> Hang(CallContext&, const EchoRequest&) {
  weft::Event never;
  return never.Wait();
}

TEST(InProcessServer, AnswersWithoutAPort) {
  TestEcho echo;
  InProcessServer server({&echo});
  EXPECT_EQ(server.server().ports(), std::vector<int>{0});
  EXPECT_THAT(server.target(), HasSubstr("unix-abstract:"));
  server.Run([&] {
    const auto reply = EchoClient(server.channel()).Say(Request("hello"));
    ASSERT_THAT(reply, IsOk());
    EXPECT_EQ(reply->payload(), "hello");
  });
}

TEST(InProcessServer, CarriesLargeMessagesAndManyCallsOnTwoShards) {
  TestEcho echo;
  InProcessServer server({&echo}, {.runtime = {.shards = 2}});
  for (const int shard : {0, 1}) {
    server.Run(
        [&] {
          EchoClient client(server.channel());
          const std::string large(1'000'000, 'x');
          EXPECT_EQ(client.Say(Request(large))->payload(), large);
          TaskGroup group;
          for (int i = 0; i < 100; ++i) {
            group.Spawn([&] { return client.Say(Request("x")).status(); });
          }
          EXPECT_THAT(group.Wait(), IsOk());
        },
        shard);
  }
}

TEST(InProcessServer, StreamsBothWays) {
  TestEcho echo;
  InProcessServer server({&echo});
  server.Run([&] {
    auto chat = EchoClient(server.channel()).Chat();
    EchoReply reply;
    for (const std::string word : {"one", "two"}) {
      ASSERT_TRUE(chat.Write(Request(word)));
      ASSERT_TRUE(chat.Read(&reply));
      EXPECT_EQ(reply.payload(), word);
    }
    chat.WritesDone();
    EXPECT_FALSE(chat.Read(&reply));
    EXPECT_THAT(chat.Finish(), IsOk());
  });
}

TEST(InProcessServer, DeadlineEndsACallOnBothSides) {
  TestEcho echo;
  echo.say = Hang;
  InProcessServer server({&echo});
  server.Run([&] {
    EXPECT_THAT(EchoClient(server.channel()).Say({}, {.timeout = absl::Milliseconds(1)}),
                StatusIs(absl::StatusCode::kDeadlineExceeded));
  });
}

// The second server's handler asks the first one, each on its own runtime.
TEST(InProcessServer, ServersCallEachOther) {
  TestEcho back_echo;
  InProcessServer back({&back_echo});
  TestEcho front_echo;
  front_echo.say = [&](CallContext&, const EchoRequest& request) {
    return EchoClient(back.channel()).Say(request);
  };
  InProcessServer front({&front_echo});
  const auto reply = front.Run([&] { return EchoClient(front.channel()).Say(Request("through")); });
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->payload(), "through");
  EXPECT_EQ(back.calls().All().size(), 1u);
}

TEST(InProcessServer, EachClientHasAConnectionOfItsOwn) {
  TestEcho echo;
  InProcessServer server({&echo});
  const std::shared_ptr<rpc::Channel> other = server.Connect();
  server.Run([&] {
    EXPECT_THAT(EchoClient(server.channel()).Say({}), IsOk());
    EXPECT_THAT(EchoClient(other).Say({}), IsOk());
  });
  EXPECT_EQ(server.server().Stats().connections_open, 2u);
}

class Refuser final : public ServerInterceptor {
 public:
  absl::Status Intercept(CallContext&, Next) override {
    return absl::PermissionDeniedError("not you");
  }
};

TEST(InProcessServer, InterceptorsOfTheTestAreSeenByTheRecorder) {
  TestEcho echo;
  Refuser refuser;
  InProcessServer server({&echo}, {.server = {.interceptors = {&refuser}}});
  server.Run([&] { EXPECT_FALSE(EchoClient(server.channel()).Say({}).ok()); });
  EXPECT_THAT(server.calls().All(),
              testing::ElementsAre(EndedWith(StatusIs(absl::StatusCode::kPermissionDenied))));
}

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(InProcessServer, ServiceGivenTwiceEndsTheTest) {
  TestEcho one;
  TestEcho two;
  EXPECT_DEATH(InProcessServer({&one, &two}), "registered twice");
}
#endif

// --- The end ---------------------------------------------------------------------------------

TEST(Stop, EndsCallsUnderWay) {
  TestEcho echo;
  echo.say = Hang;
  InProcessServer server({&echo});
  absl::Status status;
  std::thread caller(
      [&] { server.Run([&] { status = EchoClient(server.channel()).Say({}).status(); }); });
  server.Run([&] { EXPECT_THAT(server.calls().WaitFor(1, UnderWay()), IsOk()); });
  server.Stop();
  caller.join();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kCancelled, HasSubstr("drain")));
}

TEST(Stop, NobodyAnswersFromThenOn) {
  TestEcho echo;
  InProcessServer server({&echo});
  server.Run([&] { EXPECT_THAT(EchoClient(server.channel()).Say({}), IsOk()); });
  server.Stop();
  server.Stop();
  server.Disconnect();  // No effect.
  server.Run([&] {
    EXPECT_THAT(EchoClient(server.channel()).Say({}),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr(server.target())));
    EXPECT_THAT(EchoClient(server.Connect()).Say({}), StatusIs(absl::StatusCode::kUnavailable));
  });
}

TEST(Stop, ChannelMayOutliveItsServer) {
  TestEcho echo;
  std::shared_ptr<rpc::Channel> channel;
  {
    InProcessServer server({&echo});
    channel = server.channel();
  }
  InProcessServer other({&echo});
  other.Run(
      [&] { EXPECT_THAT(EchoClient(channel).Say({}), StatusIs(absl::StatusCode::kUnavailable)); });
}

// --- Lost connections ------------------------------------------------------------------------

TEST(Disconnect, EndsAUnaryCallAndTheNextOneConnectsAgain) {
  TestEcho echo;
  InProcessServer server({&echo});
  echo.say = Hang;
  server.Run([&] {
    EchoClient client(server.channel());
    TaskGroup group({.on_failure = OnFailure::kWaitForAll});
    auto call = group.Spawn([&] { return client.Say({}).status(); });
    EXPECT_THAT(server.calls().WaitFor(1, UnderWay()), IsOk());
    server.Disconnect();
    group.Wait().IgnoreError();
    EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(server.calls().WaitFor(
                    1, EndedWith(StatusIs(absl::StatusCode::kCancelled, HasSubstr("client gone")))),
                IsOk());
    echo.say = nullptr;
    EXPECT_THAT(client.Say({}), IsOk());
  });
  EXPECT_EQ(server.server().Stats().connections_accepted_total, 2u);
}

TEST(Disconnect, EndsAStreamBetweenTwoMessages) {
  TestEcho echo;
  InProcessServer server({&echo});
  server.Run([&] {
    auto chat = EchoClient(server.channel()).Chat();
    EchoReply reply;
    ASSERT_TRUE(chat.Write(Request("one")));
    ASSERT_TRUE(chat.Read(&reply));
    server.Disconnect();
    EXPECT_FALSE(chat.Read(&reply));
    EXPECT_THAT(chat.Finish(), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(server.calls().WaitFor(1, Ended()), IsOk());
  });
}

TEST(Disconnect, BeforeTheFirstCallDoesNothing) {
  TestEcho echo;
  InProcessServer server({&echo});
  server.Disconnect();
  server.Run([&] { EXPECT_THAT(EchoClient(server.channel()).Say({}), IsOk()); });
}

TEST(Disconnect, ManyTimesInARowLosesNoLaterCall) {
  TestEcho echo;
  InProcessServer server({&echo});
  server.faults().Add({.every = 2, .disconnect = true});
  server.Run([&] {
    EchoClient client(server.channel());
    for (int i = 0; i < 20; ++i) {
      EXPECT_THAT(client.Say({}), IsOk()) << i;
      EXPECT_THAT(client.Say({}), StatusIs(absl::StatusCode::kUnavailable)) << i;
    }
  });
}

}  // namespace
}  // namespace weft::rpc
