// What a shard tells of itself. See shard.cc for what it does.
#include <algorithm>
#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/cycle_clock.h"
#include "platform/fiber/internal/scope_access.h"
#include "platform/fiber/internal/shard.h"

namespace weft::internal {

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
