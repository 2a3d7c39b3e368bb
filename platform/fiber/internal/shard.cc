#include "platform/fiber/internal/shard.h"

#include <cxxabi.h>
#include <pthread.h>

#include <algorithm>
#include <boost/context/stack_context.hpp>
#include <boost/context/stack_traits.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/operations.hpp>
#include <new>
#include <string>
#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/boost_algorithm.h"
#include "platform/fiber/internal/cycle_clock.h"
#include "platform/fiber/internal/scope_access.h"

namespace weft::internal {
namespace {

thread_local Shard* current_shard = nullptr;

// What the C++ runtime keeps per thread about exceptions in flight (Itanium C++ ABI, 2.2.2). It
// must follow the fiber: a park inside a `catch` would otherwise make another fiber's `throw;`
// rethrow this one's exception.
struct ExceptionGlobals {
  void* caught_exceptions;
  unsigned int uncaught_exceptions;
};

ExceptionGlobals& ThreadExceptionGlobals() {
  return *reinterpret_cast<ExceptionGlobals*>(abi::__cxa_get_globals());
}

// Hands a stack that was cut out by hand to Boost, and takes it back.
class StackHandover {
 public:
  StackHandover(StackPool* pool, FiberRecord* record, void* bottom)
      : pool_(pool), record_(record), bottom_(bottom) {}
  boost::context::stack_context allocate() {
    boost::context::stack_context stack;
    stack.sp = record_;
    stack.size =
        static_cast<size_t>(reinterpret_cast<char*>(record_) - static_cast<char*>(bottom_));
    return stack;
  }
  void deallocate(boost::context::stack_context&) noexcept {
    record_->sanitizer.Destroy();
    record_->~FiberRecord();
    pool_->Deallocate(static_cast<char*>(bottom_) + pool_->stack_bytes());
  }

