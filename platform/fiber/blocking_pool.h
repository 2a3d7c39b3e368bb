// BlockingPool: where code that blocks the thread belongs (files, SQLite, getaddrinfo, a library
// without an asynchronous interface). The fiber parks; one of the pool's threads does the work.
//
//   weft::BlockingPool files({.name = "sqlite", .threads = 4, .queue = 64});
//   absl::StatusOr<Row> row = files.Run([&] { return database.Find(sku); });
//
// Bounded on purpose: `threads` jobs run at once, `queue` more wait, and others are refused at once
// with RESOURCE_EXHAUSTED: a slow disk must not eat the process.
#ifndef WEFT_PLATFORM_FIBER_BLOCKING_POOL_H_
#define WEFT_PLATFORM_FIBER_BLOCKING_POOL_H_

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/base/clock.h"
#include "platform/base/latency_histogram.h"

namespace weft {

namespace internal {
struct BlockingJob;
}  // namespace internal

struct BlockingPoolOptions {
  std::string name = "blocking";  // label of its metrics, and of its threads
  int threads = 4;
  size_t queue = 64;
  const Clock* clock = nullptr;  // null: Clock::Real()
};

struct BlockingPoolStats {
  std::string name;
  int threads = 0;
  int busy = 0;
  size_t queued = 0;
  uint64_t rejected_total = 0;
  uint64_t finished_total = 0;
};

class BlockingPool {
 public:
  explicit BlockingPool(BlockingPoolOptions options);
  // Waits for the jobs that run or are queued. Requires: no fiber is in Run() afterwards.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs `function` on a thread of the pool and parks the calling fiber until it has returned.
  // `function` returns absl::Status, absl::StatusOr<T> or T; the result is a Status or StatusOr<T>.
  // A cancel point: in a cancelled scope, or one that is cancelled while the job is queued, the job
  // never runs. Once it runs the fiber waits for its end, since the job may use its variables.
  // Errors: RESOURCE_EXHAUSTED when the queue is full; the cancel scope's status; INTERNAL when the
  // function threw. Requires: on a fiber.
  template <typename F>
  auto Run(F function);

  BlockingPoolStats Stats() const;
  // Time between Run() and the start of the job on a thread.
  const LatencyHistogram& queue_wait() const { return queue_wait_; }

 private:
  absl::Status RunJob(absl::FunctionRef<void()> function);
  void ThreadMain(int index);

  const BlockingPoolOptions options_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // of the fields down to finished_total_
  std::condition_variable has_work_;
  std::deque<internal::BlockingJob*> jobs_;
  bool stopping_ = false;
  int busy_ = 0;
  uint64_t rejected_total_ = 0;
  uint64_t finished_total_ = 0;
  LatencyHistogram queue_wait_;
  std::vector<std::thread> threads_;
};

namespace internal {
template <typename T>
struct IsStatusOr : std::false_type {};
template <typename T>
struct IsStatusOr<absl::StatusOr<T>> : std::true_type {};
}  // namespace internal

template <typename F>
auto BlockingPool::Run(F function) {
  using Result = std::invoke_result_t<F>;
  if constexpr (std::is_void_v<Result>) {
    return RunJob([&] { function(); });
  } else if constexpr (std::is_same_v<Result, absl::Status>) {
    absl::Status result;
    absl::Status status = RunJob([&] { result = function(); });
    return status.ok() ? result : status;
  } else {
    std::optional<Result> result;
    absl::Status status = RunJob([&] { result.emplace(function()); });
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
