// RateLimiter and Ticker under random use in shuffled order, against models that reckon in whole
// numbers. As sync_model_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/rate_limiter.h"
#include "platform/fiber/sync_model.h"
#include "platform/fiber/ticker.h"

namespace weft {
namespace {

// Of a limiter with a token a millisecond: its level in thousandths of a token, which are
// microseconds of time.
class BucketModel {
 public:
  explicit BucketModel(size_t burst) : burst_(Micros(burst)), level_(burst_), at_(weft::Now()) {}

  // When a request that comes now is served, if nobody gives up.
  absl::Time Ready(size_t n) const {
    const absl::Duration missing = Micros(n) - LevelAt(std::max(at_, weft::Now()));
    return std::max(at_, weft::Now()) + std::max(missing, absl::ZeroDuration());
  }
  void Take(size_t n, absl::Time when) {
    level_ = LevelAt(when) - Micros(n);
    at_ = when;
  }
  // Whether all requests so far have been served.
  bool idle() const { return at_ <= weft::Now(); }
  absl::Time last_served() const { return at_; }

 private:
  static absl::Duration Micros(size_t tokens) { return absl::Milliseconds(tokens); }
  absl::Duration LevelAt(absl::Time when) const { return std::min(burst_, level_ + (when - at_)); }

  const absl::Duration burst_;
  absl::Duration level_;
  absl::Time at_;
};

// Without cancellations everything is known when a request comes: when it is served, to the
// nanosecond, or that it is refused.
TEST(SyncModelTime, RateLimiterServesWhenTheModelSays) {
  ForEachShuffle(StressSeeds(kModelSeeds), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      const size_t burst = 1 + seed % 6;
      RateLimiter limiter({.rate_per_second = 1000, .burst = burst});
      BucketModel model(burst);
      const auto body = [&](size_t, Dice& dice) {
        for (int turn = 0; turn < 20; ++turn) {
          Sleep(dice.Millis(3 * burst) + absl::Microseconds(dice.Below(1000)));
          const size_t n = 1 + dice.Below(burst);
          const absl::Time ready = model.Ready(n);
          if (dice.OneIn(4)) {
            if (model.last_served() == weft::Now()) continue;  // Whether before or after is open.
            const bool there = model.idle() && ready == weft::Now();
            if (there) model.Take(n, ready);
            EXPECT_EQ(limiter.TryAcquire(n), there);
            continue;
          }
          const absl::Time called = weft::Now();
          const bool of_scope = dice.OneIn(2);
          const absl::Time deadline = dice.OneIn(2)
                                          ? weft::Now() + absl::Microseconds(dice.Below(9000))
                                          : absl::InfiniteFuture();
          // A park that ends with a scope's deadline has been cancelled, whatever else was due.
          const bool at_hand = model.idle() && ready == weft::Now();
          const bool in_time = at_hand || (of_scope ? ready < deadline : ready <= deadline);
          if (in_time) model.Take(n, ready);
          CancelScope scope({.deadline = of_scope ? deadline : absl::InfiniteFuture()});
          const absl::Status status =
              limiter.Acquire(n, of_scope ? absl::InfiniteFuture() : deadline);
          EXPECT_EQ(status.ok(), in_time) << status;
          EXPECT_EQ(weft::Now(), in_time ? ready : called);
        }
      };
      RunModel(seed, 5, body, [] {});
    });
  });
}

struct Grant {
  size_t request;  // in the order of arrival
  size_t n;
  absl::Time when;
};

// Never more than the bucket could give, and in the order of arrival (those who are served at once
// may run in any order).
void CheckGrants(std::vector<Grant> grants, size_t burst) {
  std::sort(grants.begin(), grants.end(),
            [](const Grant& a, const Grant& b) { return a.request < b.request; });
  for (size_t first = 0; first < grants.size(); ++first) {
    EXPECT_LE(grants[first > 0 ? first - 1 : 0].when, grants[first].when) << "overtaken";
    size_t sum = 0;
    for (size_t last = first; last < grants.size(); ++last) {
      sum += grants[last].n;
      EXPECT_LE(absl::Milliseconds(sum), absl::Milliseconds(burst) + absl::Nanoseconds(10) +
                                             (grants[last].when - grants[first].when));
    }
  }
}

