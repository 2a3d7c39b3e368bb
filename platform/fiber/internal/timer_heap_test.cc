#include "platform/fiber/internal/timer_heap.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <vector>

#include "platform/fiber/testing/test_runtime.h"

namespace weft::internal {
namespace {

// A Waiter is made on a fiber; these are never parked.
TEST(TimerHeap, PopsInOrderOfDeadlines) {
  TestRuntime().Run([] {
    TimerHeap heap;
    EXPECT_EQ(heap.next_deadline(), kNeverNanos);
    EXPECT_EQ(heap.PopExpired(kNeverNanos), nullptr);
    Waiter late({.kind = "late"});
    Waiter early({.kind = "early"});
    heap.Add(20, late);
    heap.Add(10, early);
    EXPECT_EQ(heap.size(), 2u);
    EXPECT_EQ(heap.next_deadline(), 10);
    EXPECT_EQ(heap.PopExpired(9), nullptr);
    EXPECT_EQ(heap.PopExpired(10), &early);
    EXPECT_EQ(heap.PopExpired(19), nullptr);
    EXPECT_EQ(heap.PopExpired(kNeverNanos), &late);
    EXPECT_EQ(heap.size(), 0u);
  });
}

TEST(TimerHeap, AgreesWithAMultimapUnderRandomOperations) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    TestRuntime().Run([seed] {
      std::mt19937 random(seed);
      TimerHeap heap;
      std::multimap<int64_t, Waiter*> model;
      std::deque<Waiter> waiters;
      int64_t now = 0;
      for (int step = 0; step < 3'000; ++step) {
        const unsigned action = random() % 10;
        if (action < 5) {
          const int64_t deadline = now + static_cast<int64_t>(random() % 200);
          heap.Add(deadline, waiters.emplace_back(WaitInfo{.kind = "test"}));
          model.emplace(deadline, &waiters.back());
        } else if (action < 8 && !model.empty()) {
          auto victim = model.begin();
          std::advance(victim, random() % model.size());
          heap.Remove(*victim->second);
          model.erase(victim);
        } else {
          now += random() % 40;
          while (Waiter* const waiter = heap.PopExpired(now)) {
            // Equal deadlines may come in any order.
            auto [begin, end] = model.equal_range(model.begin()->first);
            while (begin != end && begin->second != waiter) ++begin;
            ASSERT_NE(begin, end) << "not one of the earliest";
            model.erase(begin);
          }
        }
        ASSERT_EQ(heap.size(), model.size());
        ASSERT_EQ(heap.next_deadline(), model.empty() ? kNeverNanos : model.begin()->first);
        ASSERT_TRUE(model.empty() || model.begin()->first > now || action < 8);
      }
    });
  }
}

}  // namespace
}  // namespace weft::internal
