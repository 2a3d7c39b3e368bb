// Tells the thread sanitizer about Abseil's locks.
//
// Debian's Abseil is not instrumented, and its mutex waits in the kernel without pthread, so the
// sanitizer sees none of its order and reports every variable that it guards. Under
// --config=tsan the linker diverts our own calls (--wrap, tsan_abseil.bzl) to the functions below,
// which add "this comes after that" around the real ones. What they cannot show is a lock that is
// missing within a reader's section: shared and exclusive sections are ordered alike.
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}

namespace {

using absl::BlockingCounter;
using absl::Condition;
using absl::CondVar;
using absl::Duration;
using absl::Mutex;
using absl::Notification;
using absl::Time;

// A thread that unlocks evaluates the conditions of those that wait. Their reads are ordered by
// the lock it still holds, which the sanitizer, told of the release already, cannot know.
class IgnoreReads {
 public:
  IgnoreReads() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~IgnoreReads() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
};

// Calls the real function between a release and an acquire of the object's order.
template <typename Real, typename... Args>
auto ReleaseThenAcquire(void* object, Real real, Args... args) {
  struct Acquire {
    void* object;
    ~Acquire() { __tsan_acquire(object); }
  } acquire{object};
  __tsan_release(object);
  IgnoreReads ignore;
  return real(args...);
}

// Where Notification keeps its flag, which its inline HasBeenNotified() reads.
void* FlagOf(const Notification* notification) {
  return const_cast<char*>(reinterpret_cast<const char*>(notification)) + sizeof(Mutex);
}

}  // namespace

// Declares the real function and begins the definition of its wrapper. A member function takes
// its object as a first, ordinary argument in the ABI of every Linux machine.
#define WEFT_WRAP(result, name, mangled, ...)                     \
  result Real##name(__VA_ARGS__) __asm__("__real__Z" mangled);    \
  result Wrapped##name(__VA_ARGS__) __asm__("__wrap__Z" mangled); \
  result Wrapped##name(__VA_ARGS__)

WEFT_WRAP(void, Lock, "N4absl7debian35Mutex4LockEv", Mutex* mutex) {
  RealLock(mutex);
  __tsan_acquire(mutex);
}

WEFT_WRAP(void, ReaderLock, "N4absl7debian35Mutex10ReaderLockEv", Mutex* mutex) {
  RealReaderLock(mutex);
  __tsan_acquire(mutex);
}

WEFT_WRAP(bool, TryLock, "N4absl7debian35Mutex7TryLockEv", Mutex* mutex) {
  const bool locked = RealTryLock(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

WEFT_WRAP(void, Unlock, "N4absl7debian35Mutex6UnlockEv", Mutex* mutex) {
  __tsan_release(mutex);
  IgnoreReads ignore;
  RealUnlock(mutex);
}

WEFT_WRAP(void, ReaderUnlock, "N4absl7debian35Mutex12ReaderUnlockEv", Mutex* mutex) {
  __tsan_release(mutex);
  IgnoreReads ignore;
  RealReaderUnlock(mutex);
}

WEFT_WRAP(void, LockWhen, "N4absl7debian35Mutex8LockWhenERKNS0_9ConditionE", Mutex* mutex,
          const Condition* condition) {
  {
    IgnoreReads ignore;
    RealLockWhen(mutex, condition);
  }
  __tsan_acquire(mutex);
}

WEFT_WRAP(void, Await, "N4absl7debian35Mutex5AwaitERKNS0_9ConditionE", Mutex* mutex,
          const Condition* condition) {
  ReleaseThenAcquire(mutex, RealAwait, mutex, condition);
}

WEFT_WRAP(bool, AwaitWithTimeout,
          "N4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE", Mutex* mutex,
          const Condition* condition, Duration timeout) {
  return ReleaseThenAcquire(mutex, RealAwaitWithTimeout, mutex, condition, timeout);
}

WEFT_WRAP(bool, AwaitWithDeadline,
          "N4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE", Mutex* mutex,
          const Condition* condition, Time deadline) {
  return ReleaseThenAcquire(mutex, RealAwaitWithDeadline, mutex, condition, deadline);
}

WEFT_WRAP(void, Wait, "N4absl7debian37CondVar4WaitEPNS0_5MutexE", CondVar* variable, Mutex* mutex) {
  ReleaseThenAcquire(mutex, RealWait, variable, mutex);
}

WEFT_WRAP(bool, WaitWithTimeout,
          "N4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE", CondVar* variable,
          Mutex* mutex, Duration timeout) {
  return ReleaseThenAcquire(mutex, RealWaitWithTimeout, variable, mutex, timeout);
}

WEFT_WRAP(bool, WaitWithDeadline, "N4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE",
          CondVar* variable, Mutex* mutex, Time deadline) {
  return ReleaseThenAcquire(mutex, RealWaitWithDeadline, variable, mutex, deadline);
}

WEFT_WRAP(void, Notify, "N4absl7debian312Notification6NotifyEv", Notification* notification) {
  __tsan_release(FlagOf(notification));
  RealNotify(notification);
}

WEFT_WRAP(bool, HasBeenNotified,
          "N4absl7debian312Notification23HasBeenNotifiedInternalEPKSt6atomicIbE",
          const std::atomic<bool>* flag) {
  const bool notified = RealHasBeenNotified(flag);
  if (notified) __tsan_acquire(const_cast<std::atomic<bool>*>(flag));
  return notified;
}

WEFT_WRAP(void, WaitForNotification, "NK4absl7debian312Notification19WaitForNotificationEv",
          const Notification* notification) {
  RealWaitForNotification(notification);
  __tsan_acquire(FlagOf(notification));
}

WEFT_WRAP(bool, WaitForNotificationWithTimeout,
          "NK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE",
          const Notification* notification, Duration timeout) {
  const bool notified = RealWaitForNotificationWithTimeout(notification, timeout);
  if (notified) __tsan_acquire(FlagOf(notification));
  return notified;
}

WEFT_WRAP(bool, DecrementCount, "N4absl7debian315BlockingCounter14DecrementCountEv",
          BlockingCounter* counter) {
  __tsan_release(counter);
  return RealDecrementCount(counter);
}

WEFT_WRAP(void, CounterWait, "N4absl7debian315BlockingCounter4WaitEv", BlockingCounter* counter) {
  RealCounterWait(counter);
  __tsan_acquire(counter);
}