 private:
  StackPool* pool_;
  FiberRecord* record_;
  void* bottom_;
};

// The dispatcher's stack is made by Boost with its default size; its context lies at the top.
constexpr size_t kDispatcherSlackBytes = 4096;

}  // namespace

Shard* Shard::Current() { return current_shard; }

FiberRecord* CurrentFiber() {
  return current_shard == nullptr ? nullptr : current_shard->current_fiber();
}

// --- Life of the thread ----------------------------------------------------------------------

Shard::Shard(Runtime& runtime, int index, const RuntimeOptions& options,
             std::unique_ptr<Poller> poller)
    : runtime_(runtime),
      index_(index),
      options_(options),
      clock_(options.clock != nullptr ? *options.clock : Clock::Real()),
      observer_(options.observer),
      poller_(std::move(poller)),
      run_budget_cycles_(static_cast<uint64_t>(kRunBudgetNanos / NanosPerCycle())),
      stacks_(options.stack_bytes) {
  absl::Notification started;
  thread_ = std::thread([this, &started] { ThreadMain(&started); });
  started.WaitForNotification();
}

Shard::~Shard() {
  Post([this] {
    ending_ = true;
    main_ready_ = true;
  });
  thread_.join();
  delete posts_.exchange(nullptr);
}

void Shard::ThreadMain(absl::Notification* started) {
  current_shard = this;
  const std::string name = options_.name.substr(0, 12) + "-" + std::to_string(index_);
  pthread_setname_np(pthread_self(), name.c_str());
  main_sanitizer_.InitThreadStack();
  active_sanitizer_ = &main_sanitizer_;
  main_ = boost::fibers::context::active();
  boost::fibers::use_scheduling_algorithm<BoostAlgorithm>(this);
  loop_nanos_ = longest_run_rotated_nanos_ = clock_.MonotonicNanos();
  started->Notify();
  SwitchAway();  // To the loop, until the destructor's Post.
  EndFibers();
  // Boost's scheduler now switches to its dispatcher for the last time, and ends it.
}

// Resumes each idle fiber without a body, which ends it, until none is left.
void Shard::EndFibers() {
  while (live_fibers_ > 0) {
    while (FiberRecord* const fiber = idle_) {
      idle_ = fiber->ready_next;
      idle_count_.Add(-1);
      MakeReady(*fiber);
    }
    main_ready_ = false;
    SwitchAway();  // The last fiber to end sets main_ready_.
  }
}

// --- Fibers ----------------------------------------------------------------------------------

bool Shard::Start(FiberBody& body, const StartOptions& options) {
  FiberRecord* fiber = TakeIdleFiber();
  if (fiber == nullptr) fiber = NewFiber();
  if (fiber == nullptr) return false;
  fiber->body = &body;
  fiber->scope = options.scope;
  fiber->name = options.name;
  fiber->first_park_pending = options.notify_first_park;
  fiber->id = ++next_fiber_id_;
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

FiberRecord* Shard::TakeIdleFiber() {
  FiberRecord* const fiber = idle_;
  if (fiber != nullptr) {
    idle_ = fiber->ready_next;
    idle_count_.Add(-1);
  }
  return fiber;
}

FiberRecord* Shard::NewFiber() {
  if (live_fibers_ >= options_.max_fibers_per_shard) return nullptr;
  void* const top = stacks_.Allocate();
  if (top == nullptr) return nullptr;
  char* const bottom = static_cast<char*>(top) - stacks_.stack_bytes();
  constexpr size_t kRecordBytes = (sizeof(FiberRecord) + 63) / 64 * 64;
  void* const place = static_cast<char*>(top) - kRecordBytes;
  SanitizerFiber sanitizer;
  sanitizer.InitStack(bottom, stacks_.stack_bytes());  // First: the memory may still be poisoned.
  auto* const fiber = new (place) FiberRecord(this);
  fiber->sanitizer = sanitizer;
  boost::intrusive_ptr<boost::fibers::context> context = boost::fibers::make_worker_context(
      boost::fibers::launch::post, StackHandover(&stacks_, fiber, bottom),
      [this, fiber] { FiberMain(*fiber); });
  boost::fibers::context::active()->attach(context.get());
  fiber->context = context.get();  // Boost keeps a reference until the fiber has ended.
  fiber->all_next = all_;
  if (all_ != nullptr) all_->all_previous = fiber;
  all_ = fiber;
  ++live_fibers_;
  return fiber;
}

void Shard::FiberMain(FiberRecord& self) {
  self.sanitizer.Arrived();
  while (self.body != nullptr) {
    RunBody(self);
    if (idle_count_.Get() >= options_.max_idle_fibers) break;
    self.state = FiberState::kIdle;
    self.ready_next = idle_;
    idle_ = &self;
    idle_count_.Add(1);
    SwitchAway();
  }
  (self.all_previous == nullptr ? all_ : self.all_previous->all_next) = self.all_next;
  if (self.all_next != nullptr) self.all_next->all_previous = self.all_previous;
  if (--live_fibers_ == 0 && ending_) main_ready_ = true;
  current_ = nullptr;
  // Boost now picks the next context on this stack, leaves it for ever, and hands it back on the
  // dispatcher (StackHandover::deallocate); the record lives until then.
}

void Shard::RunBody(FiberRecord& self) {
  FiberBody* const body = self.body;
  body->Run();
  self.scope = nullptr;
  for (std::unique_ptr<FiberLocalValue>& local : self.locals) local.reset();
  self.body = nullptr;
  finished_total_.Add(1);
  body->Finished();
}

void Shard::MakeReady(FiberRecord& fiber) {
  fiber.state = FiberState::kReady;
  fiber.state_since_nanos = loop_nanos_;
  ready_.Push(fiber);
}

// --- Switching -------------------------------------------------------------------------------

void Shard::NoteDispatcher(boost::fibers::context* dispatcher) {
  if (dispatcher_ != nullptr) return;
  dispatcher_ = dispatcher;
  const size_t bytes = boost::context::stack_traits::default_size() - kDispatcherSlackBytes;
  char* const top = reinterpret_cast<char*>(dispatcher);
  dispatcher_sanitizer_.InitStack(top - bytes, bytes);
}

void Shard::AccountRun(uint64_t now_cycles) {
  if (current_ != nullptr && now_cycles - run_start_cycles_ > longest_run_cycles_) {
    longest_run_cycles_ = now_cycles - run_start_cycles_;
  }
  run_start_cycles_ = now_cycles;
}

// Chooses what runs next and makes it the current one. The caller resumes the returned context at
// once. Null, to the dispatcher only: there is nothing to run, wait in the poller.
boost::fibers::context* Shard::PickNext() {
  if (on_dispatcher_) {
    if (std::exchange(dispatcher_arriving_, false)) dispatcher_sanitizer_.Arrived();
    if (!polled_ && !ready_.empty()) Poll(/*may_block=*/false);
    polled_ = false;
  }
  const uint64_t now_cycles = ReadCycles();
  AccountRun(now_cycles);
  SanitizerFiber* const left = active_sanitizer_;
  const bool left_for_ever = current_ == nullptr && !on_dispatcher_ && left != &main_sanitizer_;

  boost::fibers::context* next = nullptr;
  if (on_dispatcher_) {
    round_start_cycles_ = now_cycles;
    run_budget_ = kRunBudget;
  } else if (run_budget_ <= 0 || now_cycles - round_start_cycles_ > run_budget_cycles_) {
    next = dispatcher_;
  }
  FiberRecord* const fiber = next == nullptr ? ready_.Pop() : nullptr;
  if (fiber != nullptr) {
    --run_budget_;
    fiber->state = FiberState::kRunning;
    next = fiber->context;
    active_sanitizer_ = &fiber->sanitizer;
    current_ = fiber;
    on_dispatcher_ = false;
  } else if (on_dispatcher_ && main_ready_) {
    next = main_;
    active_sanitizer_ = &main_sanitizer_;
    current_ = nullptr;
    on_dispatcher_ = false;
  } else if (on_dispatcher_) {
    return nullptr;
  } else {
    next = dispatcher_;
    active_sanitizer_ = &dispatcher_sanitizer_;
    current_ = nullptr;
    on_dispatcher_ = dispatcher_arriving_ = true;
  }
  if (active_sanitizer_ != left) left->LeaveFor(*active_sanitizer_, left_for_ever);
  return next;
}

// Runs others until the calling fiber (or the thread's own context) is picked again.
void Shard::SwitchAway() {
  SanitizerFiber* const self = active_sanitizer_;
  boost::fibers::context* const active = boost::fibers::context::active();
  boost::fibers::context* const next = PickNext();
  if (next == active) return;
  ExceptionGlobals& globals = ThreadExceptionGlobals();
  const ExceptionGlobals saved = std::exchange(globals, ExceptionGlobals{});
  next->resume();
  globals = saved;
  self->Arrived();
}

void Shard::Yield() {
  FiberRecord& self = *current_;
  MakeReady(self);
  SwitchAway();
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
  }
  // Wake() has made the fiber ready if it came before; then the switch comes straight back.
  const bool armed = deadline_nanos != kNeverNanos;
  if (armed) timers_.Add(deadline_nanos, waiter);
  if (scope != nullptr) ScopeAccess::AddWaiter(*scope, waiter);
  self.waits_for = waiter.info;
  if (self.state == FiberState::kRunning) {  // Not readied already by a local Wake().
    self.state = FiberState::kParked;
    self.state_since_nanos = loop_nanos_;
  }
  SwitchAway();
  self.waits_for = {};
  if (scope != nullptr) ScopeAccess::RemoveWaiter(*scope, waiter);
  if (armed && waiter.timer_index != kNotArmed) timers_.Remove(waiter);
  const WakeReason reason = waiter.reason.load(std::memory_order_acquire);
  const bool by_scope = reason == WakeReason::kDeadline && scope_deadline_first;
  return by_scope ? WakeReason::kCancelled : reason;
}

// --- The loop --------------------------------------------------------------------------------

// One turn: everything that happened outside since the last one becomes ready fibers.
void Shard::Poll(bool may_block) {
  const int64_t before = clock_.MonotonicNanos();
  FireTimers(before);
  TakeIn();
  int64_t deadline = 0;
  if (may_block && ready_.empty() && !main_ready_) {
    deadline = timers_.next_deadline();
    // Order with MakeReadyFromAnywhere and Post: they push, then look at blocked_; we set blocked_,
    // then look for what was pushed. One of the two sees the other.
    blocked_.store(true, std::memory_order_seq_cst);
    if (HasRemoteWork()) deadline = 0;
  }
  running_count_.Set(0);
  ready_count_.Set(ready_.size());
  const size_t events = poller_->Wait(deadline);
  blocked_.store(false, std::memory_order_relaxed);

  const int64_t after = clock_.MonotonicNanos();
  const LoopSample sample{
      .wait_nanos = after - before, .lag_nanos = before - loop_nanos_, .events = events};
  loop_nanos_ = after;
  TakeIn();
  FireTimers(after);
  polled_ = true;

  iterations_total_.Add(1);
  events_total_.Add(events);
  busy_nanos_total_.Add(sample.lag_nanos);
  running_count_.Set(ready_.empty() ? 0 : 1);
  ready_count_.Set(ready_.size());
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
    FiberRecord* newest = remote_ready_.exchange(nullptr, std::memory_order_acquire);
    FiberRecord* oldest = nullptr;
    while (newest != nullptr) {
      FiberRecord* const next = newest->remote_next;
      newest->remote_next = oldest;
      oldest = newest;
      newest = next;
    }
    while (oldest != nullptr) {
      FiberRecord* const next = oldest->remote_next;
      MakeReady(*oldest);
      oldest = next;
    }
  }
  if (posts_.load(std::memory_order_relaxed) != nullptr) {
    PostNode* newest = posts_.exchange(nullptr, std::memory_order_acquire);
    PostNode* oldest = nullptr;
    while (newest != nullptr) {
      PostNode* const next = std::exchange(newest->next, oldest);
      oldest = newest;
      newest = next;
    }
    while (oldest != nullptr) {
      const std::unique_ptr<PostNode> post(oldest);
      oldest = post->next;
      post->function();
    }
  }
}

