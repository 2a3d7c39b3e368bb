#include "platform/fiber/select.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/channel.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/fiber/testing/test_runtime.h"

namespace weft {
namespace {

TEST(Select, ReceivesFromTheChannelThatHasAValue) {
  TestRuntime().Run([] {
    Channel<int> numbers(1);
    Channel<std::string> words(1);
    EXPECT_TRUE(words.TrySend("hello"));
    std::string word;
    const absl::StatusOr<size_t> fired =
        Select(Receive(numbers, [](std::optional<int>) { FAIL(); }),
               Receive(words, [&](std::optional<std::string> value) { word = *value; }));
    EXPECT_EQ(*fired, 1u);
    EXPECT_EQ(word, "hello");
    EXPECT_EQ(words.size(), 0u);
  });
}

TEST(Select, SendsToTheChannelThatHasRoom) {
  TestRuntime().Run([] {
    Channel<std::unique_ptr<int>> full(1);
    Channel<std::unique_ptr<int>> free(1);
    EXPECT_TRUE(full.TrySend(nullptr));
    auto first = std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);
    absl::Status sent = absl::UnknownError("not called");
    EXPECT_EQ(*Select(Send(full, first), Send(free, second, [&](absl::Status s) { sent = s; })),
              1u);
    EXPECT_TRUE(sent.ok());
    EXPECT_NE(first, nullptr);  // Moved from only when it is sent.
    EXPECT_EQ(second, nullptr);
    EXPECT_EQ(**free.TryReceive(), 2);
    EXPECT_EQ(full.size(), 1u);
  });
}

TEST(Select, SendsATemporary) {
  TestRuntime().Run([] {
    Channel<std::string> words(1);
    EXPECT_EQ(*Select(Send(words, "a word")), 0u);
    EXPECT_EQ(words.TryReceive(), "a word");
  });
}

TEST(Select, ParksUntilOneOfItsChannelsHasAValueAndLeavesTheOther) {
  TestRuntime().Run([] {
    Channel<int> a(1);
    Channel<int> b(1);
    TaskGroup group;
    int got = 0;
    auto fired = group.Spawn([&] {
      return Select(Receive(a, [&](std::optional<int> value) { got = *value; }),
                    Receive(b, [&](std::optional<int>) { FAIL(); }));
    });
    WaitAllBlocked();
    EXPECT_TRUE(a.TrySend(1));
    EXPECT_TRUE(b.TrySend(2));  // The Select has its value, though it has not run yet.
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*fired, 0u);
    EXPECT_EQ(got, 1);
    EXPECT_EQ(b.TryReceive(), 2);
    EXPECT_EQ(a.TryReceive(), std::nullopt);
  });
}

TEST(Select, ParksUntilAReceiverTakesItsValueAndKeepsTheOther) {
  TestRuntime().Run([] {
    Channel<std::unique_ptr<int>> a(0);
    Channel<std::unique_ptr<int>> b(0);
    auto for_a = std::make_unique<int>(1);
    auto for_b = std::make_unique<int>(2);
    TaskGroup group;
    auto fired = group.Spawn([&] { return Select(Send(a, for_a), Send(b, for_b)); });
    WaitAllBlocked();
    EXPECT_EQ(**b.TryReceive(), 2);
    EXPECT_FALSE(a.TryReceive().has_value());
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(*fired, 1u);
    EXPECT_NE(for_a, nullptr);
    EXPECT_EQ(for_b, nullptr);
  });
}

TEST(Select, TwoSelectsMeet) {
  ForEachShuffle(20, [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([] {
      Channel<int> a(0);
      Channel<int> b(0);
      TaskGroup group;
      int sent = 7;
      int received = 0;
      const auto keep = [&](std::optional<int> value) { received = *value; };
      auto sender = group.Spawn([&] { return Select(Send(a, sent), Send(b, sent)); });
      auto receiver = group.Spawn([&] { return Select(Receive(b, keep), Receive(a, keep)); });
      EXPECT_TRUE(group.Wait().ok());
      EXPECT_EQ(*sender, 1 - *receiver);
      EXPECT_EQ(received, 7);
    });
  });
}

