#include "platform/observability/calls/call_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"
#include "platform/observability/testing/fake_call.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr rpc::MethodDescriptor kGet = {"/shop.v1.Shop/Get", rpc::MethodKind::kUnary};
constexpr rpc::MethodDescriptor kPrice = {"/pricing.v1.Pricing/Get", rpc::MethodKind::kUnary};
constexpr rpc::MethodDescriptor kOther = {"/other", rpc::MethodKind::kUnary};
const std::string kTarget = "dns:///pricing:50051";

constexpr int64_t Millis(int64_t count) { return count * 1'000'000; }

class CallRecorderTest : public ::testing::Test {
 protected:
  CallRecorderTest() { recorder_.AddShards(runtime_.runtime()); }

  // Serves one call on the calling fiber.
  absl::Status Serve(FakeCall& call, const std::function<absl::Status()>& handler) {
    call.set_accepted_nanos(runtime_.clock().MonotonicNanos());
    return recorder_.server_interceptor().Intercept(call, [&] {
      call.set_handler_started_nanos(runtime_.clock().MonotonicNanos());
      return handler();
    });
  }
  absl::Status Serve(const std::function<absl::Status()>& handler) {
    FakeCall call(kGet);
    return Serve(call, handler);
  }

  // A call to another service that takes `duration`.
  void CallOther(absl::Duration duration, const absl::Status& status, int attempt = 1,
                 bool will_retry = false) {
    rpc::Metadata metadata;
    rpc::OutgoingCall call{
        kPrice, kTarget, metadata, absl::InfiniteFuture(), attempt, /*hedge=*/attempt > 1};
    const auto tracker = recorder_.client_interceptor().Start(call);
    EXPECT_TRUE(weft::SleepFor(duration).ok());
    if (tracker != nullptr) tracker->End({.status = status, .will_retry = will_retry});
  }

  CallsView Look() { return recorder_.Look(runtime_.runtime(), absl::InfiniteDuration()); }

  CallRecorder recorder_;
  TestRuntime runtime_;
};

TEST_F(CallRecorderTest, ACallThatEndedTellsItsTimelineAndWhatItCalled) {
  runtime_.Run([&] {
    FakeCall call(kGet);
    call.set_bytes(100, 3000);
    EXPECT_TRUE(Serve(call, [&] {
                  EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(5)).ok());
                  CallOther(absl::Milliseconds(10), absl::UnavailableError("gone"), 1, true);
                  CallOther(absl::Milliseconds(20), absl::OkStatus(), 2);
                  return absl::OkStatus();
                }).ok());
  });
  const CallsView view = Look();
  EXPECT_THAT(view.in_flight, IsEmpty());
  ASSERT_THAT(view.methods, SizeIs(1));
  EXPECT_EQ(view.methods[0].name, "shop.v1.Shop/Get");
  EXPECT_THAT(view.methods[0].failed, IsEmpty());
  ASSERT_THAT(view.methods[0].slow, SizeIs(1));
  const CallRecord& record = *view.methods[0].slow[0];
  EXPECT_EQ(record.peer, "ipv4:10.1.2.3:41234");
  EXPECT_EQ(record.handler_nanos, 0);
  EXPECT_EQ(record.duration_nanos, Millis(35));
  EXPECT_EQ(record.received_bytes, 100u);
  EXPECT_EQ(record.sent_bytes, 3000u);
  EXPECT_FALSE(record.in_flight);
  ASSERT_THAT(record.children, SizeIs(2));
  EXPECT_EQ(record.children[0].method, "pricing.v1.Pricing/Get");
  EXPECT_EQ(record.children[0].target, kTarget);
  EXPECT_EQ(record.children[0].start_nanos, Millis(5));
  EXPECT_EQ(record.children[0].duration_nanos, Millis(10));
  EXPECT_EQ(record.children[0].code, absl::StatusCode::kUnavailable);
  EXPECT_TRUE(record.children[0].will_retry);
  EXPECT_FALSE(record.children[0].hedge);
  EXPECT_EQ(record.children[1].attempt, 2);
  EXPECT_TRUE(record.children[1].hedge);
  EXPECT_EQ(record.children[1].start_nanos, Millis(15));
  EXPECT_EQ(record.children[1].duration_nanos, Millis(20));
}

