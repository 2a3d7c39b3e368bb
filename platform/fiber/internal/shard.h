// Shard: one thread that runs fibers. The heart of the layer; read shard.cc from top to bottom.
//
// Three kinds of stack take turns on the thread:
//   - the thread's own: starts the scheduler, sleeps until Stop(), then ends the idle fibers;
//   - the loop (Boost.Fiber's dispatcher context): waits in the poller, fires timers, takes in
//   wakes
//     from other threads. It runs when no fiber is ready, and at the latest after kRunBudget
//     fibers;
//   - the fibers. They come from a pool: a fiber that has finished its body waits for the next one.
//
// Boost.Fiber makes the stacks' contexts, owns the dispatcher and calls our algorithm
// (boost_algorithm.h) when the dispatcher looks for work. Fibers switch among themselves directly:
// SwitchAway() picks the next one and resumes it. Boost's own sleeps, timed waits, mutexes and
// remote queue are not used: they read the system clock themselves, so time could not be simulated.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_SHARD_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_SHARD_H_

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/synchronization/notification.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/stack_pool.h"
#include "platform/fiber/internal/timer_heap.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/runtime.h"

namespace weft::internal {

class BoostAlgorithm;

// First in, first out.
class RunQueue {
 public:
  bool empty() const { return head_ == nullptr; }
  size_t size() const { return size_; }
  void Push(FiberRecord& fiber) {
    fiber.ready_next = nullptr;
    (head_ == nullptr ? head_ : tail_->ready_next) = &fiber;
    tail_ = &fiber;
    ++size_;
  }
  FiberRecord* Pop() {
    FiberRecord* const fiber = head_;
    if (fiber != nullptr) {
      head_ = fiber->ready_next;
      --size_;
    }
    return fiber;
  }

 private:
  FiberRecord* head_ = nullptr;
  FiberRecord* tail_ = nullptr;
  size_t size_ = 0;
};

class Shard {
 public:
  // Fibers that run before the loop looks at the poller again, and for how long at most: bounds
  // how late events are seen when the run queue never empties.
  static constexpr int kRunBudget = 64;
  static constexpr int64_t kRunBudgetNanos = 500'000;

  Shard(Runtime& runtime, int index, const RuntimeOptions& options, std::unique_ptr<Poller> poller);
  // Requires: every body has finished. Ends the thread.
  ~Shard();

  // --- Any thread ---
  void Post(absl::AnyInvocable<void()> function);
  // Makes a parked fiber of this shard ready, from whatever thread.
  void MakeReadyFromAnywhere(FiberRecord& fiber);
  ShardStats Stats() const;
  Runtime& runtime() { return runtime_; }
  int index() const { return index_; }
  const Clock& clock() const { return clock_; }
  Poller& poller() { return *poller_; }
  // The shard that the calling thread is; null elsewhere.
  static Shard* Current();

  // --- The shard's thread only ---
  bool Start(FiberBody& body, const StartOptions& options);
  void Yield();
  WakeReason Park(Waiter& waiter, int64_t deadline_nanos, bool cancellable);
  FiberRecord* current_fiber() const { return current_; }
  std::vector<FiberInfo> Fibers() const;

 private:
  friend class BoostAlgorithm;
  struct PostNode {
    absl::AnyInvocable<void()> function;
    PostNode* next = nullptr;
  };
  // Written by the shard alone, read by anybody.
  template <typename T>
  class Published {
   public:
    void Add(T n) { Set(value_.load(std::memory_order_relaxed) + n); }
    void Set(T n) { value_.store(n, std::memory_order_relaxed); }
    T Get() const { return value_.load(std::memory_order_relaxed); }

   private:
    std::atomic<T> value_{0};
  };

  void ThreadMain(absl::Notification* started);
  void EndFibers();

  // Fibers.
  FiberRecord* TakeIdleFiber();
  FiberRecord* NewFiber();
  void FiberMain(FiberRecord& self);
  void RunBody(FiberRecord& self);
  void MakeReady(FiberRecord& fiber);

  // Switching.
  boost::fibers::context* PickNext();
  void SwitchAway();
  void AccountRun(uint64_t now_cycles);
  void NoteDispatcher(boost::fibers::context* dispatcher);

  // The loop.
  void Poll(bool may_block);
  void TakeIn();
  void FireTimers(int64_t now_nanos);
  bool HasRemoteWork() const;
  void RingDoorbell();
  void RotateLongestRun(int64_t now_nanos);

  Runtime& runtime_;
  const int index_;
  const RuntimeOptions options_;
  const Clock& clock_;
  RuntimeObserver* const observer_;
  const std::unique_ptr<Poller> poller_;
  const uint64_t run_budget_cycles_;

  // Owned by the thread.
  StackPool stacks_;
  TimerHeap timers_;
  RunQueue ready_;
  FiberRecord* idle_ = nullptr;  // a stack of warm stacks: last in, first out
  FiberRecord* all_ = nullptr;
  FiberRecord* current_ = nullptr;
  boost::fibers::context* dispatcher_ = nullptr;
  boost::fibers::context* main_ = nullptr;
  SanitizerFiber dispatcher_sanitizer_;
  SanitizerFiber main_sanitizer_;
  SanitizerFiber* active_sanitizer_ = nullptr;
  bool on_dispatcher_ = false;
  bool dispatcher_arriving_ = false;  // switched to, and not yet told to the sanitizers
  bool main_ready_ = false;
  bool polled_ = false;
  bool ending_ = false;
  int run_budget_ = 0;
  uint64_t run_start_cycles_ = 0;
  uint64_t round_start_cycles_ = 0;
  uint64_t longest_run_cycles_ = 0;
  uint64_t previous_longest_run_cycles_ = 0;
  int64_t longest_run_rotated_nanos_ = 0;
  int64_t loop_nanos_ = 0;  // the clock, read once a turn of the loop
  size_t live_fibers_ = 0;  // contexts: with a body or idle
  uint64_t next_fiber_id_ = 0;

  // Shared with other threads.
  std::atomic<FiberRecord*> remote_ready_{nullptr};  // Treiber stacks: pushed by anybody,
  std::atomic<PostNode*> posts_{nullptr};            // taken whole by the shard
  std::atomic<bool> blocked_{false};                 // the shard is in Wait, or about to be
  Published<uint64_t> spawned_total_;
  Published<uint64_t> finished_total_;
  Published<uint64_t> iterations_total_;
  Published<uint64_t> events_total_;
  Published<int64_t> busy_nanos_total_;
  Published<uint64_t> longest_run_published_;
  Published<size_t> running_count_;
  Published<size_t> ready_count_;
  Published<size_t> idle_count_;
  Published<size_t> timer_count_;

  std::thread thread_;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_SHARD_H_