// Each could serve the other's other case, but nobody can serve oneself.
TEST(Select, DoesNotMeetItself) {
  TestRuntime().Run([] {
    Channel<int> channel(0);
    const absl::Time start = weft::Now();
    EXPECT_EQ(*Select(Send(channel, 1), Receive(channel), After(absl::Seconds(1))), 2u);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
    TaskGroup group;
    std::vector<size_t> fired;
    for (int i = 0; i < 2; ++i) {
      group.Spawn([&] { fired.push_back(*Select(Send(channel, 1), Receive(channel))); });
    }
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(fired[0] + fired[1], 1u);
  });
}

TEST(Select, TheSameChannelMayBeInSeveralCases) {
  TestRuntime().Run([] {
    Channel<int> channel(0);
    TaskGroup group;
    int got = 0;
    const auto keep = [&](std::optional<int> value) { got += *value; };
    group.Spawn([&] { return Select(Receive(channel, keep), Receive(channel, keep)).status(); });
    WaitAllBlocked();
    EXPECT_TRUE(channel.TrySend(5));
    EXPECT_FALSE(channel.TrySend(6));
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(got, 5);
  });
}

TEST(Select, ServedInTheOrderOfArrivalAmongOthers) {
  TestRuntime().Run([] {
    Channel<int> channel(0);
    Channel<int> other(0);
    std::vector<std::string> served;
    TaskGroup group;
    group.Spawn([&] {
      (void)channel.Receive();
      served.push_back("receive");
    });
    group.Spawn([&] {
      return Select(Receive(other),
                    Receive(channel, [&](std::optional<int>) { served.push_back("select"); }))
          .status();
    });
    group.Spawn([&] {
      (void)channel.Receive();
      served.push_back("late");
    });
    WaitAllBlocked();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(channel.TrySend(i));
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(served, (std::vector<std::string>{"receive", "select", "late"}));
  });
}

TEST(Select, AHandlerMayPark) {
  TestRuntime().Run([] {
    Channel<int> channel(1);
    EXPECT_TRUE(channel.TrySend(1));
    const absl::Time start = weft::Now();
    EXPECT_TRUE(Select(Receive(channel, [](std::optional<int>) {
                  EXPECT_TRUE(weft::SleepFor(absl::Seconds(1)).ok());
                })).ok());
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
  });
}

// --- Closed channels ---------------------------------------------------------------------------

TEST(Select, AClosedChannelIsReady) {
  TestRuntime().Run([] {
    Channel<int> closed(1);
    Channel<int> open(0);
    EXPECT_TRUE(closed.TrySend(1));
    closed.Close();
    std::vector<std::optional<int>> got;
    const auto keep = [&](std::optional<int> value) { got.push_back(value); };
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(*Select(Receive(open, keep), Receive(closed, keep)), 1u);
    }
    EXPECT_EQ(got, (std::vector<std::optional<int>>{1, std::nullopt, std::nullopt}));
    auto value = std::make_unique<int>(3);
    Channel<std::unique_ptr<int>> closed_too(1);
    closed_too.Close();
    EXPECT_EQ(*Select(Receive(open), Send(closed_too, value,
                                          [](absl::Status sent) {
                                            EXPECT_TRUE(absl::IsFailedPrecondition(sent));
                                          })),
              1u);
    EXPECT_NE(value, nullptr);
  });
}

TEST(Select, CloseEndsThePark) {
  TestRuntime().Run([] {
    Channel<int> a(0);
    Channel<int> b(0);
    TaskGroup group;
    int ended = 0;
    group.Spawn([&] {
      return Select(Receive(a), Receive(b, [&](std::optional<int> value) { ended += !value; }))
          .status();
    });
    int value = 1;
    group.Spawn([&] {
      return Select(Send(a, value), Send(b, value, [&](absl::Status s) { ended += !s.ok(); }))
          .status();
    });
    // The two have met on a. Again, with nobody to meet:
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(ended, 0);
    group.Spawn([&] {
      return Select(Receive(a), Receive(b, [&](std::optional<int> v) { ended += !v; })).status();
    });
    WaitAllBlocked();
    b.Close();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(ended, 1);
    Channel<int> c(0);
    group.Spawn([&] {
      return Select(Receive(a), Send(c, value,
                                     [&](absl::Status s) {
                                       EXPECT_TRUE(absl::IsFailedPrecondition(s));
                                       ++ended;
                                     }))
          .status();
    });
    WaitAllBlocked();
    c.Close();
    EXPECT_TRUE(group.Wait().ok());
    EXPECT_EQ(ended, 2);
  });
}

