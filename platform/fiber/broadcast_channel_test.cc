#include "platform/fiber/broadcast_channel.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/select.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

// All that is there for `receiver` now.
std::vector<int> Drain(BroadcastReceiver<int>& receiver) {
  std::vector<int> values;
  while (std::optional<int> value = receiver.TryReceive()) values.push_back(*value);
  return values;
}

TEST(BroadcastChannel, EveryReceiverSeesWhatIsSentAfterItSubscribed) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(10);
    EXPECT_TRUE(channel.Send(0).ok());  // For nobody.
    EXPECT_EQ(channel.size(), 0u);
    BroadcastReceiver<int> first = channel.Subscribe();
    EXPECT_TRUE(channel.Send(1).ok());
    BroadcastReceiver<int> second = channel.Subscribe();
    EXPECT_TRUE(channel.TrySend(2));
    EXPECT_EQ(channel.receivers(), 2u);
    EXPECT_EQ(channel.size(), 2u);
    EXPECT_EQ(Drain(first), (std::vector<int>{1, 2}));
    EXPECT_EQ(channel.size(), 1u);  // The 1 was for the first one only.
    EXPECT_EQ(Drain(second), (std::vector<int>{2}));
    EXPECT_EQ(channel.size(), 0u);
  });
}

TEST(BroadcastChannel, ReceiversParkUntilAValueComes) {
  TestRuntime().Run([] {
    BroadcastChannel<std::string> channel(2);
    std::vector<std::string> seen;
    TaskGroup group;
    for (const char* name : {"a", "b", "c"}) {
      group.Spawn([&seen, name, receiver = channel.Subscribe()]() mutable {
        while (std::optional<std::string> value = receiver.Receive()) {
          seen.push_back(name + *value);
        }
      });
    }
    WaitAllBlocked();
    EXPECT_TRUE(channel.Send("1").ok());
    WaitAllBlocked();
    EXPECT_TRUE(channel.Send("2").ok());
    channel.Close();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(seen, (std::vector<std::string>{"a1", "b1", "c1", "a2", "b2", "c2"}));
  });
}

TEST(BroadcastChannel, TheLastReceiverIsGivenTheValueItself) {
  TestRuntime().Run([] {
    BroadcastChannel<std::shared_ptr<int>> channel(2);
    auto value = std::make_shared<int>(1);
    BroadcastReceiver<std::shared_ptr<int>> first = channel.Subscribe();
    BroadcastReceiver<std::shared_ptr<int>> second = channel.Subscribe();
    EXPECT_TRUE(channel.Send(value).ok());
    EXPECT_EQ(value.use_count(), 2);
    const auto of_first = first.TryReceive();
    const auto of_second = second.TryReceive();
    EXPECT_EQ(value.use_count(), 3);
    EXPECT_EQ(*of_first, *of_second);
  });
}

// --- Receivers that are too slow -----------------------------------------------------------------

TEST(BroadcastChannel, ASlowReceiverIsToldHowManyItMissed) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(3);
    BroadcastReceiver<int> slow = channel.Subscribe();
    BroadcastReceiver<int> fast = channel.Subscribe();
    for (int i = 0; i < 8; ++i) {
      EXPECT_TRUE(channel.Send(i).ok());
      EXPECT_EQ(*fast.ReceiveOr(), i);
    }
    EXPECT_EQ(channel.size(), 3u);
    EXPECT_EQ(slow.ReceiveOr().status(),
              absl::DataLossError(
                  "the receiver was too slow for the broadcast channel and missed 5 values"));
    EXPECT_EQ(slow.missed(), 5u);
    EXPECT_EQ(*slow.ReceiveOr(), 5);
    EXPECT_TRUE(channel.Send(8).ok());
    EXPECT_TRUE(channel.Send(9).ok());
    EXPECT_EQ(slow.Receive(), 7);  // Without a word of the 6.
    EXPECT_EQ(slow.missed(), 6u);
    EXPECT_EQ(Drain(slow), (std::vector<int>{8, 9}));
    EXPECT_EQ(fast.missed(), 0u);
  });
}

TEST(BroadcastChannel, AReceiverThatHoldsUpSendsMissesNothing) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(2, SlowReceiver::kHoldsUpSends);
    BroadcastReceiver<int> slow = channel.Subscribe();
    BroadcastReceiver<int> fast = channel.Subscribe();
    int sent = 0;
    TaskGroup group;
    group.Spawn([&] {
      for (; sent < 5; ++sent) EXPECT_TRUE(channel.Send(sent).ok());
    });
    WaitAllBlocked();
    EXPECT_EQ(sent, 2);
    EXPECT_FALSE(channel.TrySend(7));
    EXPECT_EQ(Drain(fast), (std::vector<int>{0, 1}));
    WaitAllBlocked();
    EXPECT_EQ(sent, 2);
    EXPECT_EQ(*slow.ReceiveOr(), 0);
    WaitAllBlocked();
    EXPECT_EQ(sent, 3);
    EXPECT_EQ(*slow.ReceiveOr(), 1);
    for (int i = 2; i < 5; ++i) {
      EXPECT_EQ(*fast.ReceiveOr(), i);
      EXPECT_EQ(*slow.ReceiveOr(), i);
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(slow.missed() + fast.missed(), 0u);
  });
}

