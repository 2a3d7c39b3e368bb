// Stand-ins for the locks of pthread and Abseil. A lock that is free is only counted, for fibers
// that park while they hold one. See blocking_calls.h.
#include <pthread.h>
#include <time.h>

#include <cerrno>

#include "absl/synchronization/mutex.h"
#include "platform/base/clock.h"
#include "platform/fiber/internal/blocking_monitor.h"
#include "platform/fiber/internal/interpose.h"

namespace weft::internal {
namespace {

// A robust mutex whose owner has died is taken.
bool IsTaken(int result) { return result == 0 || result == EOWNERDEAD; }

int Counted(int result) {
  if (IsTaken(result)) BlockingMonitor::CountLock();
  return result;
}

// Tries first; where that fails, takes the lock and looks how long that takes.
template <typename Try, typename Take>
int TakeLock(const char* function, Try try_it, Take take) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber == nullptr) return Counted(take());
  const int tried = try_it();
  if (tried != EBUSY) return Counted(tried);
  const int64_t start_nanos = Clock::Real().MonotonicNanos();
  const int taken = Counted(take());
  BlockingMonitor::WaitedForLock(function, Clock::Real().MonotonicNanos() - start_nanos);
  return taken;
}

}  // namespace

// --- Mutexes -----------------------------------------------------------------------------------

WEFT_INTERPOSE(int, pthread_mutex_trylock, (pthread_mutex_t * mutex)) {
  return Counted(next_pthread_mutex_trylock(mutex));
}

WEFT_INTERPOSE(int, pthread_mutex_lock, (pthread_mutex_t * mutex)) {
  return TakeLock(
      "pthread_mutex_lock", [&] { return next_pthread_mutex_trylock(mutex); },
      [&] { return next_pthread_mutex_lock(mutex); });
}

WEFT_INTERPOSE(int, pthread_mutex_timedlock, (pthread_mutex_t * mutex, const timespec* time)) {
  return TakeLock(
      "pthread_mutex_timedlock", [&] { return next_pthread_mutex_trylock(mutex); },
      [&] { return next_pthread_mutex_timedlock(mutex, time); });
}

WEFT_INTERPOSE(int, pthread_mutex_clocklock,
               (pthread_mutex_t * mutex, clockid_t clock, const timespec* time)) {
  return TakeLock(
      "pthread_mutex_clocklock", [&] { return next_pthread_mutex_trylock(mutex); },
      [&] { return next_pthread_mutex_clocklock(mutex, clock, time); });
}

WEFT_INTERPOSE(int, pthread_mutex_unlock, (pthread_mutex_t * mutex)) {
  const int result = next_pthread_mutex_unlock(mutex);
  if (result == 0) BlockingMonitor::CountUnlock();
  return result;
}

// --- Read-write locks --------------------------------------------------------------------------

WEFT_INTERPOSE(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock)) {
  return Counted(next_pthread_rwlock_tryrdlock(lock));
}

WEFT_INTERPOSE(int, pthread_rwlock_trywrlock, (pthread_rwlock_t * lock)) {
  return Counted(next_pthread_rwlock_trywrlock(lock));
}

WEFT_INTERPOSE(int, pthread_rwlock_rdlock, (pthread_rwlock_t * lock)) {
  return TakeLock(
      "pthread_rwlock_rdlock", [&] { return next_pthread_rwlock_tryrdlock(lock); },
      [&] { return next_pthread_rwlock_rdlock(lock); });
}

WEFT_INTERPOSE(int, pthread_rwlock_wrlock, (pthread_rwlock_t * lock)) {
  return TakeLock(
      "pthread_rwlock_wrlock", [&] { return next_pthread_rwlock_trywrlock(lock); },
      [&] { return next_pthread_rwlock_wrlock(lock); });
}

WEFT_INTERPOSE(int, pthread_rwlock_unlock, (pthread_rwlock_t * lock)) {
  const int result = next_pthread_rwlock_unlock(lock);
  if (result == 0) BlockingMonitor::CountUnlock();
  return result;
}

// --- Abseil: linked statically, so the linker diverts the calls (--wrap) -----------------------

// Declares the real function and begins the definition of the one that stands in. A member function
// takes its object as a first, ordinary argument in the ABI of every Linux machine. "debian3" is
// the inline namespace of Debian's Abseil. The symbols are listed in //platform/fiber:BUILD too.
#define WEFT_WRAP(result, name, symbol, ...)                   \
  result Real##name(__VA_ARGS__) __asm__("__real_" symbol);    \
  result Wrapped##name(__VA_ARGS__) __asm__("__wrap_" symbol); \
  result Wrapped##name(__VA_ARGS__)

WEFT_WRAP(void, Lock, "_ZN4absl7debian35Mutex4LockEv", absl::Mutex* mutex) {
  RealLock(mutex);
  BlockingMonitor::CountLock();
}

WEFT_WRAP(bool, TryLock, "_ZN4absl7debian35Mutex7TryLockEv", absl::Mutex* mutex) {
  const bool taken = RealTryLock(mutex);
  if (taken) BlockingMonitor::CountLock();
  return taken;
}

WEFT_WRAP(void, Unlock, "_ZN4absl7debian35Mutex6UnlockEv", absl::Mutex* mutex) {
  RealUnlock(mutex);
  BlockingMonitor::CountUnlock();
}

WEFT_WRAP(void, ReaderLock, "_ZN4absl7debian35Mutex10ReaderLockEv", absl::Mutex* mutex) {
  RealReaderLock(mutex);
  BlockingMonitor::CountLock();
}

WEFT_WRAP(bool, ReaderTryLock, "_ZN4absl7debian35Mutex13ReaderTryLockEv", absl::Mutex* mutex) {
  const bool taken = RealReaderTryLock(mutex);
  if (taken) BlockingMonitor::CountLock();
  return taken;
}

WEFT_WRAP(void, ReaderUnlock, "_ZN4absl7debian35Mutex12ReaderUnlockEv", absl::Mutex* mutex) {
  RealReaderUnlock(mutex);
  BlockingMonitor::CountUnlock();
}

WEFT_WRAP(void, LockWhen, "_ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE", absl::Mutex* mutex,
          const absl::Condition* condition) {
  RealLockWhen(mutex, condition);
  BlockingMonitor::CountLock();
}

// Calls Mutex::Unlock() from within Abseil, where nothing is diverted.
WEFT_WRAP(void, Release, "_ZN4absl7debian319ReleasableMutexLock7ReleaseEv",
          absl::ReleasableMutexLock* lock) {
  RealRelease(lock);
  BlockingMonitor::CountUnlock();
}

// Where all of Abseil's waits end, in the kernel. Its argument, a KernelTimeout, is one number.
WEFT_WRAP(bool, SemWait, "AbslInternalPerThreadSemWait_debian3", int64_t timeout) {
  FiberRecord* const fiber = BlockingMonitor::Watched();
  if (fiber == nullptr || BlockingMonitor::BlocksInAbseil(*fiber)) return RealSemWait(timeout);
  const int64_t start_nanos = Clock::Real().MonotonicNanos();
  const bool woken = RealSemWait(timeout);
  BlockingMonitor::WaitedForLock("absl::Mutex", Clock::Real().MonotonicNanos() - start_nanos);
  return woken;
}

}  // namespace weft::internal
