#include "platform/fiber/select.h"

#include <algorithm>
#include <functional>
#include <mutex>

#include "platform/base/check.h"
#include "platform/base/clock.h"
#include "platform/fiber/internal/chance.h"
#include "platform/fiber/internal/shard.h"

namespace weft {
namespace internal {
namespace {

int64_t NowNanos() {
  Shard* const shard = Shard::Current();
  return (shard == nullptr ? Clock::Real() : shard->clock()).MonotonicNanos();
}

}  // namespace

// One Select: the four steps of internal/select_case.h.
class Selector {
 public:
  using Cases = absl::Span<SelectCase* const>;

  explicit Selector(Cases cases) : cases_(cases) {
    Check(!cases.empty(), "a Select has at least one case");
  }

  // Fires a case that is ready. Where there is none, arms all, if there is a `waiter`.
  std::optional<size_t> FireOrArm(Waiter* waiter);
  // The earliest of the timers.
  int64_t deadline_nanos() const;
  // After the park: the case that was granted, or whose time has come.
  std::optional<size_t> Disarm(WakeReason reason);
  void Handle(size_t fired) { cases_[fired]->Handle(); }

 private:
  void LockAll();
  void UnlockAll();
  std::optional<size_t> Fire();

  const Cases cases_;
  SelectCase* locked_ = nullptr;  // one case for each lock, in the order of the locks' addresses
};

// All Selects lock in the same order. Otherwise two of them could each hold a lock that the other
// one waits for.
void Selector::LockAll() {
  const std::less<SpinLock*> before;
  for (SelectCase* const added : cases_) {
    SpinLock* const lock = added->lock();
    if (lock == nullptr) continue;
    SelectCase** place = &locked_;
    while (*place != nullptr && before((*place)->lock(), lock)) place = &(*place)->next_to_lock_;
    if (*place != nullptr && (*place)->lock() == lock) continue;  // Two cases of one primitive.
    added->next_to_lock_ = *place;
    *place = added;
  }
  for (SelectCase* c = locked_; c != nullptr; c = c->next_to_lock_) c->lock()->lock();
}

void Selector::UnlockAll() {
  for (SelectCase* c = locked_; c != nullptr; c = c->next_to_lock_) c->lock()->unlock();
}

std::optional<size_t> Selector::Fire() {
  const size_t start = cases_.size() == 1 ? 0 : NextByChance() % cases_.size();
  std::optional<int64_t> now_nanos;
  for (size_t i = 0; i < cases_.size(); ++i) {
    const size_t index = (start + i) % cases_.size();
    SelectCase& c = *cases_[index];
    if (c.TryFire()) return index;
    if (c.deadline_nanos() == kNeverNanos) continue;
    if (!now_nanos.has_value()) now_nanos = NowNanos();
    if (c.deadline_nanos() <= *now_nanos) return index;
  }
  return std::nullopt;
}

std::optional<size_t> Selector::FireOrArm(Waiter* waiter) {
  LockAll();
  const std::optional<size_t> fired = Fire();
  if (!fired.has_value() && waiter != nullptr) {
    for (SelectCase* const c : cases_) c->Arm(*waiter);
  }
  UnlockAll();
  return fired;
}

int64_t Selector::deadline_nanos() const {
  int64_t earliest_nanos = kNeverNanos;
  for (const SelectCase* const c : cases_) {
    earliest_nanos = std::min(earliest_nanos, c->deadline_nanos());
  }
  return earliest_nanos;
}

std::optional<size_t> Selector::Disarm(WakeReason reason) {
  std::optional<size_t> fired;
  for (size_t i = 0; i < cases_.size(); ++i) {
    SelectCase& c = *cases_[i];
    if (SpinLock* const lock = c.lock()) {
      std::lock_guard<SpinLock> hold(*lock);
      if (c.Disarm()) fired = i;
    } else if (reason == WakeReason::kDeadline && !fired.has_value() &&
               c.deadline_nanos() == deadline_nanos()) {
      fired = i;
    }
  }
  return fired;
}

}  // namespace internal

absl::StatusOr<size_t> Select(absl::Span<SelectCase* const> cases) {
  internal::Selector selector(cases);
  internal::Waiter waiter({.kind = "select"});
  std::optional<size_t> fired = selector.FireOrArm(&waiter);
  if (!fired.has_value()) {
    const internal::WakeReason reason = internal::Park(waiter, selector.deadline_nanos());
    fired = selector.Disarm(reason);
    if (!fired.has_value()) return internal::ParkStatus(reason, "selecting");
  }
  selector.Handle(*fired);
  return *fired;
}

std::optional<size_t> TrySelect(absl::Span<SelectCase* const> cases) {
  internal::Selector selector(cases);
  const std::optional<size_t> fired = selector.FireOrArm(nullptr);
  if (fired.has_value()) selector.Handle(*fired);
  return fired;
}

}  // namespace weft
