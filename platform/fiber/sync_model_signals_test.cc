// Event, Latch, Barrier, CallOnce and Future under random use in shuffled order, against what each
// promises. As sync_model_test.cc.
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/barrier.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/event.h"
#include "platform/fiber/future.h"
#include "platform/fiber/latch.h"
#include "platform/fiber/once.h"
#include "platform/fiber/sync_model.h"

namespace weft {
namespace {

// Calls that wait until something lets go all that wait, or their deadline, or their cancellation,
// whatever comes first.
class WaitsModel {
 public:
  // One random wait of the calling fiber: `wait(deadline)` is the call. `open`: it returns at once.
  template <typename F>
  void Wait(Dice& dice, bool open, F wait) {
    // In the future: what has passed already is noticed only at the next turn of the loop.
    const absl::Time soon = weft::Now() + absl::Milliseconds(1) + dice.Millis(5);
    const bool of_scope = dice.OneIn(2);
    CancelScope scope({.deadline = of_scope ? soon : absl::InfiniteFuture()});
    if (dice.OneIn(10)) scope.Cancel();
    const size_t number = waits_.size();
    waits_.push_back({soon, &scope, open});
    const absl::Status status = wait(of_scope ? absl::InfiniteFuture() : soon);
    EXPECT_EQ(status.ok(), waits_[number].let_go) << status;
    waits_[number].scope = nullptr;
  }
  void LetGo() {
    for (Waiting& one : waits_) {
      if (one.scope == nullptr || one.scope->cancelled() || one.deadline <= weft::Now()) continue;
      one.let_go = true;
    }
  }
  void CancelSomebody(Dice& dice) {
    if (waits_.empty()) return;
    CancelScope* const scope = waits_[dice.Below(waits_.size())].scope;
    if (scope != nullptr) scope->Cancel();
  }
  // When no fiber can go on.
  void CheckNoLostWakeUp() const {
    for (const Waiting& one : waits_) EXPECT_FALSE(one.scope != nullptr && one.let_go);
  }

 private:
  struct Waiting {
    absl::Time deadline;
    CancelScope* scope;  // null: has returned
    bool let_go;
  };
  std::vector<Waiting> waits_;
};

TEST(SyncModelSignals, Event) {
  ForEachShuffle(StressSeeds(kModelSeeds), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      Event event;
      bool set = false;
      WaitsModel waits;
      const auto body = [&](size_t, Dice& dice) {
        for (int turn = 0; turn < 20; ++turn) {
          switch (dice.Below(8)) {
            case 0:
              set = true;
              event.Set();
              waits.LetGo();
              break;
            case 1:
              set = false;
              event.Reset();
              break;
            case 2:
              waits.CancelSomebody(dice);
              break;
            case 3:
              Sleep(dice.Millis(5));
              break;
            default:
              waits.Wait(dice, set, [&](absl::Time deadline) { return event.Wait(deadline); });
          }
          EXPECT_EQ(event.IsSet(), set);
        }
      };
      RunModel(seed, 6, body, [&] { waits.CheckNoLostWakeUp(); });
    });
  });
}

TEST(SyncModelSignals, Latch) {
  ForEachShuffle(StressSeeds(kModelSeeds), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      constexpr size_t kFibers = 6;
      constexpr size_t kArrivals = 4;
      size_t left = kFibers * kArrivals;
      Latch latch(left);
      WaitsModel waits;
      const auto arrive = [&](size_t n) {
        left -= n;
        if (left == 0) waits.LetGo();
      };
      const auto body = [&](size_t, Dice& dice) {
        size_t to_do = kArrivals;
        for (int turn = 0; to_do > 0 || turn < 15; ++turn) {
          Sleep(dice.Millis(5));
          waits.CancelSomebody(dice);
          if (to_do == 0) {
            waits.Wait(dice, left == 0, [&](absl::Time d) { return latch.Wait(d); });
          } else if (dice.OneIn(3)) {
            --to_do;
            arrive(1);
            waits.Wait(dice, left == 0, [&](absl::Time d) { return latch.ArriveAndWait(d); });
          } else if (dice.OneIn(2)) {
            const size_t n = 1 + dice.Below(to_do);
            to_do -= n;
            latch.CountDown(n);
            arrive(n);
          } else {
            waits.Wait(dice, left == 0, [&](absl::Time d) { return latch.Wait(d); });
          }
          EXPECT_EQ(latch.TryWait(), left == 0);
        }
      };
      RunModel(seed, kFibers, body, [&] { waits.CheckNoLostWakeUp(); });
      EXPECT_TRUE(latch.TryWait());
    });
  });
}

