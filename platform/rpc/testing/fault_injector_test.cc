#include "platform/rpc/testing/fault_injector.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/base/testing/status_matchers.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/seeds.h"
#include "platform/rpc/error_details.h"
#include "platform/rpc/rpc_test_service.h"
#include "platform/rpc/testing/in_process_server.h"

namespace weft::rpc {
namespace {

using bench::v1::EchoClient;
using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kSay[] = "bench.v1.Echo/Say";
const absl::Status kOverloaded = absl::ResourceExhaustedError("overloaded");

class FaultInjectorTest : public testing::Test {
 protected:
  FaultInjectorTest() {
    echo_.say = [this](CallContext&, const EchoRequest&) -> absl::StatusOr<EchoReply> {
      ++handled_;
      return EchoReply();
    };
  }
  // On a fiber.
  absl::Status Say(const CallOptions& options = {}) { return client_.Say({}, options).status(); }
  std::vector<bool> SayTimes(int calls) {
    std::vector<bool> ok;
    server_.Run([&] {
      for (int i = 0; i < calls; ++i) ok.push_back(Say().ok());
    });
    return ok;
  }

  int handled_ = 0;
  TestEcho echo_;
  InProcessServer server_{{&echo_}};
  EchoClient client_{server_.channel()};
};

// --- Which calls -----------------------------------------------------------------------------

TEST_F(FaultInjectorTest, WithoutRulesCallsGoThrough) {
  EXPECT_THAT(SayTimes(2), ElementsAre(true, true));
}

TEST_F(FaultInjectorTest, RuleOfAMethodLeavesOthersAlone) {
  const int rule = server_.faults().Add({.method = kSay, .status = kOverloaded});
  server_.Run([&] {
    EXPECT_EQ(Say(), kOverloaded);
    auto chat = client_.Chat();
    chat.WritesDone();
    EchoReply reply;
    EXPECT_FALSE(chat.Read(&reply));
    EXPECT_THAT(chat.Finish(), IsOk());
  });
  EXPECT_EQ(server_.faults().injected(rule), 1u);
  EXPECT_EQ(handled_, 0);
}

TEST_F(FaultInjectorTest, EveryThirdCallOfTheMethod) {
  server_.faults().Add({.method = kSay, .every = 3, .status = kOverloaded});
  EXPECT_THAT(SayTimes(7), ElementsAre(true, true, false, true, true, false, true));
}

TEST_F(FaultInjectorTest, NoMoreCallsThanItMay) {
  const int rule = server_.faults().Add({.most = 2, .status = kOverloaded});
  EXPECT_THAT(SayTimes(4), ElementsAre(false, false, true, true));
  EXPECT_EQ(server_.faults().injected(rule), 2u);
}

TEST_F(FaultInjectorTest, SameSeedHitsTheSameCalls) {
  const auto hits = [](uint64_t seed) {
    TestEcho echo;
    InProcessServer server({&echo}, {.runtime = {.shuffle_seed = seed}});
    server.faults().Add({.probability = 0.5, .status = kOverloaded});
    std::vector<bool> ok;
    server.Run([&] {
      EchoClient client(server.channel());
      for (int i = 0; i < 64; ++i) ok.push_back(client.Say({}).ok());
    });
    return ok;
  };
  const std::vector<bool> first = hits(7);
  EXPECT_THAT(first, AllOf(testing::Contains(true), testing::Contains(false)));
  EXPECT_EQ(hits(7), first);
  if (!SeedToReplay().has_value()) {
    EXPECT_NE(hits(8), first);
  }
}

TEST_F(FaultInjectorTest, RemovedRuleHitsNoMore) {
  const int rule = server_.faults().Add({.status = kOverloaded});
  EXPECT_THAT(SayTimes(1), ElementsAre(false));
  server_.faults().Remove(rule);
  server_.faults().Remove(rule);
  EXPECT_THAT(SayTimes(1), ElementsAre(true));
  EXPECT_EQ(server_.faults().injected(rule), 1u);
}

TEST_F(FaultInjectorTest, ClearRemovesAllRules) {
  server_.faults().Add({.status = kOverloaded});
  server_.faults().Add({.disconnect = true});
  server_.faults().Clear();
  EXPECT_THAT(SayTimes(1), ElementsAre(true));
}

TEST_F(FaultInjectorTest, FirstRuleThatEndsTheCallWins) {
  server_.faults().Add({.latency = absl::Nanoseconds(1)});
  server_.faults().Add({.most = 1, .status = absl::AbortedError("first")});
  const int second = server_.faults().Add({.status = absl::AbortedError("second")});
  server_.Run([&] {
    EXPECT_EQ(Say(), absl::AbortedError("first"));
    EXPECT_EQ(Say(), absl::AbortedError("second"));
  });
  EXPECT_EQ(server_.faults().injected(second), 2u);
}

// --- What happens ----------------------------------------------------------------------------

TEST_F(FaultInjectorTest, StatusTravelsWithItsDetails) {
  EchoReply detail;
  detail.set_payload("in a minute");
  absl::Status status = kOverloaded;
  AddErrorDetail(status, detail);
  server_.faults().Add({.status = status});
  server_.Run([&] {
    const absl::Status seen = Say();
    EXPECT_THAT(seen, StatusIs(absl::StatusCode::kResourceExhausted, "overloaded"));
    const auto found = FindErrorDetail<EchoReply>(seen);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->payload(), "in a minute");
  });
  EXPECT_THAT(server_.calls().All(), ElementsAre(EndedWith(status)));
}

TEST_F(FaultInjectorTest, StreamFailsBeforeItsFirstMessage) {
  server_.faults().Add({.status = kOverloaded});
  server_.Run([&] {
    auto chat = client_.Chat();
    EchoReply reply;
    EXPECT_FALSE(chat.Read(&reply));
    EXPECT_EQ(chat.Finish(), kOverloaded);
  });
}

TEST_F(FaultInjectorTest, AfterTheHandlerTheWorkIsDoneAndTheReplyLost) {
  const int rule = server_.faults().Add({.status = kOverloaded, .after_handler = true});
  EXPECT_THAT(SayTimes(1), ElementsAre(false));
  EXPECT_EQ(handled_, 1);
  server_.faults().Remove(rule);
  server_.faults().Add({.disconnect = true, .after_handler = true});
  server_.Run([&] { EXPECT_THAT(Say(), StatusIs(absl::StatusCode::kUnavailable)); });
  EXPECT_EQ(handled_, 2);
}

TEST_F(FaultInjectorTest, LatencyIsSpentBeforeTheHandler) {
  server_.faults().Add({.latency = absl::Milliseconds(2)});
  server_.Run([&] {
    const absl::Time start = weft::Now();
    EXPECT_THAT(Say(), IsOk());
    EXPECT_GE(weft::Now() - start, absl::Milliseconds(2));
  });
}

TEST_F(FaultInjectorTest, DeadlineEndsALatencyWithoutEnd) {
  server_.faults().Add({.latency = absl::InfiniteDuration()});
  server_.Run([&] {
    // A deadline may pass before the call has reached the server.
    for (absl::Duration timeout = absl::Milliseconds(1); server_.calls().All().empty();
         timeout *= 2) {
      EXPECT_THAT(Say({.timeout = timeout}), StatusIs(absl::StatusCode::kDeadlineExceeded));
    }
    // Which of the two it is, is a race of the client's timer and the server's.
    EXPECT_THAT(
        server_.calls().WaitFor(1, EndedWith(StatusIs(AnyOf(absl::StatusCode::kDeadlineExceeded,
                                                            absl::StatusCode::kCancelled)))),
        IsOk());
  });
  EXPECT_EQ(handled_, 0);
}

TEST_F(FaultInjectorTest, CancellationEndsALatencyWithoutEnd) {
  server_.faults().Add({.latency = absl::InfiniteDuration()});
  server_.Run([&] {
    TaskGroup group;
    group.Spawn([&] { return Say(); });
    EXPECT_THAT(server_.calls().WaitFor(1, UnderWay()), IsOk());
    group.Cancel();
    EXPECT_THAT(group.Wait(), StatusIs(absl::StatusCode::kCancelled));
    EXPECT_THAT(server_.calls().WaitFor(1, EndedWith(StatusIs(absl::StatusCode::kCancelled))),
                IsOk());
  });
  EXPECT_EQ(handled_, 0);
}

TEST_F(FaultInjectorTest, RemovalLetsTheCallsInItsLatencyGoOn) {
  const int rule =
      server_.faults().Add({.latency = absl::InfiniteDuration(), .status = kOverloaded});
  server_.Run([&] {
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.Spawn([&] { return Say(); });
    }
    EXPECT_THAT(server_.calls().WaitFor(3, UnderWay()), IsOk());
    EXPECT_EQ(handled_, 0);
    server_.faults().Remove(rule);
    EXPECT_THAT(group.Wait(), IsOk());
  });
  EXPECT_EQ(handled_, 3);
}

