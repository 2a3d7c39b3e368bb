// BlockingPool: where code that blocks the thread belongs (files, SQLite, getaddrinfo, a library
// without an asynchronous interface). The fiber parks; one of the pool's threads does the work.
//
//   weft::BlockingPool files({.name = "sqlite", .threads = 4, .queue = 64});
//   absl::StatusOr<Row> row = files.Run([&] { return database.Find(sku); });
//
// Every runtime has two pools of its own: see blocking.h for Blocking() and Compute().
//
// Bounded on purpose: `threads` jobs run at once, `queue` more wait, and others are refused at once
// with RESOURCE_EXHAUSTED: a slow disk must not eat the process.
//
// Elastic: a thread is started when a job finds none idle, and ends when it has had nothing to do
// for `idle_timeout`. The thread that worked last works next, so that the others do get idle.
//
// Jobs are started in the order of Run(), and a job is never started for a fiber that has given up:
// once its scope is cancelled, or its deadline has passed, a job in the queue does not run.
//
// A job that runs cannot be interrupted, and it may use the variables of its fiber: so Run() waits
// for its end even in a cancelled scope. A job that can stop early takes a std::stop_token:
//
//   pool.Run([&](std::stop_token stop) { while (!stop.stop_requested() && Step()) {} });
//
// Stop is requested when the fiber's scope is cancelled or overdue. A std::stop_callback then runs
// on the fiber's own shard, so it must be short and must not park.
#ifndef WEFT_PLATFORM_FIBER_BLOCKING_POOL_H_
#define WEFT_PLATFORM_FIBER_BLOCKING_POOL_H_

#include <atomic>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/clock.h"
#include "platform/base/latency_histogram.h"

namespace weft {

struct BlockingPoolOptions {
  std::string name = "blocking";  // label of its metrics, and of its threads
  // At most so many; 0: as many as the process may use CPUs (base/cpu_quota.h), which is what jobs
  // that compute want. Not negative.
  int threads = 4;
  // Threads that are there from the start and stay when idle. At most `threads`.
  int min_threads = 0;
  // Jobs that wait while all threads are busy. 0: whoever finds no thread free is refused.
  size_t queue = 64;
  // In real time, whatever `clock` is.
  absl::Duration idle_timeout = absl::Seconds(10);
  const Clock* clock = nullptr;  // of queue_wait(); null: Clock::Real()
};

struct BlockingPoolStats {
  std::string name;
  int threads = 0;  // that there are now
  int threads_max = 0;
  int busy = 0;
  size_t queued = 0;
  uint64_t rejected_total = 0;
  uint64_t finished_total = 0;
  uint64_t given_up_total = 0;  // jobs that left the queue without being run
};

// Run() for fibers of any shard; the rest for any thread.
class BlockingPool {
 public:
  explicit BlockingPool(BlockingPoolOptions options);
  // Ends the threads; blocks the calling thread for that, which takes microseconds. Requires: no
  // fiber is in Run(), so that no job runs or waits; ends the process otherwise. There is no other
  // shutdown: a pool is there as long as fibers may come to it, and to drain it is to join them.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs `function` on a thread of the pool and parks the calling fiber until it has returned.
  // `function` takes nothing or a std::stop_token, and returns absl::Status, absl::StatusOr<T>, T
  // or void; the result is a Status or StatusOr<T>. A cancel point until a thread has taken the
  // job: in a scope that is cancelled or overdue by then, the job never runs. The cancellation of a
  // job that runs is left to the next cancel point. To start a thread, if one is needed, blocks the
  // shard for some 20 µs. Errors: RESOURCE_EXHAUSTED when the queue is full, or the system has no
  // first thread to give; the cancel scope's status; INTERNAL when the function threw. Requires: on
  // a fiber. A plain thread, and so a job of this or another pool, calls the function itself: it
  // blocks as it is.
  template <typename F>
  auto Run(F function);

  BlockingPoolStats Stats() const;
  // Time between Run() and the start of the job on a thread, or its being given up.
  const LatencyHistogram& queue_wait() const { return queue_wait_; }

 private:
  struct Job;
  struct Worker;

  template <typename Result>
  auto RunFor(absl::FunctionRef<Result()> function, std::stop_source* stop);
  absl::Status RunJob(absl::FunctionRef<void()> function, std::stop_source* stop);
  absl::Status WaitForJob(Job& job, std::stop_source* stop);
  void ThreadMain(Worker& self);
  void RunOnThread(Job& job, std::unique_lock<std::mutex>& hold);

  // Under mutex_.
  absl::Status Submit(Job& job);
  bool StartThread();
  Job* TakeJob();
  void GiveUp(Job& job);
  bool WaitForWork(Worker& self, std::unique_lock<std::mutex>& hold);

  const BlockingPoolOptions options_;
  const size_t threads_max_;
  const Clock& clock_;
  LatencyHistogram queue_wait_;
  std::atomic<int> callers_{0};  // fibers in Run()
  mutable std::mutex mutex_;     // of all below; never held while a job runs
  std::deque<Job*> jobs_;
  std::list<Worker> workers_;
  std::list<Worker> ended_;    // not joined yet
  std::vector<Worker*> idle_;  // last in, first out
  bool stopping_ = false;
  size_t busy_ = 0;
  uint64_t started_threads_total_ = 0;
  uint64_t rejected_total_ = 0;
  uint64_t finished_total_ = 0;
  uint64_t given_up_total_ = 0;
};

namespace internal {
template <typename T>
struct IsStatusOr : std::false_type {};
template <typename T>
struct IsStatusOr<absl::StatusOr<T>> : std::true_type {};
}  // namespace internal

template <typename F>
auto BlockingPool::Run(F function) {
  if constexpr (std::is_invocable_v<F&, std::stop_token>) {
    using Result = std::invoke_result_t<F&, std::stop_token>;
    std::stop_source stop;
    return RunFor<Result>([&]() -> Result { return function(stop.get_token()); }, &stop);
  } else {
    using Result = std::invoke_result_t<F&>;
    return RunFor<Result>([&]() -> Result { return function(); }, nullptr);
  }
}

template <typename Result>
auto BlockingPool::RunFor(absl::FunctionRef<Result()> function, std::stop_source* stop) {
  if constexpr (std::is_void_v<Result>) {
    return RunJob(function, stop);
  } else if constexpr (std::is_same_v<Result, absl::Status>) {
    absl::Status result;
    absl::Status status = RunJob([&] { result = function(); }, stop);
    return status.ok() ? result : status;
  } else {
    std::optional<Result> result;
    absl::Status status = RunJob([&] { result.emplace(function()); }, stop);
    if constexpr (internal::IsStatusOr<Result>::value) {
      return status.ok() ? *std::move(result) : Result(std::move(status));
    } else {
      using Wrapped = absl::StatusOr<Result>;
      return status.ok() ? Wrapped(*std::move(result)) : Wrapped(std::move(status));
    }
  }
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_BLOCKING_POOL_H_