// --- Time --------------------------------------------------------------------------------------

TEST(Select, TheEarliestTimerFires) {
  TestRuntime().Run([] {
    Channel<int> channel(0);
    const absl::Time start = weft::Now();
    bool called = false;
    EXPECT_EQ(*Select(After(absl::Seconds(3)), Receive(channel),
                      At(start + absl::Seconds(2), [&] { called = true; }),
                      After(absl::InfiniteDuration())),
              2u);
    EXPECT_TRUE(called);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
    EXPECT_EQ(*Select(Receive(channel), After(-absl::Seconds(1))), 1u);
    EXPECT_EQ(*Select(Receive(channel), At(absl::InfinitePast())), 1u);
    EXPECT_EQ(weft::Now() - start, absl::Seconds(2));
  });
}

TEST(Select, TheScopesDeadlineEndsItWithoutACase) {
  TestRuntime().Run([] {
    Channel<int> channel(0);
    const absl::Time start = weft::Now();
    CancelScope scope({.deadline = start + absl::Seconds(1)});
    const absl::StatusOr<size_t> fired =
        Select(Receive(channel, [](std::optional<int>) { FAIL(); }),
               After(absl::Seconds(2), [] { FAIL(); }));
    EXPECT_TRUE(absl::IsDeadlineExceeded(fired.status())) << fired.status();
    EXPECT_EQ(weft::Now() - start, absl::Seconds(1));
  });
}

// --- Cancellation ------------------------------------------------------------------------------

TEST(Select, ACancelledSelectTakesNothing) {
  for (const bool cancel_first : {true, false}) {
    TestRuntime().Run([cancel_first] {
      Channel<int> channel(1);
      Channel<int> other(0);
      TaskGroup doomed;
      std::optional<int> got;
      doomed.Spawn([&] {
        return Select(Receive(other), Receive(channel, [&](std::optional<int> v) { got = v; }))
            .status();
      });
      WaitAllBlocked();
      if (cancel_first) doomed.Cancel();
      EXPECT_TRUE(channel.TrySend(7));
      if (!cancel_first) doomed.Cancel();
      EXPECT_EQ(doomed.Wait().ok(), !cancel_first);
      EXPECT_EQ(got.has_value(), !cancel_first);
      EXPECT_EQ(channel.TryReceive().has_value(), cancel_first);
    });
  }
}

TEST(Select, InACancelledScopeAReadyCaseStillFires) {
  TestRuntime().Run([] {
    Channel<int> channel(1);
    CancelScope scope;
    scope.Cancel();
    EXPECT_EQ(*Select(Send(channel, 1)), 0u);
    EXPECT_TRUE(absl::IsCancelled(Select(Send(channel, 2)).status()));
    EXPECT_EQ(channel.size(), 1u);
  });
}

// --- TrySelect ---------------------------------------------------------------------------------

TEST(TrySelect, FiresOnlyWhatIsReady) {
  TestRuntime().Run([] {
    Channel<int> channel(1);
    Channel<int> rendezvous(0);
    EXPECT_EQ(TrySelect(Receive(channel), Send(rendezvous, 1), After(absl::Seconds(1))),
              std::nullopt);
    EXPECT_TRUE(channel.TrySend(1));
    EXPECT_EQ(TrySelect(Receive(channel), Send(rendezvous, 1)), 0u);
    EXPECT_EQ(TrySelect(Receive(channel), After(absl::ZeroDuration())), 1u);
  });
}

TEST(TrySelect, WorksOnPlainThreads) {
  Channel<int> channel(1);
  EXPECT_EQ(TrySelect(Receive(channel), After(absl::Hours(1))), std::nullopt);
  EXPECT_EQ(TrySelect(Send(channel, 3), After(absl::Hours(1))), 0u);
  int got = 0;
  EXPECT_EQ(TrySelect(Receive(channel, [&](std::optional<int> v) { got = *v; })), 0u);
  EXPECT_EQ(got, 3);
  EXPECT_EQ(TrySelect(Receive(channel), After(absl::ZeroDuration())), 1u);
}