TEST_F(FaultInjectorTest, DisconnectEndsTheCallAndThoseBesideIt) {
  const int held = server_.faults().Add({.most = 1, .latency = absl::InfiniteDuration()});
  server_.Run([&] {
    TaskGroup group({.on_failure = OnFailure::kWaitForAll});
    auto beside = group.Spawn([&] { return Say(); });
    EXPECT_THAT(server_.calls().WaitFor(1, UnderWay()), IsOk());
    server_.faults().Add({.most = 1, .disconnect = true});
    EXPECT_THAT(Say(), StatusIs(absl::StatusCode::kUnavailable));
    group.Wait().IgnoreError();
    EXPECT_THAT(beside.status(), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(Say(), IsOk());
    EXPECT_THAT(server_.calls().WaitFor(
                    2, EndedWith(StatusIs(absl::StatusCode::kCancelled, HasSubstr("client gone")))),
                IsOk());
  });
  EXPECT_EQ(server_.faults().injected(held), 1u);
  EXPECT_EQ(handled_, 1);
}

// --- Changes while calls run -----------------------------------------------------------------

TEST(FaultInjectorStress, RulesComeAndGoWhileCallsRun) {
  TestEcho echo;
  InProcessServer server({&echo}, {.runtime = {.shards = 2}});
  server.Run([&] {
    EchoClient client(server.channel());
    bool done = false;
    TaskGroup group;
    for (int caller = 0; caller < 4; ++caller) {
      group.Spawn([&] {
        while (!done) EXPECT_THAT(client.Say({}).status(), AnyOf(IsOk(), kOverloaded));
      });
    }
    for (int i = 0; i < 100; ++i) {
      const int slow = server.faults().Add({.every = 2, .latency = absl::InfiniteDuration()});
      const int failing = server.faults().Add({.probability = 0.5, .status = kOverloaded});
      const size_t calls = server.calls().All().size();
      EXPECT_THAT(server.calls().WaitFor(calls + 1, testing::_), IsOk());
      server.faults().Remove(slow);
      server.faults().Remove(failing);
    }
    done = true;
    EXPECT_THAT(group.Wait(), IsOk());
  });
}

// --- Bad use ---------------------------------------------------------------------------------

TEST(FaultInjectorDeath, BadRulesAreToldOf) {
  FaultInjector faults;
  EXPECT_DEATH(faults.Add({.every = 0}), "counts from 1");
  EXPECT_DEATH(faults.Add({.probability = 1.5}), "from 0 to 1");
  EXPECT_DEATH(faults.Add({.disconnect = true}), "was given a way to do it");
  EXPECT_DEATH(faults.Remove(0), "the number that FaultInjector::Add");
  EXPECT_DEATH(static_cast<void>(faults.injected(-1)), "the number that FaultInjector::Add");
}

}  // namespace
}  // namespace weft::rpc