TEST_F(CallRecorderTest, TheUseOfADatabaseIsAChildToo) {
  runtime_.Run([&] {
    Serve([&] {
      NotedOperation find("sqlite", "find product", "shop.db");
      EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(3)).ok());
      find.End(absl::UnavailableError("locked"), absl::Milliseconds(2));
      NotedOperation list("sqlite", "list products", "shop.db");
      return absl::InternalError("gave up");
    }).IgnoreError();
  });
  const CallsView view = Look();
  const CallRecord& record = *view.methods.at(0).failed.at(0);
  ASSERT_THAT(record.children, SizeIs(2));
  EXPECT_EQ(record.children[0].system, "sqlite");
  EXPECT_EQ(record.children[0].method, "find product");
  EXPECT_EQ(record.children[0].target, "shop.db");
  EXPECT_EQ(record.children[0].duration_nanos, Millis(3));
  EXPECT_EQ(record.children[0].waited_nanos, Millis(2));
  EXPECT_EQ(record.children[0].code, absl::StatusCode::kUnavailable);
  EXPECT_EQ(record.children[1].duration_nanos, -1);
}

TEST_F(CallRecorderTest, TheUseOfADatabaseOutsideCallsIsNotNoted) {
  runtime_.Run([&] {
    NotedOperation find("sqlite", "find product", "shop.db");
    find.End(absl::OkStatus());
  });
  EXPECT_THAT(Look().methods, SizeIs(0));
}

