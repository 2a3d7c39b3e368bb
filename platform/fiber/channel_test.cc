#include "platform/fiber/channel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(Channel, CarriesValuesInOrder) {
  for (const size_t capacity : {0, 1, 2, 100}) {
    TestRuntime().Run([capacity] {
      Channel<int> channel(capacity);
      TaskGroup group;
      group.Spawn([&] {
        for (int i = 0; i < 500; ++i) EXPECT_TRUE(channel.Send(i).ok());
        channel.Close();
      });
      int next = 0;
      while (std::optional<int> value = channel.Receive()) EXPECT_EQ(*value, next++);
      EXPECT_EQ(next, 500);
      EXPECT_TRUE(group.Wait().ok());
    });
  }
}

TEST(Channel, CarriesMoveOnlyValues) {
  TestRuntime().Run([] {
    Channel<std::unique_ptr<int>> channel(1);
    TaskGroup group;
    auto received = group.Spawn([&] { return **channel.Receive() + **channel.Receive(); });
    EXPECT_TRUE(channel.Send(std::make_unique<int>(1)).ok());
    WaitAllBlocked();
    EXPECT_TRUE(channel.Send(std::make_unique<int>(2)).ok());
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*received, 3);
  });
}

TEST(Channel, AFullChannelParksTheSender) {
  TestRuntime().Run([] {
    Channel<int> channel(2);
    int sent = 0;
    TaskGroup group;
    group.Spawn([&] {
      for (; sent < 5; ++sent) EXPECT_TRUE(channel.Send(sent).ok());
    });
    WaitAllBlocked();
    EXPECT_EQ(sent, 2);
    EXPECT_EQ(channel.TryReceive(), 0);
    EXPECT_EQ(channel.size(), 2u);  // The parked sender's value took the place.
    WaitAllBlocked();
    EXPECT_EQ(sent, 3);
    for (int i = 1; i < 5; ++i) EXPECT_EQ(channel.Receive(), i);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Channel, ReceiversAreServedInTheOrderTheyCame) {
  TestRuntime().Run([] {
    Channel<int> channel(10);
    std::vector<std::string> served;
    TaskGroup group;
    for (const char* name : {"first", "second"}) {
      group.Spawn([&, name] {
        const std::optional<int> value = channel.Receive();
        served.push_back(std::string(name) + std::to_string(*value));
      });
    }
    WaitAllBlocked();
    EXPECT_TRUE(channel.Send(1).ok());
    // It is the first receiver's, which has not run yet: a late-comer cannot take it.
    EXPECT_EQ(channel.TryReceive(), std::nullopt);
    EXPECT_TRUE(channel.Send(2).ok());
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(served, (std::vector<std::string>{"first1", "second2"}));
  });
}

TEST(Channel, CloseDeliversWhatWasSentThenEnds) {
  TestRuntime().Run([] {
    Channel<int> channel(4);
    EXPECT_TRUE(channel.Send(1).ok());
    EXPECT_TRUE(channel.TrySend(2));
    EXPECT_FALSE(channel.closed());
    channel.Close();
    channel.Close();
    EXPECT_TRUE(channel.closed());
    EXPECT_EQ(channel.Send(3).code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_FALSE(channel.TrySend(3));
    EXPECT_EQ(channel.Receive(), 1);
    EXPECT_EQ(channel.TryReceive(), 2);
    EXPECT_EQ(channel.TryReceive(), std::nullopt);
    EXPECT_EQ(channel.Receive(), std::nullopt);
    EXPECT_EQ(channel.ReceiveOr().status().code(), absl::StatusCode::kOutOfRange);
  });
}

TEST(Channel, CloseWakesParkedReceiversAndFailsParkedSenders) {
  TestRuntime().Run([] {
    Channel<int> empty(1);
    Channel<int> full(1);
    ASSERT_TRUE(full.TrySend(0));
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.Spawn(
          [&] { EXPECT_EQ(empty.ReceiveOr().status().code(), absl::StatusCode::kOutOfRange); });
      group.Spawn([&] { EXPECT_EQ(full.Send(1).code(), absl::StatusCode::kFailedPrecondition); });
    }
    WaitAllBlocked();
    empty.Close();
    full.Close();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(full.Receive(), 0);
    EXPECT_EQ(full.Receive(), std::nullopt);
  });
}

TEST(Channel, DeadlinesEndTheWait) {
  TestRuntime().Run([] {
    Channel<int> channel(1);
    const absl::Time start = weft::Now();
    EXPECT_EQ(
        channel.ReceiveOr(start + absl::Seconds(1)).status(),
        absl::DeadlineExceededError("the deadline passed while receiving from an empty channel"));
    ASSERT_TRUE(channel.TrySend(1));
    EXPECT_EQ(channel.Send(2, start + absl::Seconds(3)),
              absl::DeadlineExceededError("the deadline passed while sending to a full channel"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(3));
    EXPECT_EQ(channel.Receive(), 1);
    EXPECT_EQ(channel.size(), 0u);  // The 2 was not sent.
  });
}

// A value and a cancellation in the same turn: the value goes to a receiver that still waits, or
// stays in the channel.
TEST(Channel, AValueIsNotLostOnACancelledReceiver) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Channel<std::unique_ptr<int>> channel(1);
      TaskGroup doomed;
      auto first = doomed.Spawn([&] { return channel.ReceiveOr(); });
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      EXPECT_TRUE(channel.Send(std::make_unique<int>(7)).ok());
      if (!cancel_first) doomed.Cancel();
      EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
      const std::optional<std::unique_ptr<int>> left = channel.TryReceive();
      EXPECT_EQ(left.has_value(), cancel_first);
      const std::unique_ptr<int>& value = cancel_first ? *left : *first;
      ASSERT_NE(value, nullptr);
      EXPECT_EQ(*value, 7);
    });
  }
}

