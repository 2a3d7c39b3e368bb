// Semaphore, Mutex and SharedMutex against the one obvious model of all three: a number of units,
// and a line of requests that are served strictly in their order. Fibers of one shard, in shuffled
// order, do random things to both; after each step the model says what must have happened.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/mutex.h"
#include "platform/fiber/semaphore.h"
#include "platform/fiber/shared_mutex.h"
#include "platform/fiber/sync_model.h"

namespace weft {
namespace {

// A request with a deadline that has passed, or that was cancelled, is passed over when its turn
// comes; until its fiber has run and left the line, it keeps its place.
class LineModel {
 public:
  explicit LineModel(size_t units) : units_(units), free_(units) {}

  enum class State { kWaits, kGranted, kPassedOver, kLeft };
  struct Request {
    size_t n;
    absl::Time deadline;
    CancelScope* scope;  // null: deaf to cancellation
    State state = State::kWaits;
    bool returned = false;
    bool Dead() const {
      return deadline <= weft::Now() || (scope != nullptr && scope->cancelled());
    }
  };

  bool TryAcquire(size_t n) {
    if (Waiting() > 0 || n > free_) return false;
    free_ -= n;
    return true;
  }
  // The number of the request.
  size_t Acquire(size_t n, absl::Time deadline, CancelScope* scope) {
    requests_.push_back({n, deadline, scope});
    if (TryAcquireBefore(requests_.size() - 1)) requests_.back().state = State::kGranted;
    return requests_.size() - 1;
  }
  // The request's fiber is back with `status`.
  void Returned(size_t number, const absl::Status& status) {
    Request& request = requests_[number];
    request.returned = true;
    request.scope = nullptr;
    EXPECT_EQ(status.ok(), request.state == State::kGranted) << status;
    if (status.ok()) return;
    request.state = State::kLeft;
    Serve();
  }
  void Release(size_t n) {
    free_ += n;
    EXPECT_LE(free_, units_);
    Serve();
  }

  // When no fiber can go on: nobody is left parked who was granted, or who could be.
  void CheckNoLostWakeUp() const {
    const Request* first = nullptr;
    for (const Request& request : requests_) {
      if (request.returned) continue;
      EXPECT_EQ(request.state, State::kWaits) << "it was granted, or dead, and sleeps on";
      if (first == nullptr) first = &request;
    }
    if (first != nullptr) {
      EXPECT_GT(first->n, free_) << "the first in line sleeps on";
    }
  }

  size_t free() const { return free_; }
  // One that waits, for a fiber that wants to cancel somebody; null: none does.
  CancelScope* AnyScope(Dice& dice) {
    std::vector<CancelScope*> scopes;
    for (const Request& request : requests_) {
      if (request.scope != nullptr) scopes.push_back(request.scope);
    }
    return scopes.empty() ? nullptr : scopes[dice.Below(scopes.size())];
  }

 private:
  size_t Waiting() const {
    size_t waiting = 0;
    for (const Request& request : requests_) waiting += request.state == State::kWaits;
    return waiting;
  }
  bool TryAcquireBefore(size_t number) {
    Request& request = requests_[number];
    if (Waiting() > 1 || request.n > free_) return false;
    free_ -= request.n;
    return true;
  }
  void Serve() {
    for (Request& request : requests_) {
      if (request.state != State::kWaits) continue;
      if (request.n > free_) return;
      request.state = request.Dead() ? State::kPassedOver : State::kGranted;
      if (request.state == State::kGranted) free_ -= request.n;
    }
  }

  const size_t units_;
  size_t free_;
  std::vector<Request> requests_;
};

// The three, as units: what the model calls `n` is chosen by Sizes().
struct SemaphoreUnits {
  explicit SemaphoreUnits(uint64_t seed) : units(1 + seed % 5), semaphore(units) {}
  size_t Size(Dice& dice) const { return 1 + dice.Below(units); }
  bool Try(size_t n) { return semaphore.TryAcquire(n); }
  absl::Status Acquire(size_t n, absl::Time deadline) { return semaphore.Acquire(n, deadline); }
  void Release(size_t n) { semaphore.Release(n); }
  void Check(size_t free) const { EXPECT_EQ(semaphore.available(), free); }
  static constexpr bool kHasDeaf = false;
  void AcquireDeaf(size_t) {}

