// SharedMutex: many readers or one writer. Parks the fiber, never the thread, so that it may be
// held across a park. Usable from fibers of any shard; not from plain threads.
//
//   weft::SharedMutex mutex;
//   { std::shared_lock<weft::SharedMutex> hold(mutex); return table.Find(key); }
//   { std::unique_lock<weft::SharedMutex> hold(mutex); table.Insert(row); }
//
// Fairness: first come, first served, between readers and writers alike. A reader that comes while
// a writer waits queues behind it, so that readers cannot starve writers; readers that wait one
// behind the other enter together, so that writers cannot starve readers. Unlock() hands over
// directly: a late-comer cannot overtake.
//
// Not recursive in either mode. Asking again while holding it for writing crashes. Asking again
// while holding it for *reading* is not detected and may wait for ever: for writing always, for
// reading as soon as a writer waits in between. The fiber dump shows such a wait.
//
// Worth its price only where readers park or compute while they hold it: for a few instructions a
// Mutex is as good, since both serialise their entry.
#ifndef WEFT_PLATFORM_FIBER_SHARED_MUTEX_H_
#define WEFT_PLATFORM_FIBER_SHARED_MUTEX_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/internal/wait_queue.h"

namespace weft {

class SharedMutex {
 public:
  SharedMutex() = default;
  ~SharedMutex();  // Requires: not locked, nobody waits.
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  // For writing: alone.
  //
  // Parks until it is the caller's. Never a cancel point: it always succeeds.
  void Lock();
  // As Lock(), but a cancel point when it parks. Returns OK with the mutex held; without it
  // DEADLINE_EXCEEDED or the cancel scope's status. A free mutex is taken in a cancelled scope too,
  // and after `deadline`.
  absl::Status LockCancellable(absl::Time deadline = absl::InfiniteFuture());
  // True if it was free and nobody waits. Never parks.
  bool TryLock();
  // Requires: held for writing by the calling fiber. Never parks.
  void Unlock();

  // For reading: with other readers. Otherwise as above.
  void LockShared();
  absl::Status LockSharedCancellable(absl::Time deadline = absl::InfiniteFuture());
  bool TryLockShared();
  // Requires: held for reading by the calling fiber (checked only as far as that some fiber does).
  void UnlockShared();

  // The standard library's names, for std::unique_lock, std::shared_lock and kin.
  void lock() { Lock(); }
  bool try_lock() { return TryLock(); }
  void unlock() { Unlock(); }
  void lock_shared() { LockShared(); }
  bool try_lock_shared() { return TryLockShared(); }
  void unlock_shared() { UnlockShared(); }

 private:
  enum class Mode { kRead, kWrite };
  struct Request;

  bool TryEnter(Mode mode);
  absl::Status EnterSlow(Mode mode, bool cancellable, absl::Time deadline);
  static uint64_t WriterOf(const void* shared_mutex);
  // Under lock_.
  bool Free(Mode mode) const;
  void Enter(Mode mode, internal::FiberRecord* fiber);
  void Serve();

  mutable internal::SpinLock lock_;
  internal::FiberRecord* writer_ = nullptr;
  size_t readers_ = 0;
  internal::WaitQueue requests_;
};

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_SHARED_MUTEX_H_