TEST_F(CallRecorderTest, ACallInFlightTellsHowLongAndForWhom) {
  auto hold = std::make_unique<SimulatedClock::Hold>(runtime_.clock());
  absl::Notification called;
  uint64_t fiber = 0;
  std::thread runner([&] {
    runtime_.Run([&] {
      const ScopedTrace trace(
          *ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
      fiber = CurrentFiberId();
      EXPECT_TRUE(Serve([&] {
                    called.Notify();
                    CallOther(absl::Hours(1), absl::OkStatus());
                    return absl::OkStatus();
                  }).ok());
    });
  });
  called.WaitForNotification();
  runtime_.clock().Advance(absl::Seconds(1));
  const CallsView view = Look();
  hold.reset();
  runner.join();
  EXPECT_EQ(view.in_flight_total, 1u);
  EXPECT_THAT(view.stuck_shards, IsEmpty());
  ASSERT_THAT(view.in_flight, SizeIs(1));
  const CallRecord& record = view.in_flight[0];
  EXPECT_TRUE(record.in_flight);
  EXPECT_EQ(record.fiber_id, fiber);
  EXPECT_EQ(record.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(record.duration_nanos, Millis(1000));
  EXPECT_EQ(record.deadline_nanos, kNeverNanos);
  ASSERT_THAT(record.children, SizeIs(1));
  EXPECT_EQ(record.children[0].duration_nanos, -1);
}

TEST_F(CallRecorderTest, AFailedCallIsKeptWithItsStatusAndCause) {
  runtime_.Run([&] {
    FakeCall call(kGet);
    EXPECT_FALSE(Serve(call, [&] {
                   call.scope().Cancel(CancelCause::kClientGone);
                   return absl::NotFoundError("no product 7");
                 }).ok());
  });
  const CallsView view = Look();
  ASSERT_THAT(view.methods, SizeIs(1));
  EXPECT_THAT(view.methods[0].slow, IsEmpty());
  EXPECT_EQ(view.methods[0].failed_total, 1u);
  ASSERT_THAT(view.methods[0].failed, SizeIs(1));
  const CallRecord& record = *view.methods[0].failed[0];
  EXPECT_EQ(record.code, absl::StatusCode::kNotFound);
  EXPECT_EQ(record.message, "no product 7");
  EXPECT_EQ(record.cancelled, "client gone");
}

TEST_F(CallRecorderTest, ACallThatWasNotLetInHasNoHandlersStart) {
  runtime_.Run([&] {
    FakeCall call(kGet);
    EXPECT_FALSE(recorder_.server_interceptor()
                     .Intercept(call, [] { return absl::ResourceExhaustedError("full"); })
                     .ok());
  });
  EXPECT_EQ(Look().methods[0].failed[0]->handler_nanos, -1);
}

TEST_F(CallRecorderTest, AMethodThatNobodyServesTellsWhatWasAskedForAtBoundedLength) {
  runtime_.Run([&] {
    FakeCall call(kOther);
    call.set_requested_method(std::string(100'000, 'x'));
    EXPECT_FALSE(
        Serve(call, [] { return absl::UnimplementedError(std::string(100'000, 'y')); }).ok());
  });
  const CallsView view = Look();
  EXPECT_EQ(view.methods[0].name, "other");
  EXPECT_EQ(view.methods[0].failed[0]->method, std::string(kMaxCallTextBytes, 'x') + "…");
  EXPECT_EQ(view.methods[0].failed[0]->message, std::string(kMaxCallTextBytes, 'y') + "…");
}

TEST_F(CallRecorderTest, ChildrenOfTheHandlerCallForTheSameCall) {
  runtime_.Run([&] {
    EXPECT_TRUE(Serve([&] {
                  TaskGroup group;
                  for (int i = 0; i < 2; ++i) {
                    group.Spawn([&] {
                      CallOther(absl::Milliseconds(10), absl::OkStatus());
                      return absl::OkStatus();
                    });
                  }
                  return group.Wait();
                }).ok());
  });
  const CallRecordPtr record = Look().methods[0].slow[0];
  ASSERT_THAT(record->children, SizeIs(2));
  EXPECT_EQ(record->children[1].start_nanos, 0);
  EXPECT_EQ(record->duration_nanos, Millis(10));
}

TEST_F(CallRecorderTest, AFiberThatOutlivesItsCallNotesNothingInTheNextOne) {
  runtime_.Run([&] {
    TaskGroup background;
    EXPECT_TRUE(Serve([&] {
                  background.Spawn([&] {
                    CallOther(absl::Milliseconds(50), absl::OkStatus());
                    CallOther(absl::Milliseconds(50), absl::OkStatus());
                    return absl::OkStatus();
                  });
                  weft::Yield();
                  return absl::OkStatus();
                }).ok());
    // It gets the same place.
    EXPECT_TRUE(Serve([&] { return weft::SleepFor(absl::Milliseconds(200)); }).ok());
    EXPECT_TRUE(background.Wait().ok());
  });
  const CallsView view = Look();
  ASSERT_THAT(view.methods[0].slow, SizeIs(2));
  EXPECT_THAT(view.methods[0].slow[0]->children, IsEmpty());
  ASSERT_THAT(view.methods[0].slow[1]->children, SizeIs(1));
  EXPECT_EQ(view.methods[0].slow[1]->children[0].duration_nanos, -1) << "under way at the end";
}

TEST_F(CallRecorderTest, OfManyChildCallsTheLatestAreTold) {
  runtime_.Run([&] {
    EXPECT_TRUE(Serve([&] {
                  for (int i = 0; i < 100; ++i) {
                    CallOther(absl::Milliseconds(1), absl::OkStatus());
                  }
                  return absl::OkStatus();
                }).ok());
  });
  const CallRecordPtr record = Look().methods[0].slow[0];
  ASSERT_THAT(record->children, SizeIs(kMaxChildCalls));
  EXPECT_EQ(record->children_left_out, 100 - kMaxChildCalls);
  EXPECT_EQ(record->children.back().start_nanos, Millis(99));
  EXPECT_EQ(record->children.back().duration_nanos, Millis(1));
}

TEST_F(CallRecorderTest, OutsideACallNothingIsNoted) {
  runtime_.Run([&] {
    rpc::Metadata metadata;
    rpc::OutgoingCall call{kPrice, kTarget, metadata, absl::InfiniteFuture()};
    EXPECT_EQ(recorder_.client_interceptor().Start(call), nullptr);
  });
  EXPECT_THAT(Look().methods, IsEmpty());
}

TEST_F(CallRecorderTest, CallsThatInterleaveAreListedOldestFirstAndLeaveNothing) {
  runtime_.Run([&] {
    TaskGroup group;
    for (int i = 0; i < 20; ++i) {
      group.Spawn([&, i] {
        return Serve([&, i] { return weft::SleepFor(absl::Milliseconds(i * 7 % 20)); });
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  const CallsView view = Look();
  EXPECT_THAT(view.in_flight, IsEmpty());
  EXPECT_EQ(view.in_flight_total, 0u);
  ASSERT_THAT(view.methods[0].slow, SizeIs(kSlowCallsKept));
  EXPECT_EQ(view.methods[0].slow[0]->duration_nanos, Millis(19));
}

TEST(CallRecorder, AShardThatDoesNotAnswerIsNamed) {
  CallRecorder recorder;
  Runtime runtime({.shards = 2});
  recorder.AddShards(runtime);
  absl::Notification blocked;
  absl::Notification go_on;
  std::thread blocker([&] {
    runtime.Run(
        [&] {
          blocked.Notify();
          go_on.WaitForNotification();
        },
        1);
  });
  blocked.WaitForNotification();
  const CallsView view = recorder.Look(runtime, absl::Milliseconds(20));
  go_on.Notify();
  blocker.join();
  EXPECT_THAT(view.stuck_shards, ElementsAre(1));
}

TEST(CallRecorder, CallsOfAnotherRuntimePassBy) {
  CallRecorder recorder;
  Runtime recorded({.shards = 1});
  recorder.AddShards(recorded);
  Runtime other({.shards = 1});
  other.Run([&] {
    FakeCall call(kGet);
    EXPECT_TRUE(
        recorder.server_interceptor().Intercept(call, [] { return absl::OkStatus(); }).ok());
  });
  EXPECT_THAT(recorder.Look(recorded, absl::InfiniteDuration()).methods, IsEmpty());
}

}  // namespace
}  // namespace weft::observability
