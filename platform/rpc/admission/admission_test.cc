#include "platform/rpc/admission/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "platform/fiber/event.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/client/calls.h"
#include "platform/rpc/rpc_test_service.h"
#include "platform/rpc/server/handler.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using testing::HasSubstr;

constexpr MethodDescriptor Method(const char* path, Criticality criticality,
                                  MethodKind kind = MethodKind::kUnary) {
  return {path, kind, {.criticality = criticality}};
}
constexpr MethodDescriptor kSheddable = Method("/test.Held/Sheddable", Criticality::kSheddable);
constexpr MethodDescriptor kCritical = Method("/test.Held/Critical", Criticality::kCritical);
constexpr MethodDescriptor kTop = Method("/test.Held/Top", Criticality::kCriticalPlus);
constexpr MethodDescriptor kHealth = Method("/grpc.test.Held/Check", Criticality::kCritical);

// Holds each call until Release().
class Held final : public Service {
 public:
  Held() {
    for (const MethodDescriptor* method : {&kSheddable, &kCritical, &kTop, &kHealth}) {
      AddMethod(*method, [](Service& service, ServerCall& call) {
        return HandleUnary<EchoRequest, EchoReply>(call, [&service](auto& context, auto&) {
          return static_cast<Held&>(service).Hold(context);
        });
      });
    }
  }
  absl::StatusOr<EchoReply> Hold(CallContext& call) {
    served.push_back(call.method().name());
    if (absl::Status s = released_.Wait(); !s.ok()) return s;
    return EchoReply();
  }
  void Release() { released_.Set(); }

  std::vector<std::string> served;  // in the order of their starts

 private:
  Event released_;
};

class AdmissionTest : public testing::Test {
 protected:
  // Runs `function` as a client of a server with this admission, on one shard.
  void Run(const AdmissionOptions& options, const std::function<void()>& function) {
    Admission admission(1, options);
    admission_ = &admission;
    ShardQueues queues(1);
    Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
    auto server = Server::Start(runtime, queues, {.interceptors = {&admission}}, {&held_});
    ASSERT_TRUE(server.ok()) << server.status();
    runtime.Run([&] {
      channel_ = *rpc::Channel::Create(absl::StrCat("127.0.0.1:", (*server)->ports()[0]),
                                       {.own_connection = true});
      function();
      channel_.reset();
    });
    ASSERT_TRUE((*server)->Shutdown({}).ok());
    const AdmissionStats after = admission.Stats()[0];
    EXPECT_EQ(after.in_flight, 0);
    EXPECT_EQ(after.queued, 0);
  }

  absl::Status Call(const MethodDescriptor& method, const CallOptions& options = {}) {
    EchoReply reply;
    return CallUnaryMessage(*channel_, method, EchoRequest(), &reply, options);
  }
  AdmissionStats Now() const { return admission_->Stats()[0]; }
  // Until the shard's readings say so; the test's own time limit ends what never comes.
  template <typename Predicate>
  void Until(Predicate predicate) {
    while (!predicate(Now())) ASSERT_TRUE(weft::SleepFor(absl::Milliseconds(1)).ok());
  }
  static uint64_t Shed(const AdmissionStats& stats, Criticality criticality, ShedReason reason) {
    return stats.shed_total[static_cast<size_t>(criticality)][static_cast<size_t>(reason)];
  }

  Held held_;
  Admission* admission_ = nullptr;
  std::shared_ptr<rpc::Channel> channel_;
};

constexpr AdmissionOptions kTwoAtOnce = {
    .initial_limit = 2, .min_limit = 2, .interval = absl::Hours(1)};

