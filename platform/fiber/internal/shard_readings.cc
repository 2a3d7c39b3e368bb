// What a shard tells of itself. See shard.cc for what it does.
#include <algorithm>
#include <utility>

#include "platform/fiber/internal/cycle_clock.h"
#include "platform/fiber/internal/shard.h"

namespace weft::internal {

void Shard::RotateLongestRun(int64_t now_nanos) {
  constexpr int64_t kWindowNanos = 60'000'000'000;
  if (now_nanos - longest_run_rotated_nanos_ > kWindowNanos) {
    longest_run_rotated_nanos_ = now_nanos;
    previous_longest_run_cycles_ = std::exchange(longest_run_cycles_, 0);
    noted_run_cycles_ = 0;
  }
  longest_run_published_.Set(std::max(longest_run_cycles_, previous_longest_run_cycles_));
}

ShardStats Shard::Stats() const {
  ShardStats stats;
  stats.shard = index_;
  stats.thread_id = debugged_.thread_id;  // Set before anybody has the shard.
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
  for (size_t size = 0; size < kStackSizes; ++size) {
    const FiberStacks& stacks = stacks_[size];
    stats.stacks += stacks.pool.in_use();
    stats.stacks_by_size[size] = {
        .stack_bytes = stacks.pool.stack_bytes(),
        .in_use = stacks.pool.in_use(),
        .high_water_bytes = stacks.high_water_bytes.load(std::memory_order_relaxed)};
  }
  for (size_t cause = 0; cause < kCancelCauses; ++cause) {
    stats.scopes_cancelled_total[cause] = scopes_cancelled_[cause].Get();
  }
  const uint64_t live = stats.fibers_spawned_total - stats.fibers_finished_total;
  const uint64_t active = stats.ready + stats.running;
  stats.parked = live > active ? live - active : 0;
  return stats;
}

}  // namespace weft::internal