void Shard::RingDoorbell() {
  if (blocked_.load(std::memory_order_seq_cst) &&
      blocked_.exchange(false, std::memory_order_acq_rel)) {
    poller_->Wake();
  }
}

void Shard::Post(absl::AnyInvocable<void()> function) {
  auto* const node = new PostNode{std::move(function)};
  node->next = posts_.load(std::memory_order_relaxed);
  while (!posts_.compare_exchange_weak(node->next, node, std::memory_order_seq_cst,
                                       std::memory_order_relaxed)) {
  }
  RingDoorbell();
}

void Shard::MakeReadyFromAnywhere(FiberRecord& fiber) {
  if (current_shard == this) {
    MakeReady(fiber);
    return;
  }
  fiber.remote_next = remote_ready_.load(std::memory_order_relaxed);
  while (!remote_ready_.compare_exchange_weak(fiber.remote_next, &fiber, std::memory_order_seq_cst,
                                              std::memory_order_relaxed)) {
  }
  RingDoorbell();
}

// --- Readings --------------------------------------------------------------------------------

void Shard::RotateLongestRun(int64_t now_nanos) {
  constexpr int64_t kWindowNanos = 60'000'000'000;
  if (now_nanos - longest_run_rotated_nanos_ > kWindowNanos) {
    longest_run_rotated_nanos_ = now_nanos;
    previous_longest_run_cycles_ = std::exchange(longest_run_cycles_, 0);
  }
  longest_run_published_.Set(std::max(longest_run_cycles_, previous_longest_run_cycles_));
}