// In each phase either all parties get OK, after all have arrived and the completion function has
// run once; or all get an error, it has not run, and the barrier is broken.
TEST(SyncModelSignals, Barrier) {
  ForEachShuffle(StressSeeds(kModelSeeds), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      const size_t parties = 2 + seed % 4;
      constexpr size_t kPhases = 6;
      size_t arrived = 0;
      size_t completions = 0;
      size_t returned_ok = 0;
      Dice completion_dice(seed, 99);
      Barrier barrier(parties, [&] {
        EXPECT_EQ(arrived, parties);
        EXPECT_EQ(returned_ok, parties * completions);  // Nobody has gone on yet.
        Sleep(completion_dice.Millis(3));
        EXPECT_EQ(returned_ok, parties * completions);
        ++completions;
        arrived = 0;
      });
      std::vector<CancelScope*> scopes(parties);
      const auto body = [&](size_t party, Dice& dice) {
        for (size_t phase = 1; phase <= kPhases; ++phase) {
          Sleep(dice.Millis(4));
          CancelScope* const victim = scopes[dice.Below(parties)];
          if (dice.OneIn(30) && victim != nullptr) victim->Cancel();
          if (dice.OneIn(60)) barrier.Break();
          CancelScope scope;
          scopes[party] = &scope;
          ++arrived;
          const absl::Status status = barrier.ArriveAndWait(
              dice.OneIn(10) ? weft::Now() + dice.Millis(5) : absl::InfiniteFuture());
          scopes[party] = nullptr;
          if (!status.ok()) {
            EXPECT_TRUE(barrier.broken());
            EXPECT_EQ(completions, phase - 1);
            return;
          }
          EXPECT_EQ(completions, phase);
          ++returned_ok;
        }
      };
      for (int round = 0; round < 3; ++round) {
        arrived = completions = returned_ok = 0;
        RunModel(seed * 3 + static_cast<uint64_t>(round), parties, body, [] {});
        EXPECT_EQ(returned_ok, parties * completions);
        // Broken after the last phase, by Break() during its completion, is no failure.
        EXPECT_TRUE(barrier.broken() || completions == kPhases);
        barrier.Reset();
      }
    });
  });
}

// One function at a time; none after one has succeeded; in the order in which their callers came.
TEST(SyncModelSignals, CallOnce) {
  ForEachShuffle(StressSeeds(kModelSeeds), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      Once once;
      bool running = false;
      bool succeeded = false;
      size_t calls = 0;
      std::optional<size_t> last_run;
      const auto body = [&](size_t, Dice& dice) {
        for (int turn = 0; turn < 6; ++turn) {
          Sleep(dice.Millis(4));
          CancelScope scope;
          if (dice.OneIn(8)) scope.Cancel();
          const size_t call = ++calls;
          std::optional<absl::Status> mine;
          const auto function = [&] {
            EXPECT_FALSE(running || succeeded);
            EXPECT_LT(last_run.value_or(0), call);
            last_run = call;
            running = true;
            mine = weft::SleepFor(dice.Millis(3));
            if (mine->ok() && !dice.OneIn(8)) mine = absl::UnavailableError("not yet");
            running = false;
            succeeded = mine->ok();
            return *mine;
          };
          const absl::Status status =
              CallOnce(once, function,
                       dice.OneIn(3) ? weft::Now() + dice.Millis(6) : absl::InfiniteFuture());
          if (mine.has_value()) {
            EXPECT_EQ(status, *mine);
          } else {
            EXPECT_TRUE(!status.ok() || succeeded) << status;
          }
          EXPECT_EQ(once.done(), succeeded);
        }
      };
      RunModel(seed, 6, body, [&] { EXPECT_EQ(once.done(), succeeded); });
    });
  });
}

// Every future gets what its promise was given, whoever comes first and whatever is given up on
// the way.
TEST(SyncModelSignals, Future) {
  ForEachShuffle(StressSeeds(kModelSeeds), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      constexpr size_t kPairs = 4;
      std::vector<Promise<std::unique_ptr<size_t>>> promises(kPairs);
      std::vector<Future<std::unique_ptr<size_t>>> futures;
      for (auto& promise : promises) futures.push_back(promise.GetFuture());
      std::vector<CancelScope*> waiting(kPairs);
      const auto body = [&](size_t fiber, Dice& dice) {
        const size_t pair = fiber / 2;
        const size_t fate = (seed + pair) % 4;
        if (fiber % 2 == 0) {
          auto promise = std::move(promises[pair]);
          Sleep(dice.Millis(8));
          if (waiting[pair] != nullptr && dice.OneIn(2)) waiting[pair]->Cancel();
          if (fate == 0) return;
          if (fate == 1) return promise.Set(absl::UnavailableError("down"));
          return promise.Set(std::make_unique<size_t>(pair));
        }
        if (fate == 3 && dice.OneIn(2)) futures[pair] = {};
        while (futures[pair].valid()) {
          CancelScope scope;
          if (dice.OneIn(10)) scope.Cancel();
          waiting[pair] = &scope;
          const auto value = futures[pair].Get(weft::Now() + dice.Millis(3));
          waiting[pair] = nullptr;
          EXPECT_TRUE(!futures[pair].valid() || !futures[pair].Ready());
          if (futures[pair].valid()) {
            EXPECT_TRUE(absl::IsDeadlineExceeded(value.status()) ||
                        absl::IsCancelled(value.status()))
                << value.status();
          } else if (fate >= 2) {
            EXPECT_EQ(**value, pair);
          } else {
            EXPECT_EQ(value.status().code(),
                      fate == 0 ? absl::StatusCode::kInternal : absl::StatusCode::kUnavailable);
          }
        }
      };
      RunModel(seed, 2 * kPairs, body, [] {});
    });
  });
}

}  // namespace
}  // namespace weft