// With cancellations: what is given stays within the rate, in order, and nobody sleeps on while
// there are tokens for the first in line.
TEST(SyncModelTime, RateLimiterStaysWithinItsRateWhateverIsCancelled) {
  ForEachShuffle(StressSeeds(kModelSeeds), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      const size_t burst = 1 + seed % 6;
      RateLimiter limiter({.rate_per_second = 1000, .burst = burst});
      BucketModel model(burst);  // Told of each grant when its fiber runs.
      std::vector<Grant> grants;
      struct Waiting {
        size_t n;
        CancelScope* scope;  // null: has returned
      };
      std::vector<Waiting> requests;
      const auto body = [&](size_t, Dice& dice) {
        for (int turn = 0; turn < 20; ++turn) {
          Sleep(dice.Millis(3 * burst) + absl::Microseconds(dice.Below(1000)));
          for (size_t victims = dice.Below(4); victims > 0 && !requests.empty(); --victims) {
            if (CancelScope* const scope = requests[dice.Below(requests.size())].scope) {
              scope->Cancel();
            }
          }
          const size_t n = 1 + dice.Below(burst);
          const size_t request = requests.size();
          CancelScope scope;
          requests.push_back({n, &scope});
          size_t awaited = 0;
          for (const Waiting& one : requests) awaited += one.scope != nullptr ? one.n : 0;
          const absl::Time ready = model.Ready(awaited);
          const absl::Time deadline =
              dice.OneIn(2) ? weft::Now() + dice.Millis(20) : absl::InfiniteFuture();
          const absl::Status status = limiter.Acquire(n, deadline);
          requests[request].scope = nullptr;
          if (absl::IsResourceExhausted(status)) {
            EXPECT_GT(ready, deadline) << status;
          }
          if (!status.ok()) continue;
          grants.push_back({request, n, weft::Now()});
          model.Take(n, weft::Now());
        }
      };
      RunModel(seed, 5, body, [&] {
        for (const Waiting& request : requests) {
          if (request.scope == nullptr) continue;
          EXPECT_GT(model.Ready(request.n), weft::Now()) << "the first in line sleeps on";
          break;
        }
      });
      CheckGrants(grants, burst);
    });
  });
}

// The next tick after one that was due at `due` and taken at `now`.
int64_t NextTick(MissedTicks missed, int64_t due, int64_t now, int64_t period) {
  if (missed == MissedTicks::kDelay) return now + period;
  int64_t next = due + period;
  while (missed == MissedTicks::kSkip && next <= now) next += period;
  return next;
}

TEST(SyncModelTime, TickerTicksWhenTheModelSays) {
  ForEachShuffle(StressSeeds(kModelSeeds), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      const absl::Time start = weft::Now();
      const auto now = [start] { return absl::ToInt64Microseconds(weft::Now() - start); };
      const auto body = [&](size_t fiber, Dice& dice) {
        const auto missed = static_cast<MissedTicks>((seed + fiber) % 3);
        const int64_t period = 1 + static_cast<int64_t>(dice.Below(5000));
        Ticker ticker({.period = absl::Microseconds(period), .missed = missed});
        int64_t due = now() + period;
        for (int turn = 0; turn < 30; ++turn) {
          if (dice.OneIn(2)) Sleep(dice.Millis(12));
          if (dice.OneIn(10)) {
            ticker.Reset();
            due = now() + period;
          }
          CancelScope scope;
          const bool cancelled = dice.OneIn(8);
          if (cancelled) scope.Cancel();
          const int64_t called = now();
          const int64_t deadline = called + static_cast<int64_t>(dice.Below(5000));
          const bool ticks = !cancelled && due <= std::max(called, deadline);
          const absl::Status status = ticker.Wait(start + absl::Microseconds(deadline));
          EXPECT_EQ(status.ok(), ticks) << status;
          EXPECT_EQ(now(), cancelled ? called : std::max(called, std::min(due, deadline)));
          if (ticks) due = NextTick(missed, due, now(), period);
          EXPECT_EQ(ticker.next(), start + absl::Microseconds(due));
        }
      };
      RunModel(seed, 4, body, [] {});
    });
  });
}

}  // namespace
}  // namespace weft