TEST(Channel, ACancelledSendersValueWasNotSent) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([&] {
      Channel<int> channel(1);
      ASSERT_TRUE(channel.TrySend(1));
      TaskGroup doomed;
      doomed.Spawn([&] { return channel.Send(2); });
      WaitAllBlocked();
      TaskGroup group;
      group.Spawn([&] { return channel.Send(3); });
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      EXPECT_EQ(channel.TryReceive(), 1);
      if (!cancel_first) doomed.Cancel();
      EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
      if (!cancel_first) {
        EXPECT_EQ(channel.Receive(), 2);
      }
      EXPECT_EQ(channel.Receive(), 3);
      EXPECT_TRUE(group.Wait().ok());
    });
  }
}

TEST(Channel, InACancelledScopeAParkFailsButAValueAtHandIsReceived) {
  TestRuntime().Run([] {
    Channel<int> channel(1);
    CancelScope scope;
    scope.Cancel();
    EXPECT_TRUE(channel.Send(1).ok());
    EXPECT_EQ(channel.Send(2).code(), absl::StatusCode::kCancelled);
    EXPECT_EQ(channel.Receive(), 1);
    EXPECT_EQ(channel.ReceiveOr().status().code(), absl::StatusCode::kCancelled);
  });
}

// Every value sent arrives exactly once, each sender's in its order, whatever is cancelled.
TEST(Channel, AgreesWithAModelUnderShuffledOrderAndDeadlines) {
  ForEachShuffle(30, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      constexpr int kSenders = 4;
      constexpr int kValues = 40;
      Channel<std::pair<int, int>> channel(1 + seed % 3);
      std::vector<std::vector<int>> sent(kSenders);
      std::vector<std::vector<int>> received(kSenders);
      TaskGroup senders;
      for (int sender = 0; sender < kSenders; ++sender) {
        senders.Spawn([&, sender] {
          for (int i = 0; i < kValues; ++i) {
            CancelScope scope({.deadline = weft::Now() + absl::Milliseconds(i % 4)});
            if (channel.Send({sender, i}).ok()) sent[static_cast<size_t>(sender)].push_back(i);
          }
        });
      }
      TaskGroup receivers;
      for (int receiver = 0; receiver < 3; ++receiver) {
        receivers.Spawn([&] {
          for (int turn = 0;; ++turn) {
            CancelScope scope({.deadline = weft::Now() + absl::Milliseconds(turn % 5)});
            const auto value = channel.ReceiveOr();
            if (absl::IsOutOfRange(value.status())) return;
            if (value.ok()) received[static_cast<size_t>(value->first)].push_back(value->second);
            CancelScope shield({.shield = true});
            EXPECT_TRUE(weft::SleepFor(absl::Milliseconds(turn % 3)).ok());
          }
        });
      }
      EXPECT_TRUE(senders.Wait().ok());
      channel.Close();
      EXPECT_TRUE(receivers.Wait().ok());
      // One receiver may note a value after another one noted its successor: compare as sets.
      for (std::vector<int>& values : received) std::sort(values.begin(), values.end());
      EXPECT_EQ(received, sent);
    });
  });
}

// --- Capacity 0: rendezvous --------------------------------------------------------------------

