#include "platform/fiber/blocking_pool.h"

#include <pthread.h>

#include <algorithm>
#include <exception>

#include "absl/strings/str_cat.h"
#include "platform/fiber/internal/waiter.h"

namespace weft {
namespace internal {

// Lives on the stack of the fiber that waits for it.
struct BlockingJob {
  absl::FunctionRef<void()> function;
  Waiter* waiter;
  int64_t queued_nanos;
  absl::Status status;
  bool done = false;
};

}  // namespace internal

using internal::BlockingJob;
using internal::Waiter;
using internal::WakeReason;

BlockingPool::BlockingPool(BlockingPoolOptions options)
    : options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : Clock::Real()) {
  for (int i = 0; i < std::max(1, options_.threads); ++i) {
    threads_.emplace_back([this, i] { ThreadMain(i); });
  }
}

BlockingPool::~BlockingPool() {
  {
    absl::MutexLock hold(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status BlockingPool::RunJob(absl::FunctionRef<void()> function) {
  Waiter waiter({.kind = "blocking pool", .object = this});
  BlockingJob job{function, &waiter, clock_.MonotonicNanos(), absl::OkStatus(), false};
  {
    absl::MutexLock hold(&mutex_);
    if (jobs_.size() >= options_.queue) {
      ++rejected_total_;
      return absl::ResourceExhaustedError(absl::StrCat(
          "the blocking pool '", options_.name, "' is full: ", options_.threads,
          " threads are busy and ", options_.queue, " jobs wait; retry later or raise its limits"));
    }
    jobs_.push_back(&job);
  }
  const WakeReason reason = internal::Park(waiter);
  if (reason == WakeReason::kNotified) return job.status;
  {
    absl::MutexLock hold(&mutex_);
    const auto queued = std::find(jobs_.begin(), jobs_.end(), &job);
    if (queued != jobs_.end()) {
      jobs_.erase(queued);
      return internal::ParkStatus(reason, "waiting for a thread of a blocking pool");
    }
    if (job.done) return job.status;
  }
  // A thread runs it: the job uses this fiber's variables, so its end must be waited for. The
  // cancellation is not lost: the next cancel point reports it.
  Waiter end({.kind = "blocking job that runs", .object = this});
  {
    absl::MutexLock hold(&mutex_);
    if (job.done) return job.status;
    job.waiter = &end;
  }
  internal::ParkUncancellable(end);
  return job.status;
}

void BlockingPool::ThreadMain(int index) {
  const std::string name = absl::StrCat(options_.name.substr(0, 11), "-", index);
  pthread_setname_np(pthread_self(), name.c_str());
  for (;;) {
    BlockingJob* job = nullptr;
    {
      absl::MutexLock hold(&mutex_);
      const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !jobs_.empty();
      };
      mutex_.Await(absl::Condition(&has_work));
      if (jobs_.empty()) return;
      job = jobs_.front();
      jobs_.pop_front();
      ++busy_;
    }
    queue_wait_.Record(clock_.MonotonicNanos() - job->queued_nanos);
    try {
      job->function();
    } catch (const std::exception& e) {
      job->status = absl::InternalError(absl::StrCat("a blocking job threw: ", e.what()));
    } catch (...) {
      job->status = absl::InternalError("a blocking job threw something unknown");
    }
    absl::MutexLock hold(&mutex_);
    --busy_;
    ++finished_total_;
    job->done = true;
    internal::Wake(*job->waiter);
  }
}

BlockingPoolStats BlockingPool::Stats() const {
  absl::MutexLock hold(&mutex_);
  return {.name = options_.name,
          .threads = static_cast<int>(threads_.size()),
          .busy = busy_,
          .queued = jobs_.size(),
          .rejected_total = rejected_total_,
          .finished_total = finished_total_};
}

}  // namespace weft