TEST(BroadcastChannel, TheEndOfASlowReceiverLetsSendersGoOn) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(1, SlowReceiver::kHoldsUpSends);
    std::optional<BroadcastReceiver<int>> slow(channel.Subscribe());
    BroadcastReceiver<int> other = channel.Subscribe();
    EXPECT_TRUE(channel.TrySend(0));
    EXPECT_EQ(other.TryReceive(), 0);
    TaskGroup group;
    for (int i = 1; i <= 3; ++i) group.Spawn([&channel, i] { return channel.Send(i); });
    WaitAllBlocked();
    EXPECT_EQ(other.TryReceive(), std::nullopt);
    slow.reset();
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(*other.ReceiveOr(), i);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(BroadcastChannel, WithoutReceiversNobodyIsHeldUp) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(1, SlowReceiver::kHoldsUpSends);
    TaskGroup group;
    {
      BroadcastReceiver<int> only = channel.Subscribe();
      for (int i = 0; i < 3; ++i) group.Spawn([&channel, i] { return channel.Send(i); });
      WaitAllBlocked();
      EXPECT_EQ(group.running(), 2u);
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(channel.size(), 0u);
    EXPECT_TRUE(channel.TrySend(3));
  });
}

TEST(BroadcastChannel, AReceiverThatEndsTakesWhatItAloneHadNotSeenAlong) {
  TestRuntime().Run([] {
    BroadcastChannel<std::shared_ptr<int>> channel(8);
    auto value = std::make_shared<int>(1);
    BroadcastReceiver<std::shared_ptr<int>> stays = channel.Subscribe();
    {
      BroadcastReceiver<std::shared_ptr<int>> leaves = channel.Subscribe();
      EXPECT_TRUE(channel.Send(value).ok());
      EXPECT_TRUE(channel.Send(value).ok());
      EXPECT_TRUE(channel.Send(value).ok());
      EXPECT_TRUE(leaves.Receive().has_value());
      EXPECT_TRUE(stays.Receive().has_value());
      EXPECT_TRUE(stays.Receive().has_value());
      EXPECT_EQ(channel.size(), 2u);
    }
    EXPECT_EQ(channel.size(), 1u);
    EXPECT_EQ(value.use_count(), 2);
  });
}

// --- The end -------------------------------------------------------------------------------------

TEST(BroadcastChannel, CloseDeliversWhatWasSentThenEnds) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(2, SlowReceiver::kHoldsUpSends);
    BroadcastReceiver<int> receiver = channel.Subscribe();
    EXPECT_TRUE(channel.TrySend(1));
    EXPECT_TRUE(channel.TrySend(2));
    TaskGroup group;
    group.Spawn([&] { EXPECT_TRUE(absl::IsFailedPrecondition(channel.Send(3))); });
    WaitAllBlocked();
    channel.Close();
    channel.Close();
    EXPECT_TRUE(channel.closed());
    EXPECT_TRUE(absl::IsFailedPrecondition(channel.Send(4)));
    EXPECT_FALSE(channel.TrySend(4));
    EXPECT_EQ(*receiver.ReceiveOr(), 1);
    EXPECT_EQ(receiver.TryReceive(), 2);
    EXPECT_EQ(receiver.TryReceive(), std::nullopt);
    EXPECT_TRUE(absl::IsOutOfRange(receiver.ReceiveOr().status()));
    EXPECT_EQ(receiver.Receive(), std::nullopt);
    EXPECT_EQ(channel.Subscribe().Receive(), std::nullopt);
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(BroadcastChannel, CloseWakesParkedReceivers) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(1);
    TaskGroup group;
    for (int i = 0; i < 3; ++i) {
      group.Spawn([receiver = channel.Subscribe()]() mutable {
        EXPECT_TRUE(absl::IsOutOfRange(receiver.ReceiveOr().status()));
      });
    }
    WaitAllBlocked();
    channel.Close();
    EXPECT_TRUE(group.Wait().ok());
  });
}

TEST(BroadcastChannel, DeadlinesEndTheWait) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(1, SlowReceiver::kHoldsUpSends);
    BroadcastReceiver<int> receiver = channel.Subscribe();
    const absl::Time start = weft::Now();
    EXPECT_EQ(receiver.ReceiveOr(start + absl::Seconds(1)).status(),
              absl::DeadlineExceededError(
                  "the deadline passed while receiving from a broadcast channel"));
    EXPECT_TRUE(channel.TrySend(1));
    EXPECT_EQ(channel.Send(2, start + absl::Seconds(3)),
              absl::DeadlineExceededError(
                  "the deadline passed while sending to a full broadcast channel"));
    EXPECT_EQ(weft::Now() - start, absl::Seconds(3));
    EXPECT_EQ(Drain(receiver), (std::vector<int>{1}));  // The 2 was not sent.
  });
}

