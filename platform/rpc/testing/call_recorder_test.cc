#include "platform/rpc/testing/call_recorder.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "platform/base/testing/status_matchers.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/rpc_test_service.h"
#include "platform/rpc/testing/in_process_server.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoClient;
using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using testing::AllOf;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;

constexpr char kSay[] = "bench.v1.Echo/Say";
constexpr char kChat[] = "bench.v1.Echo/Chat";

class CallRecorderTest : public testing::Test {
 protected:
  CallRecorder& calls() { return server_.calls(); }

  TestEcho echo_;
  InProcessServer server_{{&echo_}};
  EchoClient client_{server_.channel()};
};

TEST_F(CallRecorderTest, CallsStandInTheirOrderWithTheirEnds) {
  EXPECT_THAT(calls().All(), IsEmpty());
  server_.Run([&] {
    EXPECT_THAT(client_.Say({}), IsOk());
    auto chat = client_.Chat();
    chat.WritesDone();
    EchoReply reply;
    EXPECT_FALSE(chat.Read(&reply));
    EXPECT_THAT(chat.Finish(), IsOk());
    echo_.say = [](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
      return absl::NotFoundError("no such word");
    };
    EXPECT_FALSE(client_.Say({}).ok());
  });
  EXPECT_THAT(calls().All(),
              ElementsAre(AllOf(CallTo(kSay), EndedWith(IsOk())),
                          AllOf(CallTo(HasSubstr("Chat")), EndedWith(IsOk())),
                          AllOf(CallTo(kSay), EndedWith(absl::NotFoundError("no such word")))));
  EXPECT_EQ(calls().Matching(CallTo(kChat)).size(), 1u);
  EXPECT_EQ(calls().Count(CallTo(kSay)), 2u);
  EXPECT_EQ(calls().Count(Not(EndedWith(IsOk()))), 1u);
}

TEST_F(CallRecorderTest, MetadataIsWhatCame) {
  server_.Run([&] {
    CallOptions options;
    options.metadata = {{"x-tenant", "blue"}, {"x-tenant", "green"}};
    EXPECT_THAT(client_.Say({}, options), IsOk());
  });
  EXPECT_THAT(calls().All(),
              ElementsAre(AllOf(
                  WithMetadata("x-tenant", "blue"), WithMetadata("x-tenant", HasSubstr("gree")),
                  Not(WithMetadata("x-tenant", "red")), Not(WithMetadata("x-user", testing::_)))));
}

TEST_F(CallRecorderTest, DeadlineLeftIsInfiniteWithoutOne) {
  server_.Run([&] {
    EXPECT_THAT(client_.Say({}), IsOk());
    EXPECT_THAT(client_.Say({}, {.timeout = absl::Hours(1)}), IsOk());
  });
  EXPECT_THAT(
      calls().All(),
      ElementsAre(WithDeadlineLeft(absl::InfiniteDuration()),
                  WithDeadlineLeft(AllOf(Gt(absl::ZeroDuration()), Le(absl::Minutes(61))))));
}

TEST_F(CallRecorderTest, UnknownMethodIsRecordedByItsName) {
  static constexpr MethodDescriptor kUnknown = {"/no.such.Service/Method", MethodKind::kUnary};
  server_.Run([&] {
    EXPECT_FALSE(CallUnary<EchoReply>(*server_.channel(), kUnknown, EchoRequest(), {}).ok());
  });
  EXPECT_THAT(calls().All(),
              ElementsAre(AllOf(CallTo("no.such.Service/Method"),
                                EndedWith(StatusIs(absl::StatusCode::kUnimplemented)))));
}

TEST_F(CallRecorderTest, BytesAreThoseOfTheMessages) {
  EchoRequest request;
  request.set_payload("12345");
  server_.Run([&] { EXPECT_THAT(client_.Say(request), IsOk()); });
  const std::vector<RecordedCall> all = calls().All();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].received_bytes, request.ByteSizeLong());
  EXPECT_EQ(all[0].sent_bytes, request.ByteSizeLong());
}

