// Runtime: the shards on which fibers run. One shard = one thread + one poller + one Boost.Fiber
// scheduler; fibers are pinned to their shard.
//
//   weft::Runtime runtime({.shards = 2});
//   absl::StatusOr<int> sum = runtime.Run([] { return Add(1, 2); });   // on a fiber; blocks main
//
// Lifetime: the destructor waits until every post has run and every fiber has finished (nothing is
// detached or killed), then ends the threads; fibers and posts may begin more work until then, on
// any shard. No other thread may call the runtime any more. Work that waits for outside events must
// be told to end before: that is what CancelScope and rpc::Server::Shutdown are for.
#ifndef WEFT_PLATFORM_FIBER_RUNTIME_H_
#define WEFT_PLATFORM_FIBER_RUNTIME_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/fiber/fiber_info.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/poller.h"

namespace weft {

class BlockingPool;

namespace internal {
class DefaultPools;
class Shard;
class Watchdog;
}  // namespace internal

inline constexpr absl::Duration kDefaultStallThreshold = absl::Milliseconds(25);

struct RuntimeOptions {
  // Shards (threads). 0: the CPU quota of the cgroup, rounded up, else the affinity mask
  // (base/cpu_quota.h).
  int shards = 0;
  // Virtual size of a fiber's stack; memory is used page by page as the stack grows. Rounded up to
  // pages. A fiber that overflows it ends the process with SIGSEGV; who it was is said on stderr.
  size_t stack_bytes = 256 * 1024;
  // The same for fibers that were given another StackSize (stack_size.h).
  size_t small_stack_bytes = 64 * 1024;
  size_t large_stack_bytes = 1024 * 1024;
  // Idle stacks, of all sizes together, kept warm for reuse by each shard; further ones are given
  // back to the system, large ones first.
  size_t max_idle_fibers = 4096;
  // Fibers that may exist on a shard at once; more make Spawn fail its task with
  // RESOURCE_EXHAUSTED rather than the process with out-of-memory.
  size_t max_fibers_per_shard = 2'000'000;
  const Clock* clock = nullptr;         // null: Clock::Real()
  PollerFactory poller_factory = {};    // empty: MakeThreadPoller
  RuntimeObserver* observer = nullptr;  // may be null; outlives the runtime
  std::string name = "weft";            // threads are called "<name>-<shard>"
  // Of the pools behind Blocking() and Compute() (blocking.h): threads at most, and jobs that wait.
  // Threads that block use no CPU, so they may be many; compute_threads 0 is the CPU quota.
  int blocking_threads = 64;
  size_t blocking_queue = 1024;
  int compute_threads = 0;
  size_t compute_queue = 256;
  // A run of one fiber, or of the loop, that takes longer is reported to the observer with its
  // stack (stall_report.h). Zero: off; then, and without an observer, there is no watchdog thread.
  // Unset: kDefaultStallThreshold, but off where `clock` is not the real one: runs are measured in
  // real time. The thread of a shard that stalls is sent SIGURG, which makes a blocking system call
  // that cannot be restarted (nanosleep, poll: signal(7)) fail with EINTR.
  std::optional<absl::Duration> stall_threshold = std::nullopt;
  // Reports of one shard come no faster than this; ends of stalls (OnStallEnd) all come.
  absl::Duration stall_report_interval = absl::Seconds(10);
  // For tests: not 0 lets ready fibers run in an order drawn from this seed instead of first in,
  // first out. With one shard and a simulated clock the same seed gives the same order again.
  uint64_t shuffle_seed = 0;
  // For tests: told of every fiber, by id and name, that is about to run; on its shard's thread. It
  // must not park or throw. See testing/switch_trace.h.
  std::function<void(uint64_t fiber, const char* name)> on_resume = {};
};

class Runtime {
 public:
  // Blocks the thread until the shards' threads have started.
  explicit Runtime(RuntimeOptions options);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  int shards() const { return static_cast<int>(shards_.size()); }
  const Clock& clock() const { return *clock_; }

  // Runs `function` on a fiber of `shard` and blocks the calling *thread* until it returned. For
  // main() and tests; crashes when called on a fiber of this runtime, where it would deadlock. An
  // exception that leaves `function` ends the process.
  template <typename F>
  std::invoke_result_t<F> Run(F function, int shard = 0);

  // Runs `function` on the shard's loop as soon as the shard gets there, on no fiber: it must not
  // park, block or throw. Any thread; never blocks.
  void Post(int shard, absl::AnyInvocable<void()> function);

  // The pools of Blocking() and Compute(), called "blocking" and "compute". Made at the first call,
  // without threads, which start with the first jobs; they end with the runtime, after its last
  // fiber. Any thread.
  BlockingPool& blocking_pool();
  BlockingPool& compute_pool();

  // Readings for telemetry; any thread, never blocks.
  std::vector<ShardStats> Stats() const;

  // Every fiber with a task, shard by shard. Each shard lists its own between fibers, in slices of
  // 0.2 ms, so the calling *thread* blocks until all have got there, at most `query.timeout`; a
  // shard that has not finished in time is reported by its number in `stuck_shards` (may be null),
  // and what it told so far is in the list. Not on a fiber of this runtime.
  std::vector<FiberInfo> Fibers(const FiberQuery& query, std::vector<int>* stuck_shards = nullptr);

  // Cancels one fiber (FiberInfo::id) with the cause "by hand": a call as a whole, a child of a
  // task group without its siblings. It ends at its next cancel point. Blocks the calling *thread*
  // until the fiber's shard got to it. Errors: NOT_FOUND when there is no such fiber (any more);
  // DEADLINE_EXCEEDED when the shard did not answer in time; it may still cancel the fiber then.
  absl::Status CancelFiber(uint64_t id, absl::Duration timeout);

  // How long the calling fiber has run without a park, in nanoseconds, if that is longer than the
  // stall threshold; else, and off fibers, 0.
  static int64_t CurrentStallNanos();

  // The poller of the calling fiber's shard; null off fibers.
  static Poller* CurrentPoller();
  // The runtime and the shard's number of the caller; null and -1 off shards.
  static Runtime* Current();
  static int CurrentShard();

 private:
  void RunBlocking(int shard, absl::AnyInvocable<void()> function);

  const Clock* const clock_;
  const std::unique_ptr<internal::DefaultPools> default_pools_;
  std::unique_ptr<internal::Watchdog> watchdog_;  // null where nothing is watched
  std::vector<std::unique_ptr<internal::Shard>> shards_;
};

template <typename F>
std::invoke_result_t<F> Runtime::Run(F function, int shard) {
  using Result = std::invoke_result_t<F>;
  if constexpr (std::is_void_v<Result>) {
    RunBlocking(shard, [&function] { function(); });
  } else {
    std::optional<Result> result;
    RunBlocking(shard, [&] { result.emplace(function()); });
    return *std::move(result);
  }
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_RUNTIME_H_