TEST(BroadcastChannel, ACancelledReceiverHasSeenNothing) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(1);
    BroadcastReceiver<int> receiver = channel.Subscribe();
    TaskGroup doomed;
    doomed.Spawn([&] { return receiver.ReceiveOr().status(); });
    WaitAllBlocked();
    doomed.Cancel();
    EXPECT_TRUE(channel.Send(1).ok());
    EXPECT_TRUE(absl::IsCancelled(doomed.Wait()));
    EXPECT_EQ(*receiver.ReceiveOr(), 1);
  });
}

// --- In a Select
// -----------------------------------------------------------------------------------

TEST(BroadcastChannel, IsACaseOfASelect) {
  TestRuntime().Run([] {
    BroadcastChannel<int> channel(1);
    BroadcastReceiver<int> receiver = channel.Subscribe();
    std::vector<absl::StatusOr<int>> got;
    const auto keep = [&](absl::StatusOr<int> result) { got.push_back(std::move(result)); };
    const auto select = [&] { return *Select(Receive(receiver, keep), After(absl::Seconds(1))); };
    EXPECT_EQ(select(), 1u);
    EXPECT_TRUE(channel.TrySend(1));
    EXPECT_TRUE(channel.TrySend(2));
    EXPECT_EQ(select(), 0u);
    EXPECT_EQ(select(), 0u);
    TaskGroup group;
    auto fired = group.Spawn(select);
    WaitAllBlocked();
    EXPECT_TRUE(channel.TrySend(3));
    EXPECT_TRUE(channel.TrySend(4));  // Before the Select has run: it is told that it missed the 3.
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*fired, 0u);
    EXPECT_EQ(select(), 0u);
    group.Spawn(select);
    WaitAllBlocked();
    channel.Close();
    EXPECT_TRUE(group.Wait().ok());
    ASSERT_EQ(got.size(), 5u);
    EXPECT_TRUE(absl::IsDataLoss(got[0].status()));
    EXPECT_EQ(*got[1], 2);
    EXPECT_TRUE(absl::IsDataLoss(got[2].status()));
    EXPECT_EQ(*got[3], 4);
    EXPECT_TRUE(absl::IsOutOfRange(got[4].status()));
  });
}

TEST(BroadcastChannel, PlainThreadsMayDoAllThatDoesNotPark) {
  BroadcastChannel<int> channel(2);
  BroadcastReceiver<int> receiver = channel.Subscribe();
  std::thread([&] { EXPECT_TRUE(channel.Send(1).ok()); }).join();
  EXPECT_EQ(receiver.TryReceive(), 1);
  EXPECT_EQ(receiver.TryReceive(), std::nullopt);
}

// --- Bad use -------------------------------------------------------------------------------------

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(BroadcastChannelDeathTest, HasRoom) {
  EXPECT_DEATH(BroadcastChannel<int>(0), "room for one value at least");
}

TEST(BroadcastChannelDeathTest, OutlivesItsReceivers) {
  EXPECT_DEATH(
      {
        auto channel = std::make_unique<BroadcastChannel<int>>(1);
        BroadcastReceiver<int> receiver = channel->Subscribe();
        channel.reset();
      },
      "destroyed before its receivers");
}

TEST(BroadcastChannelDeathTest, AReceiverIsForOneFiberAtATime) {
  EXPECT_DEATH(TestRuntime().Run([] {
    BroadcastChannel<int> channel(1);
    BroadcastReceiver<int> receiver = channel.Subscribe();
    TaskGroup group;
    group.Spawn([&] { return receiver.ReceiveOr().status(); });
    WaitAllBlocked();
    (void)receiver.TryReceive();
  }),
               "used while a fiber waits in it");
  EXPECT_DEATH(TestRuntime().Run([] {
    BroadcastChannel<int> channel(1);
    BroadcastReceiver<int> receiver = channel.Subscribe();
    (void)Select(Receive(receiver), Receive(receiver));
  }),
               "waits twice for one receiver");
}

TEST(BroadcastChannelDeathTest, AReceiverIsNotDestroyedWhileAFiberWaits) {
  EXPECT_DEATH(TestRuntime().Run([] {
    BroadcastChannel<int> channel(1);
    std::optional<BroadcastReceiver<int>> receiver(channel.Subscribe());
    TaskGroup group;
    group.Spawn([&] { return receiver->ReceiveOr().status(); });
    WaitAllBlocked();
    receiver.reset();
  }),
               "a BroadcastReceiver is destroyed while a fiber waits");
}
#endif

}  // namespace
}  // namespace weft