// --- Cases in a list, used again -----------------------------------------------------------------

TEST(Select, TakesAListOfCasesAgainAndAgain) {
  TestRuntime().Run([] {
    std::deque<Channel<int>> channels;
    for (int i = 0; i < 5; ++i) channels.emplace_back(static_cast<size_t>(i % 2));
    int sum = 0;
    int ended = 0;
    const auto add = [&](std::optional<int> value) { value ? sum += *value : ++ended; };
    std::vector<decltype(Receive(channels[0], add))> cases;
    for (Channel<int>& channel : channels) cases.push_back(Receive(channel, add));
    std::vector<SelectCase*> list;
    for (auto& c : cases) list.push_back(&c);

    TaskGroup group;
    for (size_t i = 0; i < channels.size(); ++i) {
      group.Spawn([&channels, i] {
        for (int value = 0; value < 10; ++value) EXPECT_TRUE(channels[i].Send(value).ok());
        channels[i].Close();
      });
    }
    while (!list.empty()) {
      const int ended_before = ended;
      const absl::StatusOr<size_t> fired = Select(list);
      ASSERT_TRUE(fired.ok());
      if (ended > ended_before) list.erase(list.begin() + static_cast<std::ptrdiff_t>(*fired));
    }
    EXPECT_EQ(sum, 5 * 45);
    EXPECT_EQ(ended, 5);
    EXPECT_TRUE(group.Wait().ok());
  });
}

// --- Fairness ------------------------------------------------------------------------------------

std::vector<size_t> ChoicesOf(uint64_t seed) {
  std::vector<size_t> choices;
  TestRuntime({.shuffle_seed = seed}).Run([&] {
    Channel<int> a(1);
    Channel<int> b(1);
    Channel<int> c(1);
    for (int i = 0; i < 300; ++i) {
      (void)a.TrySend(i);
      (void)b.TrySend(i);
      (void)c.TrySend(i);
      choices.push_back(*Select(Receive(a), Receive(b), Receive(c)));
    }
  });
  return choices;
}

TEST(Select, StarvesNoReadyCaseAndChoosesTheSameForTheSameSeed) {
  const std::vector<size_t> choices = ChoicesOf(1);
  for (size_t index = 0; index < 3; ++index) {
    EXPECT_GT(std::count(choices.begin(), choices.end(), index), 60);
  }
  EXPECT_EQ(choices, ChoicesOf(1));
  EXPECT_NE(choices, ChoicesOf(2));
}

TEST(Select, ATimerThatIsDueIsNotStarvedByAReadyChannel) {
  TestRuntime().Run([] {
    Channel<int> channel(1);
    const absl::Time due = weft::Now();
    for (int turn = 0;; ++turn) {
      ASSERT_LT(turn, 100);
      (void)channel.TrySend(turn);
      if (*Select(Receive(channel), At(due)) == 1) break;
    }
  });
}

// --- Bad use -------------------------------------------------------------------------------------

#ifndef __SANITIZE_THREAD__  // It cannot fork a process with threads.
TEST(SelectDeathTest, IsForFibers) {
  Channel<int> channel(1);
  EXPECT_TRUE(channel.TrySend(1));
  EXPECT_DEATH((void)Select(Receive(channel)), "made off fibers");
}

TEST(SelectDeathTest, HasACase) {
  EXPECT_DEATH((void)TrySelect(absl::Span<SelectCase* const>()), "at least one case");
}

TEST(SelectDeathTest, ItsChannelsOutliveIt) {
  EXPECT_DEATH(TestRuntime().Run([] {
    auto channel = std::make_unique<Channel<int>>(1);
    Channel<int> other(1);
    TaskGroup group;
    group.Spawn([&] { return Select(Receive(other), Receive(*channel)).status(); });
    WaitAllBlocked();
    channel.reset();
  }),
               "a Channel is destroyed while fibers wait");
}
#endif

}  // namespace
}  // namespace weft