ShardStats Shard::Stats() const {
  ShardStats stats;
  stats.shard = index_;
  stats.fibers_finished_total = finished_total_.Get();
  stats.fibers_spawned_total = spawned_total_.Get();
  stats.loop_iterations_total = iterations_total_.Get();
  stats.poll_events_total = events_total_.Get();
  stats.busy_nanos_total = busy_nanos_total_.Get();
  stats.longest_run_nanos =
      static_cast<int64_t>(static_cast<double>(longest_run_published_.Get()) * NanosPerCycle());
  stats.ready = ready_count_.Get();
  stats.running = running_count_.Get();
  stats.idle = idle_count_.Get();
  stats.timers = timer_count_.Get();
  const uint64_t live = stats.fibers_spawned_total - stats.fibers_finished_total;
  const uint64_t active = stats.ready + stats.running;
  stats.parked = live > active ? live - active : 0;
  return stats;
}

std::vector<FiberInfo> Shard::Fibers() const {
  std::vector<FiberInfo> fibers;
  for (const FiberRecord* fiber = all_; fiber != nullptr; fiber = fiber->all_next) {
    if (fiber->body == nullptr) continue;
    FiberInfo info;
    info.id = fiber->id;
    info.shard = index_;
    info.state = fiber->state == FiberState::kReady     ? "ready"
                 : fiber->state == FiberState::kRunning ? "running"
                                                        : "parked";
    info.name = fiber->name;
    if (fiber->state == FiberState::kParked) info.waits_for = fiber->waits_for.kind;
    info.age_nanos = loop_nanos_ - fiber->spawned_nanos;
    info.state_nanos = loop_nanos_ - fiber->state_since_nanos;
    if (fiber->scope != nullptr && ScopeAccess::DeadlineNanos(*fiber->scope) != kNeverNanos) {
      info.deadline_left_nanos = ScopeAccess::DeadlineNanos(*fiber->scope) - loop_nanos_;
    }
    fibers.push_back(std::move(info));
  }
  return fibers;
}

}  // namespace weft::internal