TEST_F(AdmissionTest, BelowTheLimitNothingWaits) {
  Run({}, [&] {
    TaskGroup group;
    for (int i = 0; i < 10; ++i) group.Spawn([&] { return Call(kCritical); });
    Until([](const AdmissionStats& now) { return now.in_flight == 10; });
    held_.Release();
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST_F(AdmissionTest, AtTheLimitCallsWaitForAPlaceInTheirOrder) {
  Run(kTwoAtOnce, [&] {
    TaskGroup group;
    for (int i = 0; i < 4; ++i) group.Spawn([&] { return Call(kCritical); });
    Until([](const AdmissionStats& now) { return now.queued == 2; });
    EXPECT_EQ(Now().in_flight, 2);
    EXPECT_EQ(held_.served.size(), 2U);
    held_.Release();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(held_.served.size(), 4U);
  });
}

TEST_F(AdmissionTest, AFullQueueTurnsCallsAwayAndTellsWhenToComeBack) {
  Run(kTwoAtOnce, [&] {
    TaskGroup group;
    for (int i = 0; i < 4; ++i) group.Spawn([&] { return Call(kCritical); });
    Until([](const AdmissionStats& now) { return now.queued == 2; });
    Metadata trailing;
    const absl::Status status = Call(kCritical, {.trailing_metadata = &trailing});
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(status.message()), HasSubstr("too many calls are in flight"));
    int64_t pushback_ms = 0;
    ASSERT_TRUE(trailing.Find("grpc-retry-pushback-ms").has_value());
    EXPECT_TRUE(absl::SimpleAtoi(*trailing.Find("grpc-retry-pushback-ms"), &pushback_ms));
    EXPECT_GE(pushback_ms, absl::ToInt64Milliseconds(kTwoAtOnce.interval));
    EXPECT_EQ(Shed(Now(), Criticality::kCritical, ShedReason::kLimit), 1U);
    held_.Release();
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST_F(AdmissionTest, AWaitThatIsTooLongEndsWithTheSame) {
  Run({.initial_limit = 2, .min_limit = 2, .interval = absl::Milliseconds(2)}, [&] {
    TaskGroup group;
    for (int i = 0; i < 2; ++i) group.Spawn([&] { return Call(kCritical); });
    Until([](const AdmissionStats& now) { return now.in_flight == 2; });
    EXPECT_EQ(Call(kCritical).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(Now().queued, 0);
    held_.Release();
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST_F(AdmissionTest, WhatCanBeLeftOutGoesFirst) {
  Run(kTwoAtOnce, [&] {
    TaskGroup group;
    group.Spawn([&] { return Call(kCritical); });
    Until([](const AdmissionStats& now) { return now.in_flight == 1; });
    EXPECT_EQ(Call(kSheddable).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(Shed(Now(), Criticality::kSheddable, ShedReason::kLimit), 1U);
    group.Spawn([&] { return Call(kCritical); });
    Until([](const AdmissionStats& now) { return now.in_flight == 2; });
    held_.Release();
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST_F(AdmissionTest, WhatMattersMostWaitsInFront) {
  Run(kTwoAtOnce, [&] {
    TaskGroup group;
    group.Spawn([&] { return Call(kTop); });
    group.Spawn([&] { return Call(kTop); });
    group.Spawn([&] { return Call(kTop); });  // 2 are less than 1.1 times the limit
    Until([](const AdmissionStats& now) { return now.in_flight == 3; });
    group.Spawn([&] { return Call(kCritical); });
    Until([](const AdmissionStats& now) { return now.queued == 1; });
    group.Spawn([&] { return Call(kTop); });
    Until([](const AdmissionStats& now) { return now.queued == 2; });
    held_.Release();
    EXPECT_TRUE(group.Wait().ok());
    ASSERT_EQ(held_.served.size(), 5U);
    EXPECT_EQ(held_.served[3], kTop.name());
    EXPECT_EQ(held_.served[4], kCritical.name());
  });
}

TEST_F(AdmissionTest, HealthChecksAreNeverTurnedAway) {
  Run(kTwoAtOnce, [&] {
    TaskGroup group;
    for (int i = 0; i < 4; ++i) group.Spawn([&] { return Call(kCritical); });
    Until([](const AdmissionStats& now) { return now.queued == 2; });
    group.Spawn([&] { return Call(kHealth); });
    while (held_.served.size() < 3) ASSERT_TRUE(weft::SleepFor(absl::Milliseconds(1)).ok());
    EXPECT_EQ(held_.served[2], kHealth.name());
    held_.Release();
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST_F(AdmissionTest, AClientThatGoesAwayLeavesTheQueue) {
  Run(kTwoAtOnce, [&] {
    TaskGroup group;
    for (int i = 0; i < 2; ++i) group.Spawn([&] { return Call(kCritical); });
    Until([](const AdmissionStats& now) { return now.in_flight == 2; });
    {
      CancelScope scope;
      TaskGroup waiting;
      waiting.Spawn([&] { return Call(kCritical); });
      Until([](const AdmissionStats& now) { return now.queued == 1; });
      scope.Cancel();
      EXPECT_FALSE(waiting.Wait().ok());
    }
    Until([](const AdmissionStats& now) { return now.queued == 0; });
    held_.Release();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(held_.served.size(), 2U);
  });
}

TEST_F(AdmissionTest, WithoutTheLimitAllAreServed) {
  Run({.limit_concurrency = false, .initial_limit = 2, .min_limit = 2}, [&] {
    TaskGroup group;
    for (int i = 0; i < 10; ++i) group.Spawn([&] { return Call(kSheddable); });
    while (held_.served.size() < 10) ASSERT_TRUE(weft::SleepFor(absl::Milliseconds(1)).ok());
    held_.Release();
    EXPECT_TRUE(group.Wait().ok());
  });
}

}  // namespace
}  // namespace weft::rpc
