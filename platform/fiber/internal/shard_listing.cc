// How a shard tells of its fibers. See shard.cc for what it does with them.
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/cycle_clock.h"
#include "platform/fiber/internal/fiber_listing.h"
#include "platform/fiber/internal/saved_stack.h"
#include "platform/fiber/internal/scope_access.h"
#include "platform/fiber/internal/shard.h"

namespace weft::internal {
namespace {

// The scheduler's own frames at the inner end of a fiber that was left: Boost's switch, its
// context, BoostScheduler::Resume. SwitchAway() and its callers may be inlined, so they are left to
// those who print names (stack_trace.h).
size_t StackOf(const FiberRecord& fiber, std::span<uintptr_t> addresses) {
  if (!fiber.has_stack || !SavedStacksWork()) return 0;
  return WalkSavedStack(BoostScheduler::SavedRegisters(fiber.context), addresses.data(),
                        addresses.size());
}

const char* StateName(FiberState state) {
  return state == FiberState::kReady     ? "ready"
         : state == FiberState::kRunning ? "running"
                                         : "parked";
}

}  // namespace

void Shard::Describe(const FiberRecord& fiber, const FiberQuery& query, FiberNotes* notes) const {
  FiberInfo info;
  FiberNotes::Parts parts{.state = StateName(fiber.state), .name = fiber.name};
  info.id = fiber.id;
  info.shard = index_;
  info.age_nanos = loop_nanos_ - fiber.spawned_nanos;
  info.state_nanos = loop_nanos_ - fiber.state_since_nanos;
  info.parent_id = fiber.parent_id;
  info.group_id = reinterpret_cast<uintptr_t>(fiber.group);
  if (fiber.state == FiberState::kParked) {
    const WaitInfo& wait = fiber.waits_for;
    parts.waits_for = wait.kind;
    info.object_id = reinterpret_cast<uintptr_t>(wait.object);
    if (wait.owner != nullptr) info.owner_id = wait.owner(wait.object);
  }
  if (const CancelScope* const scope = fiber.scope; scope != nullptr) {
    if (const int64_t deadline = ScopeAccess::DeadlineNanos(*scope); deadline != kNeverNanos) {
      info.deadline_left_nanos = deadline - loop_nanos_;
    }
    if (scope->cancelled()) parts.cancelled = CancelCauseName(scope->cause());
  }
  char text[kMaxDescription] = "";
  if (observer_ != nullptr &&
      observer_->DescribeFiber(FiberLocals(fiber.locals), text, sizeof(text))) {
    parts.trace_id = text;
  }
  uintptr_t addresses[kMaxStackFrames];
  if (query.stacks) parts.stack = {addresses, StackOf(fiber, addresses)};
  notes->Add(std::move(info), parts);
}

void Shard::List(std::unique_ptr<FiberListing> listing) {
  listing->next = all_;
  listing->next_listing = listings_;
  listings_ = listing.release();
  ListSlice(listings_);
}

void Shard::ListSlice(FiberListing* listing) {
  const uint64_t slice_cycles =
      static_cast<uint64_t>(static_cast<double>(FiberListing::kSliceNanos) / NanosPerCycle());
  const uint64_t begin = ReadCycles();
  FiberNotes slice;
  while (listing->next != nullptr && ReadCycles() - begin < slice_cycles) {
    const FiberRecord& fiber = *std::exchange(listing->next, listing->next->all_next);
    if (fiber.body != nullptr) Describe(fiber, listing->query, &slice);
  }
  if (listing->next != nullptr) {
    listing->deliver(std::move(slice), /*last=*/false);
    Push([this, listing] { ListSlice(listing); });
    return;
  }
  FiberListing** link = &listings_;
  while (*link != listing) link = &(*link)->next_listing;
  *link = listing->next_listing;
  const std::unique_ptr<FiberListing> done(listing);
  done->deliver(std::move(slice), /*last=*/true);
}

void Shard::SkipInListings(const FiberRecord& fiber) {
  for (FiberListing* listing = listings_; listing != nullptr; listing = listing->next_listing) {
    if (listing->next == &fiber) listing->next = fiber.all_next;
  }
}

// The fiber that closes a ring tells of it; a report needs its stack too, so that is done once it
// has been left.
void Shard::BeginLockWait(const FiberRecord& fiber) {
  lock_waiters_.Add(fiber);
  if (lock_waiters_.RingOf(fiber).empty()) return;
  Push([this, id = fiber.id] { ReportDeadlock(id); });
}

void Shard::ReportDeadlock(uint64_t fiber_id) {
  const FiberRecord* const closer = FindFiber(fiber_id);
  if (closer == nullptr || closer->waits_for.owner == nullptr) return;
  FiberNotes notes;
  for (const FiberRecord* const fiber : lock_waiters_.RingOf(*closer)) {
    Describe(*fiber, {.stacks = true}, &notes);
  }
  std::vector<FiberInfo> ring;
  notes.AppendTo(&ring);
  if (ring.empty()) return;  // A cancellation has broken it meanwhile.
  if (observer_ != nullptr) {
    observer_->OnDeadlock(ring);
  } else {
    RuntimeObserver().OnDeadlock(ring);
  }
}

FiberRecord* Shard::FindFiber(uint64_t id) const {
  for (FiberRecord* fiber = all_; fiber != nullptr; fiber = fiber->all_next) {
    if (fiber->body != nullptr && fiber->id == id) return fiber;
  }
  return nullptr;
}

}  // namespace weft::internal
