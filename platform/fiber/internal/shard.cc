#include "platform/fiber/internal/shard.h"

#include <cxxabi.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/chance.h"
#include "platform/fiber/internal/cycle_clock.h"
#include "platform/fiber/internal/scope_access.h"
#include "platform/fiber/internal/signal_stack.h"

namespace weft::internal {
namespace {

constinit thread_local Shard* current_shard = nullptr;

// What the C++ runtime keeps per thread about exceptions in flight (Itanium C++ ABI, 2.2.2). It
// must follow the fiber: a park inside a `catch` would otherwise make another fiber's `throw;`
// rethrow this one's exception.
struct ExceptionGlobals {
  void* caught_exceptions = nullptr;
  unsigned int uncaught_exceptions = 0;
};

FiberRecord& RecordAt(void* record) { return *static_cast<FiberRecord*>(record); }

bool HasLocals(const FiberRecord& fiber) {
  return std::any_of(std::begin(fiber.locals), std::end(fiber.locals),
                     [](const auto& local) { return local != nullptr; });
}

constexpr uint64_t kNoBudget = std::numeric_limits<uint64_t>::max();

// The time limit of a round is for real time only: on a simulated clock time stands still while
// fibers run, and the same program must take the same turns.
uint64_t RunBudgetCycles(const Clock& clock, int64_t nanos) {
  if (&clock != &Clock::Real()) return kNoBudget;
  return static_cast<uint64_t>(static_cast<double>(nanos) / NanosPerCycle());
}

// Shards of one runtime must not all draw the same numbers.
uint64_t SeedOfShard(uint64_t seed, int index) {
  if (seed == 0) return 0;
  const uint64_t mixed = seed ^ (static_cast<uint64_t>(index) * 0x9E3779B97F4A7C15);
  return mixed == 0 ? seed : mixed;
}

uint64_t StallCycles(const Watchdog* watchdog) {
  if (watchdog == nullptr) return std::numeric_limits<uint64_t>::max();
  return static_cast<uint64_t>(static_cast<double>(watchdog->threshold_nanos()) / NanosPerCycle());
}

// Turns a list that was pushed newest first round.
template <typename Node, Node* Node::*next>
Node* OldestFirst(Node* newest) {
  Node* oldest = nullptr;
  while (newest != nullptr) {
    Node* const older = newest->*next;
    newest->*next = oldest;
    oldest = newest;
    newest = older;
  }
  return oldest;
}

}  // namespace

Shard* Shard::Current() { return current_shard; }

FiberRecord* CurrentFiber() {
  return current_shard == nullptr ? nullptr : current_shard->current_fiber();
}

// --- Life of the thread ----------------------------------------------------------------------

Shard::Shard(Runtime& runtime, int index, const RuntimeOptions& options,
             std::unique_ptr<Poller> poller, Watchdog* watchdog)
    : runtime_(runtime),
      index_(index),
      options_(options),
      clock_(options.clock != nullptr ? *options.clock : Clock::Real()),
      observer_(options.observer),
      poller_(std::move(poller)),
      run_budget_cycles_(RunBudgetCycles(clock_, kRunBudgetNanos)),
      watchdog_(watchdog),
      stall_cycles_(StallCycles(watchdog)),
      stacks_{FiberStacks(options.stack_bytes), FiberStacks(options.small_stack_bytes),
              FiberStacks(options.large_stack_bytes)},
      ready_(SeedOfShard(options.shuffle_seed, index), options.on_resume),
      next_fiber_id_(static_cast<uint64_t>(index) + 1) {
  ThreadEvent started;
  thread_ = std::thread([this, &started] { ThreadMain(&started); });
  started.Wait();
}

Shard::~Shard() {
  Push([this] { stopping_ = true; });
  thread_.join();
  while (visitors_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  for (PostNode* post = posts_.load(std::memory_order_relaxed); post != nullptr;) {
    delete std::exchange(post, post->next);
  }
  while (listings_ != nullptr) delete std::exchange(listings_, listings_->next_listing);
  HideFromDebugger(debugged_);
}

void Shard::ThreadMain(ThreadEvent* started) {
  current_shard = this;
  SeedChance(SeedOfShard(options_.shuffle_seed, index_));
  const std::string number = "-" + std::to_string(index_);
  const std::string name = options_.name.substr(0, 15 - number.size()) + number;
  pthread_setname_np(pthread_self(), name.c_str());
  exception_globals_ = abi::__cxa_get_globals();
  loop_sanitizer_.InitThreadStack();
  scheduler_.Install();
  loop_nanos_ = longest_run_rotated_nanos_ = stacks_looked_at_nanos_ = clock_.MonotonicNanos();
  debugged_ = {.index = index_,
               .thread_id = gettid(),
               .runtime_name = options_.name.c_str(),
               .all = &all_,
               .current = &current_,
               .loop_nanos = &loop_nanos_};
  ShowToDebugger(debugged_, scheduler_.ContinuationOffset());
  const SignalStack signal_stack;
  if (watchdog_ != nullptr) BeginWatch();
  started->Notify();
  while (!stopping_) {
    Poll();
    RunFibers();
    if (idle_waiter_ != nullptr && spawned_total_.Get() == finished_total_.Get()) {
      std::exchange(idle_waiter_, nullptr)->Notify();
    }
  }
  ReleaseIdleFibers(/*keep=*/0, /*at_most=*/live_fibers_);
}

void Shard::WaitUntilIdle() {
  ThreadEvent idle;
  Push([this, &idle] { idle_waiter_ = &idle; });
  idle.Wait();
}

// --- Fibers ----------------------------------------------------------------------------------

bool Shard::Start(FiberBody& body, const StartOptions& options) {
  FiberStacks& stacks = stacks_[static_cast<size_t>(options.stack)];
  FiberRecord* fiber = TakeIdleFiber(stacks);
  if (fiber == nullptr) fiber = NewFiber(stacks);
  if (fiber == nullptr) return false;
  fiber->body = &body;
  fiber->scope = options.scope;
  fiber->name = options.name;
  fiber->first_park_pending = options.notify_first_park;
  fiber->parent_id = options.parent_id;
  fiber->group = options.group;
  fiber->id = next_fiber_id_;
  next_fiber_id_ += static_cast<uint64_t>(options_.shards);
  fiber->spawned_nanos = loop_nanos_;
  if (options.inherit_locals && current_ != nullptr) {
    for (int i = 0; i < kMaxFiberLocals; ++i) {
      if (current_->locals[i] != nullptr) fiber->locals[i] = current_->locals[i]->Copy();
    }
  }
  spawned_total_.Add(1);
  MakeReady(*fiber);
  return true;
}

FiberRecord* Shard::TakeIdleFiber(FiberStacks& stacks) {
  FiberRecord* const fiber = stacks.idle;
  if (fiber != nullptr) {
    stacks.idle = fiber->ready_next;
    idle_count_.Add(-1);
  }
  return fiber;
}

FiberRecord* Shard::NewFiber(FiberStacks& stacks) {
  if (live_fibers_ >= options_.max_fibers_per_shard) {
    // Idle ones, if any, have stacks of other sizes.
    if (idle_count_.Get() == 0) return nullptr;
    ReleaseIdleFibers(/*keep=*/0, /*at_most=*/1);
  }
  void* const top = stacks.pool.Allocate();
  if (top == nullptr) return nullptr;
  const size_t stack_bytes = stacks.pool.stack_bytes();
  char* const bottom = static_cast<char*>(top) - stack_bytes;
  void* const place = static_cast<char*>(top) - kFiberRecordBytes;
  SanitizerFiber sanitizer;
  sanitizer.InitStack(bottom, stack_bytes);  // First: the memory may still be poisoned.
  auto* const fiber = new (place) FiberRecord(this, &stacks);
  fiber->sanitizer = sanitizer;
  fiber->context = scheduler_.NewContext(
      place, stack_bytes - kFiberRecordBytes,
      {.main = [](void* p) { RecordAt(p).shard->FiberMain(RecordAt(p)); }, .argument = fiber});
  fiber->all_next = all_;
  if (all_ != nullptr) all_->all_previous = fiber;
  all_ = fiber;
  ++live_fibers_;
  return fiber;
}

// Noexcept: an exception that leaves a body ends the process, here rather than in Boost.
void Shard::FiberMain(FiberRecord& self) noexcept {
  self.sanitizer.Arrived();
  self.has_stack = true;
  for (;;) {
    RunBody(self);
    self.state = FiberState::kIdle;
    self.ready_next = self.stacks->idle;
    self.stacks->idle = &self;
    idle_count_.Add(1);
    SwitchAway();
  }
}

void Shard::RunBody(FiberRecord& self) {
  FiberBody* const body = self.body;
  body->Run();
  NoteFiberLeft(/*ended=*/true);
  const bool has_locals = HasLocals(self);
  if (has_locals && watchdog_ != nullptr) NoteStallAtEnd();
  self.scope = nullptr;
  if (self.cancelled_by_hand != nullptr) [[unlikely]]
    self.cancelled_by_hand.reset();
  // A value's destructor may set another local again: what is left must not reach the next body.
  for (bool left = has_locals; left; left = HasLocals(self)) {
    for (std::unique_ptr<FiberLocalValue>& local : self.locals) local.reset();
  }
  self.body = nullptr;
  finished_total_.Add(1);
  body->Finished();
}

void Shard::FreeFiber(FiberRecord& fiber) {
  (fiber.all_previous == nullptr ? all_ : fiber.all_previous->all_next) = fiber.all_next;
  if (fiber.all_next != nullptr) fiber.all_next->all_previous = fiber.all_previous;
  SkipInListings(fiber);
  if (next_look_ == &fiber) next_look_ = fiber.all_next;
  --live_fibers_;
  scheduler_.Abandon(fiber.context);
  fiber.sanitizer.Destroy();
  StackPool& pool = fiber.stacks->pool;
  fiber.~FiberRecord();
  pool.Deallocate(StackTop(fiber));
}

// Gives idle fibers' stacks back to the system, in slices: after a burst there may be many. Those
// that have run last come first, so one look tells how deep the burst was.
void Shard::ReleaseIdleFibers(size_t keep, size_t at_most) {
  for (const StackSize size : {StackSize::kLarge, StackSize::kDefault, StackSize::kSmall}) {
    FiberStacks& stacks = stacks_[static_cast<size_t>(size)];
    if (stacks.idle == nullptr || at_most == 0) continue;
    LookAtStack(*stacks.idle);
    while (stacks.idle != nullptr && idle_count_.Get() > keep && at_most > 0) {
      FreeFiber(*TakeIdleFiber(stacks));
      --at_most;
    }
    stacks.pool.ReleaseMemory();
  }
}

void Shard::MakeReady(FiberRecord& fiber) {
  fiber.state = FiberState::kReady;
  fiber.state_since_nanos = loop_nanos_;
  ready_.Push(fiber);
}

// --- Switching -------------------------------------------------------------------------------

// Chooses what runs next, a ready fiber or the loop, and makes it the current one. The caller
// tells the sanitizers (LeaveFor) and resumes the returned context at once.
BoostScheduler::Context* Shard::PickNext() {
  const uint64_t now_cycles = ReadCycles();
  const uint64_t run_cycles = now_cycles - watch_.activity.load(std::memory_order_relaxed);
  if (run_cycles > noted_run_cycles_) [[unlikely]] {
    NoteLongRun(run_cycles);
  }
  watch_.activity.store(now_cycles, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // Whose run it is, after that it is new.

  FiberRecord* next = nullptr;
  if (--run_budget_ >= 0 && now_cycles - round_start_cycles_ <= run_budget_cycles_) {
    next = ready_.Pop();
  }
  current_ = next;
  active_sanitizer_ = next != nullptr ? &next->sanitizer : &loop_sanitizer_;
  if (next == nullptr) return scheduler_.thread_context();
  next->state = FiberState::kRunning;
  return next->context;
}

// Runs others until the calling fiber, or the loop, is picked again.
void Shard::SwitchAway() {
  FiberRecord* const self = current_;
  NoteFiberLeft(/*ended=*/false);
  SanitizerFiber& left = *active_sanitizer_;
  BoostScheduler::Context* const next = PickNext();
  if (current_ == self) return;
  auto* const globals = static_cast<ExceptionGlobals*>(exception_globals_);
  const ExceptionGlobals saved = std::exchange(*globals, ExceptionGlobals{});
  left.LeaveFor(*active_sanitizer_);
  BoostScheduler::Resume(next);
  left.Arrived();
  *globals = saved;
}

void Shard::Yield() {
  MakeReady(*current_);
  SwitchAway();
}

bool Shard::YieldIfDue() {
  constexpr unsigned kLooksPerSlice = 16;
  const bool simulated = run_budget_cycles_ == kNoBudget;
  const bool due =
      simulated ? ++slice_looks_ % kLooksPerSlice == 0 : RunCycles() > run_budget_cycles_ / 4;
  if (due) Yield();
  return due;
}

WakeReason Shard::Park(Waiter& waiter, int64_t deadline_nanos, bool cancellable) {
  FiberRecord& self = *current_;
  if (self.first_park_pending) {
    self.first_park_pending = false;
    self.body->OnFirstPark();
  }
  CancelScope* const scope = cancellable ? self.scope : nullptr;
  bool scope_deadline_first = false;
  if (scope != nullptr) {
    if (ScopeAccess::Cause(*scope) != CancelCause::kNone) {
      Wake(waiter, WakeReason::kCancelled);  // May lose to a notification that came before.
    }
    const int64_t scope_deadline = ScopeAccess::DeadlineNanos(*scope);
    scope_deadline_first = scope_deadline <= deadline_nanos && scope_deadline != kNeverNanos;
    if (scope_deadline_first) deadline_nanos = scope_deadline;
    ScopeAccess::AddWaiter(*scope, waiter);
  }
  // Whoever won `waiter` before has pushed the fiber already, so that the switch comes back.
  const bool armed = deadline_nanos != kNeverNanos;
  if (armed) timers_.Add(deadline_nanos, waiter);
  self.waits_for = waiter.info;
  const bool waits_for_lock = waiter.info.owner != nullptr;
  if (waits_for_lock) BeginLockWait(self);
  if (self.state == FiberState::kRunning) {  // Not readied already by a local Wake().
    self.state = FiberState::kParked;
    self.state_since_nanos = loop_nanos_;
  }
  SwitchAway();
  if (waits_for_lock) lock_waiters_.Remove(self);
  self.waits_for = {};
  if (scope != nullptr) ScopeAccess::RemoveWaiter(*scope, waiter);
  if (armed && waiter.timer_index != kNotArmed) timers_.Remove(waiter);
  const WakeReason reason = waiter.reason.load(std::memory_order_acquire);
  const bool by_scope = reason == WakeReason::kDeadline && scope_deadline_first;
  return by_scope ? WakeReason::kCancelled : reason;
}

// --- The loop --------------------------------------------------------------------------------

// Runs ready fibers until there are none or the round's budget is spent.
void Shard::RunFibers() {
  round_start_cycles_ = ReadCycles();
  run_budget_ = kRunBudget;
  SwitchAway();
  if (idle_count_.Get() > options_.max_idle_fibers) [[unlikely]] {
    ReleaseIdleFibers(options_.max_idle_fibers, kReleasedPerTurn);
  }
  if (loop_nanos_ - stacks_looked_at_nanos_ >= kStackLookNanos) [[unlikely]] {
    LookAtStacks();
  }
}

// Everything that happened outside since the last time becomes ready fibers. Blocks the thread when
// there is nothing to run until then.
void Shard::Poll() {
  int64_t deadline = 0;
  if (ready_.empty() && idle_count_.Get() <= options_.max_idle_fibers) {
    deadline = timers_.next_deadline();
    // Order with MakeReadyFromAnywhere and Push: they push, then look at blocked_; we set blocked_,
    // then look for what was pushed. One of the two sees the other.
    blocked_.store(true, std::memory_order_seq_cst);
    if (HasRemoteWork()) deadline = 0;
  }
  running_count_.Set(0);
  ready_count_.Set(ready_.size());
  const int64_t before = clock_.MonotonicNanos();
  watch_.activity.store(StallWatch::kWaits | iterations_total_.Get(), std::memory_order_relaxed);
  const size_t events = poller_->Wait(deadline);
  watch_.activity.store(ReadCycles(), std::memory_order_relaxed);
  blocked_.store(false, std::memory_order_relaxed);
  if (watchdog_ != nullptr) watchdog_->ShardRuns();

  const int64_t after = clock_.MonotonicNanos();
  const LoopSample sample{
      .wait_nanos = after - before, .lag_nanos = before - loop_nanos_, .events = events};
  loop_nanos_ = after;
  TakeIn();
  FireTimers(after);

  iterations_total_.Add(1);
  events_total_.Add(events);
  busy_nanos_total_.Add(sample.lag_nanos);
  running_count_.Set(ready_.empty() ? 0 : 1);
  ready_count_.Set(ready_.size() - running_count_.Get());
  timer_count_.Set(timers_.size());
  RotateLongestRun(after);
  if (observer_ != nullptr) observer_->OnLoop(index_, sample);
}

void Shard::FireTimers(int64_t now_nanos) {
  while (Waiter* const waiter = timers_.PopExpired(now_nanos)) {
    waiter->timer_index = kNotArmed;
    Wake(*waiter, WakeReason::kDeadline);
  }
}

bool Shard::HasRemoteWork() const {
  return remote_ready_.load(std::memory_order_seq_cst) != nullptr ||
         posts_.load(std::memory_order_seq_cst) != nullptr;
}

// Takes what other threads have pushed, in the order in which they pushed it.
void Shard::TakeIn() {
  if (remote_ready_.load(std::memory_order_relaxed) != nullptr) {
    FiberRecord* fiber = OldestFirst<FiberRecord, &FiberRecord::remote_next>(
        remote_ready_.exchange(nullptr, std::memory_order_acquire));
    while (fiber != nullptr) MakeReady(*std::exchange(fiber, fiber->remote_next));
  }
  if (posts_.load(std::memory_order_relaxed) != nullptr) {
    PostNode* oldest =
        OldestFirst<PostNode, &PostNode::next>(posts_.exchange(nullptr, std::memory_order_acquire));
    while (oldest != nullptr) {
      const std::unique_ptr<PostNode> post(std::exchange(oldest, oldest->next));
      post->function();
    }
  }
}

// --- From other threads ----------------------------------------------------------------------

void Shard::RingDoorbell() {
  if (blocked_.load(std::memory_order_seq_cst) &&
      blocked_.exchange(false, std::memory_order_acq_rel)) {
    poller_->Wake();
  }
}

void Shard::Push(absl::AnyInvocable<void()> function) {
  auto* const node = new PostNode{std::move(function)};
  visitors_.fetch_add(1, std::memory_order_relaxed);
  node->next = posts_.load(std::memory_order_relaxed);
  while (!posts_.compare_exchange_weak(node->next, node, std::memory_order_seq_cst,
                                       std::memory_order_relaxed)) {
  }
  RingDoorbell();
  visitors_.fetch_sub(1, std::memory_order_release);
}

void Shard::Post(absl::AnyInvocable<void()> function) {
  posted_total_.fetch_add(1, std::memory_order_release);
  Push(std::move(function));
}

void Shard::MakeReadyFromAnywhere(FiberRecord& fiber) {
  if (current_shard == this) {
    MakeReady(fiber);
    return;
  }
  visitors_.fetch_add(1, std::memory_order_relaxed);
  fiber.remote_next = remote_ready_.load(std::memory_order_relaxed);
  while (!remote_ready_.compare_exchange_weak(fiber.remote_next, &fiber, std::memory_order_seq_cst,
                                              std::memory_order_relaxed)) {
  }
  RingDoorbell();
  visitors_.fetch_sub(1, std::memory_order_release);
}

}  // namespace weft::internal