  const size_t units;
  Semaphore semaphore;
};

struct MutexUnits {
  explicit MutexUnits(uint64_t) {}
  size_t Size(Dice&) const { return 1; }
  bool Try(size_t) { return mutex.TryLock(); }
  absl::Status Acquire(size_t, absl::Time deadline) { return mutex.LockCancellable(deadline); }
  void Release(size_t) { mutex.Unlock(); }
  void Check(size_t) const {}
  static constexpr bool kHasDeaf = true;
  void AcquireDeaf(size_t) { mutex.Lock(); }

  static constexpr size_t units = 1;
  Mutex mutex;
};

// A reader takes one unit, a writer takes all.
struct SharedMutexUnits {
  explicit SharedMutexUnits(uint64_t) {}
  size_t Size(Dice& dice) const { return dice.OneIn(3) ? units : 1; }
  bool Try(size_t n) { return n == 1 ? mutex.TryLockShared() : mutex.TryLock(); }
  absl::Status Acquire(size_t n, absl::Time deadline) {
    return n == 1 ? mutex.LockSharedCancellable(deadline) : mutex.LockCancellable(deadline);
  }
  void Release(size_t n) { n == 1 ? mutex.UnlockShared() : mutex.Unlock(); }
  void Check(size_t) const {}
  static constexpr bool kHasDeaf = true;
  void AcquireDeaf(size_t n) { n == 1 ? mutex.LockShared() : mutex.Lock(); }

  static constexpr size_t units = 1000;
  SharedMutex mutex;
};

// Acquires in one of the ways there are. True: the units are held.
template <typename Units>
bool AcquireSomehow(Units& units, LineModel& model, Dice& dice, size_t n) {
  const size_t way = dice.Below(5);
  if (way == 0) {
    const bool expected = model.TryAcquire(n);
    EXPECT_EQ(units.Try(n), expected);
    return expected;
  }
  if (way == 1 && Units::kHasDeaf) {
    CancelScope cancelled;
    cancelled.Cancel();
    const size_t request = model.Acquire(n, absl::InfiniteFuture(), nullptr);
    units.AcquireDeaf(n);
    model.Returned(request, absl::OkStatus());
    return true;
  }
  // A deadline of the scope, of the call, or none. In the future: what has passed already is
  // noticed only at the next turn of the loop.
  const absl::Time soon = weft::Now() + absl::Milliseconds(1) + dice.Millis(4);
  CancelScope scope({.deadline = way == 2 ? soon : absl::InfiniteFuture()});
  if (dice.OneIn(20)) scope.Cancel();
  const absl::Time deadline = way == 3 ? soon : absl::InfiniteFuture();
  const size_t request = model.Acquire(n, std::min(deadline, scope.deadline()), &scope);
  const absl::Status status = units.Acquire(n, deadline);
  model.Returned(request, status);
  return status.ok();
}

template <typename Units>
void AgreesWithTheModel() {
  ForEachShuffle(StressSeeds(kModelSeeds), [](uint64_t seed) {
    TestRuntime({.shuffle_seed = seed}).Run([seed] {
      Units units(seed);
      LineModel model(units.units);
      const auto body = [&](size_t, Dice& dice) {
        for (int turn = 0; turn < 20; ++turn) {
          if (dice.OneIn(4)) {
            if (CancelScope* const victim = model.AnyScope(dice)) victim->Cancel();
          }
          if (dice.OneIn(3)) Sleep(dice.Millis(4));
          const size_t n = units.Size(dice);
          if (!AcquireSomehow(units, model, dice, n)) continue;
          if (dice.OneIn(2)) Sleep(dice.Millis(3));
          if (dice.OneIn(3)) Yield();
          model.Release(n);
          units.Release(n);
        }
      };
      RunModel(seed, 6, body, [&] {
        model.CheckNoLostWakeUp();
        units.Check(model.free());
      });
      EXPECT_EQ(model.free(), units.units);
    });
  });
}

TEST(SyncModel, Semaphore) { AgreesWithTheModel<SemaphoreUnits>(); }
TEST(SyncModel, Mutex) { AgreesWithTheModel<MutexUnits>(); }
TEST(SyncModel, SharedMutex) { AgreesWithTheModel<SharedMutexUnits>(); }

}  // namespace
}  // namespace weft