TEST(Rendezvous, TheSenderWaitsUntilAReceiverHasTheValue) {
  TestRuntime().Run([] {
    Channel<int> channel(0);
    int sent = 0;
    TaskGroup group;
    group.Spawn([&] {
      for (; sent < 3; ++sent) EXPECT_TRUE(channel.Send(sent).ok());
    });
    WaitAllBlocked();
    EXPECT_EQ(sent, 0);
    EXPECT_EQ(channel.size(), 0u);
    EXPECT_EQ(channel.Receive(), 0);
    WaitAllBlocked();
    EXPECT_EQ(sent, 1);
    EXPECT_EQ(channel.TryReceive(), 1);
    EXPECT_EQ(channel.TryReceive(), std::nullopt);  // The sender has not run yet.
    EXPECT_EQ(channel.Receive(), 2);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Rendezvous, TrySendNeedsAReceiverThatWaits) {
  TestRuntime().Run([] {
    Channel<int> channel(0);
    EXPECT_FALSE(channel.TrySend(1));
    TaskGroup group;
    auto received = group.Spawn([&] { return channel.ReceiveOr(); });
    WaitAllBlocked();
    EXPECT_TRUE(channel.TrySend(2));
    EXPECT_FALSE(channel.TrySend(3));  // The receiver has its value, though it has not run yet.
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*received, 2);
  });
}

TEST(Rendezvous, SendersAreServedInTheOrderTheyCame) {
  TestRuntime().Run([] {
    Channel<std::unique_ptr<int>> channel(0);
    TaskGroup group;
    for (int i = 0; i < 4; ++i) {
      group.Spawn([&channel, i] { return channel.Send(std::make_unique<int>(i)); });
    }
    WaitAllBlocked();
    for (int i = 0; i < 4; ++i) EXPECT_EQ(**channel.Receive(), i);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Rendezvous, CloseFailsTheSendersThatWait) {
  TestRuntime().Run([] {
    Channel<int> channel(0);
    TaskGroup group;
    for (int i = 0; i < 2; ++i) {
      group.Spawn([&] { EXPECT_TRUE(absl::IsFailedPrecondition(channel.Send(1))); });
    }
    WaitAllBlocked();
    channel.Close();
    EXPECT_EQ(channel.TryReceive(), std::nullopt);  // Their values were not sent.
    EXPECT_TRUE(absl::IsOutOfRange(channel.ReceiveOr().status()));
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(Rendezvous, WhoGaveUpIsPassedOver) {
  TestRuntime().Run([] {
    Channel<int> channel(0);
    TaskGroup doomed;
    doomed.Spawn([&] { return channel.Send(1); });
    WaitAllBlocked();
    doomed.Cancel();  // It will hear of it when it runs.
    EXPECT_EQ(channel.TryReceive(), std::nullopt);
    EXPECT_TRUE(absl::IsCancelled(doomed.Wait()));
    TaskGroup doomed_too;
    doomed_too.Spawn([&] { return channel.ReceiveOr().status(); });
    WaitAllBlocked();
    doomed_too.Cancel();
    EXPECT_FALSE(channel.TrySend(2));
    EXPECT_TRUE(absl::IsCancelled(doomed_too.Wait()));
  });
}

// --- Use from plain threads ----------------------------------------------------------------------

TEST(Channel, PlainThreadsMaySendReceiveAndCloseWithoutWaiting) {
  Channel<int> channel(1);
  EXPECT_TRUE(channel.TrySend(1));
  EXPECT_FALSE(channel.TrySend(2));
  EXPECT_EQ(channel.size(), 1u);
  EXPECT_EQ(channel.TryReceive(), 1);
  channel.Close();
  EXPECT_TRUE(channel.closed());
}

// --- Bad use -------------------------------------------------------------------------------------

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(ChannelDeathTest, IsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto channel = std::make_unique<Channel<int>>(1);
    TaskGroup group;
    group.Spawn([&] { (void)channel->Receive(); });
    WaitAllBlocked();
    channel.reset();
  }),
               "a Channel is destroyed while fibers wait");
}

TEST(ChannelDeathTest, IsNotDestroyedWhileASenderWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto channel = std::make_unique<Channel<int>>(0);
    TaskGroup group;
    group.Spawn([&] { return channel->Send(1); });
    WaitAllBlocked();
    channel.reset();
  }),
               "a Channel is destroyed while fibers wait");
}

TEST(ChannelDeathTest, SendAndReceiveAreForFibers) {
  Channel<int> channel(0);
  EXPECT_DEATH((void)channel.Send(1), "made off fibers");
  EXPECT_DEATH((void)channel.Receive(), "made off fibers");
}
#endif

}  // namespace
}  // namespace weft
