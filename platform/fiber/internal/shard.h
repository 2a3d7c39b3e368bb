// Shard: one thread that runs fibers. The heart of the layer; read shard.cc from top to bottom.
//
// Two kinds of stack take turns on the thread:
//   - the thread's own runs the loop: it waits in the poller, takes in wakes and posts from other
//     threads, fires timers, and then lets fibers run (ThreadMain);
//   - the fibers. They come from a pool: a fiber that has finished its body waits for the next one.
//
// Fibers switch among themselves directly: SwitchAway() picks the next ready one and resumes it.
// The loop's turn comes when no fiber is ready, and at the latest after kRunBudget fibers.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_SHARD_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_SHARD_H_

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "platform/fiber/cancel_cause.h"
#include "platform/fiber/internal/blocking_monitor.h"
#include "platform/fiber/internal/boost_scheduler.h"
#include "platform/fiber/internal/debugger_view.h"
#include "platform/fiber/internal/fiber_listing.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/fiber_stacks.h"
#include "platform/fiber/internal/lock_waiters.h"
#include "platform/fiber/internal/run_queue.h"
#include "platform/fiber/internal/stall_watch.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/internal/timer_heap.h"
#include "platform/fiber/internal/watchdog.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/stack_size.h"

namespace weft::internal {

// A fiber that has used up its stack, and who it is.
struct StackOverflow {
  int shard = 0;
  StackSize size = StackSize::kDefault;
  size_t stack_bytes = 0;
  uint64_t fiber_id = 0;
  char fiber_name[160] = "";
  char description[64] = "";  // from RuntimeObserver::DescribeFiber; empty: none
};

class Shard final {
 public:
  // Fibers that run before the loop looks at the poller again, and for how long at most: bounds
  // how late events are seen when the run queue never empties.
  static constexpr int kRunBudget = 64;
  static constexpr int64_t kRunBudgetNanos = 500'000;
  // Idle fibers given back in one turn of the loop, when there are too many.
  static constexpr size_t kReleasedPerTurn = 256;
  // How often stacks are looked at for how deep they were used, and how many at a time.
  static constexpr int64_t kStackLookNanos = 100'000'000;
  static constexpr int kStacksPerLook = 8;
  // Text that an observer may know a fiber by, with the zero byte at its end.
  static constexpr size_t kMaxDescription = 64;

  // `watchdog` is null where there is none; else it outlives the shard.
  Shard(Runtime& runtime, int index, const RuntimeOptions& options, std::unique_ptr<Poller> poller,
        Watchdog* watchdog);
  // Requires: every body has finished (WaitUntilIdle). Ends the thread.
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
  StallWatch& watch() { return watch_; }
  RuntimeObserver* observer() const { return observer_; }
  // The shard that the calling thread is; null elsewhere.
  static Shard* Current();

  // --- The thread that destroys the runtime ---
  // Blocks until all posts made before the call have run and no fiber has a body.
  void WaitUntilIdle();
  // Posts and fibers so far. Unchanged round a WaitUntilIdle() of every shard: nothing can come.
  uint64_t WorkBegun() const {
    return posted_total_.load(std::memory_order_acquire) + spawned_total_.Get();
  }

  // --- The shard's thread only ---
  bool Start(FiberBody& body, const StartOptions& options);
  void Yield();
  // Yields when the running fiber has had its slice, a quarter of a round; whether it did.
  bool YieldIfDue();
  WakeReason Park(Waiter& waiter, int64_t deadline_nanos, bool cancellable);
  FiberRecord* current_fiber() const { return current_; }
  // Describes every fiber that has a body; ends by itself, after some turns of the loop.
  void List(std::unique_ptr<FiberListing> listing);
  // The fiber that runs the task of that id; null when it has ended.
  FiberRecord* FindFiber(uint64_t id) const;
  // A scope was cancelled, or its deadline ended a park; not for the scopes inside it.
  void CountCancelled(CancelCause cause) { scopes_cancelled_[static_cast<size_t>(cause)].Add(1); }
  // Cancels one fiber, by hand: a call as a whole, a child of a task group without its siblings.
  // NOT_FOUND when it has ended.
  absl::Status CancelFiber(uint64_t id);
  // How long the run that goes on has taken, if that makes it a stall; else 0.
  int64_t CurrentStallNanos() const;
  // In a signal handler on the thread: answers the watchdog that asked for a stack.
  void TakeStallSample(void* signal_context) noexcept;
  // Likewise: whether an access to `fault` means that the running fiber has used up its stack.
  bool FindOverflow(const void* fault, StackOverflow* overflow) noexcept;

