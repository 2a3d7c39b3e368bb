// Semaphore: at most `count` permits out at once. It bounds what is done at the same time: calls to
// a backend, open files, bytes in flight.
//
//   weft::Semaphore uploads(4);
//   absl::StatusOr<weft::SemaphorePermit> permit = uploads.AcquirePermit();   // parks
//   if (!permit.ok()) return permit.status();
//   return Upload(file);                       // the permit goes back at the end of the block
//
// Fairness: first come, first served, whatever the sizes. A big request at the head of the line is
// not overtaken by small ones behind it, which therefore wait although there are permits for them.
//
// Bounded: more permits cannot come back than went out, so that a bug does not widen the limit
// unseen. To signal from one fiber to another use an Event, a Latch or a Channel.
//
// Threads: Acquire() from fibers of any shard; the rest also from plain threads. A permit belongs
// to nobody: another fiber, or a plain thread, may give it back.
//
// A fiber that asks for permits it holds itself waits for ever; that is not detected (the fiber
// dump shows "semaphore"). Ask for all you need at once.
#ifndef WEFT_PLATFORM_FIBER_SEMAPHORE_H_
#define WEFT_PLATFORM_FIBER_SEMAPHORE_H_

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

class SemaphorePermit;

class Semaphore {
 public:
  // Requires: count ≥ 1.
  explicit Semaphore(size_t count);
  ~Semaphore();  // Requires: all permits are back, nobody waits.
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // Parks until it is the caller's turn and `n` permits are there, and takes them. A cancel point
  // when it parks: permits at hand are taken in a cancelled scope too, and after `deadline`.
  // Errors, without permits then: DEADLINE_EXCEEDED; the cancel scope's status; INVALID_ARGUMENT,
  // at once, when n > count, for which it would wait for ever. n = 0 takes nothing, at once.
  // Requires: on a fiber.
  absl::Status Acquire(size_t n = 1, absl::Time deadline = absl::InfiniteFuture());

  // True, with the permits, if they are there and nobody waits for some. Never parks.
  bool TryAcquire(size_t n = 1);

  // Gives `n` permits back. Requires: no more than are out. Never parks.
  void Release(size_t n = 1);

  // The same, with a guard that gives the permits back.
  absl::StatusOr<SemaphorePermit> AcquirePermit(size_t n = 1,
                                                absl::Time deadline = absl::InfiniteFuture());
  std::optional<SemaphorePermit> TryAcquirePermit(size_t n = 1);

  // Permits that are not out. Somebody may take them before the caller does.
  size_t available() const;
  size_t count() const { return count_; }

 private:
  struct Request;
  // Under lock_.
  bool TakeIfFirst(size_t n);
  void Serve();

  const size_t count_;
  mutable internal::SpinLock lock_;
  size_t available_;
  internal::WaitQueue requests_;
};

// Permits that go back when it is destroyed. Movable, also to other fibers and threads. Must not
// outlive its semaphore.
class [[nodiscard]] SemaphorePermit {
 public:
  SemaphorePermit() = default;
  // Adopts `n` permits that the caller has acquired.
  SemaphorePermit(Semaphore& semaphore, size_t n) : semaphore_(&semaphore), n_(n) {}
  SemaphorePermit(SemaphorePermit&& other) noexcept
      : semaphore_(std::exchange(other.semaphore_, nullptr)), n_(std::exchange(other.n_, 0)) {}
  SemaphorePermit& operator=(SemaphorePermit&& other) noexcept {
    if (this == &other) return *this;
    Release();
    semaphore_ = std::exchange(other.semaphore_, nullptr);
    n_ = std::exchange(other.n_, 0);
    return *this;
  }
  ~SemaphorePermit() { Release(); }

  // Gives them back before the end. Idempotent. Never parks.
  void Release() {
    const size_t n = std::exchange(n_, 0);
    if (Semaphore* const semaphore = std::exchange(semaphore_, nullptr)) semaphore->Release(n);
  }

  size_t permits() const { return n_; }

 private:
  Semaphore* semaphore_ = nullptr;
  size_t n_ = 0;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_SEMAPHORE_H_