TEST_F(CallRecorderTest, CallIsUnderWayUntilItsHandlerHasEnded) {
  weft::Event go_on;
  echo_.say = [&](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    if (absl::Status s = go_on.Wait(); !s.ok()) return s;
    return EchoReply();
  };
  server_.Run([&] {
    TaskGroup group;
    group.Spawn([&] { return client_.Say({}).status(); });
    EXPECT_THAT(calls().WaitFor(1, UnderWay()), IsOk());
    EXPECT_THAT(calls().All(), ElementsAre(AllOf(CallTo(kSay), Not(Ended()))));
    go_on.Set();
    EXPECT_THAT(calls().WaitFor(1, Ended()), IsOk());
    EXPECT_THAT(group.Wait(), IsOk());
  });
  EXPECT_THAT(calls().All(), ElementsAre(AllOf(EndedWith(IsOk()), Not(UnderWay()))));
}

TEST_F(CallRecorderTest, ClientThatGoesIsSeenAsACancelledCall) {
  echo_.say = [](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
    weft::Event never;
    return never.Wait();
  };
  server_.Run([&] {
    TaskGroup group;
    group.Spawn([&] { return client_.Say({}).status(); });
    EXPECT_THAT(calls().WaitFor(1, UnderWay()), IsOk());
    group.Cancel();
    EXPECT_THAT(group.Wait(), StatusIs(absl::StatusCode::kCancelled));
    EXPECT_THAT(calls().WaitFor(1, EndedWith(StatusIs(absl::StatusCode::kCancelled))), IsOk());
  });
}

TEST_F(CallRecorderTest, ClearDropsTheEndsOfCallsUnderWay) {
  server_.Run([&] {
    auto chat = client_.Chat();
    EXPECT_THAT(calls().WaitFor(1, UnderWay()), IsOk());
    calls().Clear();
    EXPECT_THAT(calls().All(), IsEmpty());
    EXPECT_THAT(client_.Say({}), IsOk());
    chat.WritesDone();
    EchoReply reply;
    EXPECT_FALSE(chat.Read(&reply));
    EXPECT_THAT(chat.Finish(), IsOk());
  });
  EXPECT_THAT(calls().All(), ElementsAre(CallTo(kSay)));
}

TEST_F(CallRecorderTest, WaitEndsWithItsScope) {
  server_.Run([&] {
    TaskGroup group;
    group.Spawn([&] { return calls().WaitFor(1, testing::_); });
    weft::Yield();
    group.Cancel();
    EXPECT_THAT(group.Wait(), StatusIs(absl::StatusCode::kCancelled));
    CancelScope overdue({.deadline = absl::InfinitePast()});
    EXPECT_THAT(calls().WaitFor(0, testing::_), IsOk());
    EXPECT_THAT(calls().WaitFor(1, testing::_), StatusIs(absl::StatusCode::kDeadlineExceeded));
  });
}

TEST_F(CallRecorderTest, WaitsOnOtherRuntimesAreWoken) {
  TestEcho other_echo;
  InProcessServer other({&other_echo});
  other.Run([&] {
    TaskGroup group;
    group.Spawn([&] { return calls().WaitFor(2, EndedWith(IsOk())); });
    for (int i = 0; i < 2; ++i) EXPECT_THAT(client_.Say({}), IsOk());
    EXPECT_THAT(group.Wait(), IsOk());
  });
}

TEST(CallRecorder, CallsOfTwoShardsAreAllRecorded) {
  TestEcho echo;
  InProcessServer server({&echo}, {.runtime = {.shards = 2}});
  server.Run([&] {
    EchoClient client(server.channel());
    TaskGroup group;
    for (int i = 0; i < 200; ++i) {
      group.Spawn([&] { return client.Say({}).status(); });
    }
    EXPECT_THAT(group.Wait(), IsOk());
  });
  EXPECT_EQ(server.calls().Count(AllOf(CallTo(kSay), EndedWith(IsOk()))), 200u);
}

TEST(RecordedCall, IsShownInALine) {
  std::ostringstream line;
  line << RecordedCall{.method = kSay,
                       .metadata = {{"x-tenant", "blue"}},
                       .deadline_left = absl::Seconds(2),
                       .status = absl::NotFoundError("no such word")};
  EXPECT_EQ(line.str(), "bench.v1.Echo/Say x-tenant=blue within 2s: NOT_FOUND: no such word");
}

}  // namespace
}  // namespace weft::rpc