 private:
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

  void ThreadMain(ThreadEvent* started);

  // Fibers.
  FiberRecord* TakeIdleFiber(FiberStacks& stacks);
  FiberRecord* NewFiber(FiberStacks& stacks);
  [[noreturn]] void FiberMain(FiberRecord& self) noexcept;
  void RunBody(FiberRecord& self);
  void FreeFiber(FiberRecord& fiber);
  void ReleaseIdleFibers(size_t keep, size_t at_most);
  void LookAtStack(FiberRecord& fiber);
  void LookAtStacks();
  void Describe(const FiberRecord& fiber, const FiberQuery& query, FiberNotes* notes) const;
  void ListSlice(FiberListing* listing);
  void SkipInListings(const FiberRecord& fiber);
  void BeginLockWait(const FiberRecord& fiber);
  void ReportDeadlock(uint64_t fiber_id);
  void MakeReady(FiberRecord& fiber);

  // Switching.
  BoostScheduler::Context* PickNext();
  void SwitchAway();

  // The loop.
  void RunFibers();
  void Poll();
  void TakeIn();
  void FireTimers(int64_t now_nanos);
  bool HasRemoteWork() const;
  void Push(absl::AnyInvocable<void()> function);
  void RingDoorbell();
  void RotateLongestRun(int64_t now_nanos);

  // Stalls.
  void BeginWatch();
  uint64_t RunCycles() const;  // since the run that goes on began
  void NoteLongRun(uint64_t cycles);
  void NoteStallAtEnd();

  // Tells who watches for locks of threads (BlockingMonitor); nothing with NDEBUG.
  void NoteFiberLeft([[maybe_unused]] bool ended) {
#ifndef NDEBUG
    const auto on_fiber_left = BlockingMonitor::on_fiber_left.load(std::memory_order_relaxed);
    if (current_ != nullptr && on_fiber_left != nullptr) on_fiber_left(*current_, ended);
#endif
  }

  Runtime& runtime_;
  const int index_;
  const RuntimeOptions options_;
  const Clock& clock_;
  RuntimeObserver* const observer_;
  const std::unique_ptr<Poller> poller_;
  const uint64_t run_budget_cycles_;
  Watchdog* const watchdog_;
  const uint64_t stall_cycles_;  // of a run that is a stall; the largest number without a watchdog

  // Owned by the thread.
  BoostScheduler scheduler_;
  std::array<FiberStacks, kStackSizes> stacks_;  // by StackSize
  TimerHeap timers_;
  RunQueue ready_;
  FiberRecord* all_ = nullptr;
  FiberRecord* next_look_ = nullptr;  // in `all_`: LookAtStacks
  int64_t stacks_looked_at_nanos_ = 0;
  FiberListing* listings_ = nullptr;
  LockWaiters lock_waiters_;
  FiberRecord* current_ = nullptr;  // null: the loop
  void* exception_globals_ = nullptr;
  SanitizerFiber loop_sanitizer_;
  SanitizerFiber* active_sanitizer_ = &loop_sanitizer_;
  ThreadEvent* idle_waiter_ = nullptr;
  bool stopping_ = false;
  int run_budget_ = 0;
  unsigned slice_looks_ = 0;  // calls of YieldIfDue() on a simulated clock
  uint64_t round_start_cycles_ = 0;
  StallWatch watch_;
  uint64_t noted_run_cycles_ = 0;  // runs longer than this are noted: NoteLongRun
  uint64_t longest_run_cycles_ = 0;
  uint64_t previous_longest_run_cycles_ = 0;
  int64_t longest_run_rotated_nanos_ = 0;
  int64_t loop_nanos_ = 0;  // the clock, read once a turn of the loop
  size_t live_fibers_ = 0;  // contexts: with a body or idle
  uint64_t next_fiber_id_;  // of this shard alone: they differ by the number of shards
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
  std::array<Published<uint64_t>, kCancelCauses> scopes_cancelled_;

  DebuggedShard debugged_;

  // Shared with other threads; on cache lines of their own.
  alignas(64) std::atomic<FiberRecord*> remote_ready_{nullptr};  // Treiber stacks: pushed by
  std::atomic<PostNode*> posts_{nullptr};  // anybody, taken whole by the shard
  std::atomic<bool> blocked_{false};       // the shard is in Wait, or about to be
  // Threads between their push and the end of their ring: what they pushed may already have let
  // the runtime go, so the destructor waits for them.
  std::atomic<int> visitors_{0};
  std::atomic<uint64_t> posted_total_{0};

  alignas(64) std::thread thread_;
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_SHARD_H_
