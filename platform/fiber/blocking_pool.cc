#include "platform/fiber/blocking_pool.h"

#include <pthread.h>

#include <algorithm>
#include <exception>

#include "absl/strings/str_cat.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/waiter.h"
#include "platform/fiber/runtime.h"

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

namespace {

// A fiber that waits for a thread of a pool, for pollers of simulated time.
class OutsideWork {
 public:
  OutsideWork() : poller_(*Runtime::CurrentPoller()) { poller_.OutsideWorkBegins(); }
  ~OutsideWork() { poller_.OutsideWorkEnds(); }
  OutsideWork(const OutsideWork&) = delete;
  OutsideWork& operator=(const OutsideWork&) = delete;

 private:
  Poller& poller_;
};

}  // namespace

using internal::BlockingJob;
using internal::Waiter;
using internal::WakeReason;

BlockingPool::BlockingPool(BlockingPoolOptions options)
    : options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : Clock::Real()) {
  const int threads = std::max(1, options_.threads);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { ThreadMain(i); });
}

BlockingPool::~BlockingPool() {
  {
    std::lock_guard<std::mutex> hold(mutex_);
    stopping_ = true;
    has_work_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::Status BlockingPool::RunJob(absl::FunctionRef<void()> function) {
  // Otherwise a thread might take the job before the park notices.
  const CancelScope* const scope = CancelScope::Current();
  if (scope != nullptr && scope->cancelled()) return scope->status();
  Waiter waiter({.kind = "blocking pool", .object = this});
  OutsideWork outside;
  BlockingJob job{function, &waiter, clock_.MonotonicNanos(), absl::OkStatus(), false};
  {
    std::lock_guard<std::mutex> hold(mutex_);
    // A job that no thread has taken yet may be about to run: what counts is how many there are.
    if (jobs_.size() + static_cast<size_t>(busy_) >= options_.queue + threads_.size()) {
      ++rejected_total_;
      return absl::ResourceExhaustedError(absl::StrCat(
          "the blocking pool '", options_.name, "' is full: ", threads_.size(),
          " threads are busy and ", options_.queue, " jobs wait; retry later or raise its limits"));
    }
    jobs_.push_back(&job);
    has_work_.notify_one();
  }
  const WakeReason reason = internal::Park(waiter);
  if (reason == WakeReason::kNotified) return job.status;
  Waiter end({.kind = "blocking job that runs", .object = this});
  {
    std::lock_guard<std::mutex> hold(mutex_);
    const auto queued = std::find(jobs_.begin(), jobs_.end(), &job);
    if (queued != jobs_.end()) {
      jobs_.erase(queued);
      return internal::ParkStatus(reason, "waiting for a thread of a blocking pool");
    }
    if (job.done) return job.status;
    job.waiter = &end;
  }
  // A thread runs it: the job uses this fiber's variables, so its end must be waited for. The
  // cancellation is not lost: the next cancel point reports it.
  internal::ParkUncancellable(end);
  return job.status;
}

void BlockingPool::ThreadMain(int index) {
  const std::string name = absl::StrCat(options_.name.substr(0, 11), "-", index);
  pthread_setname_np(pthread_self(), name.c_str());
  for (;;) {
    BlockingJob* job = nullptr;
    {
      std::unique_lock<std::mutex> hold(mutex_);
      has_work_.wait(hold, [this] { return stopping_ || !jobs_.empty(); });
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
    std::lock_guard<std::mutex> hold(mutex_);
    --busy_;
    ++finished_total_;
    job->done = true;
    internal::Wake(*job->waiter);
  }
}

BlockingPoolStats BlockingPool::Stats() const {
  std::lock_guard<std::mutex> hold(mutex_);
  return {.name = options_.name,
          .threads = static_cast<int>(threads_.size()),
          .busy = busy_,
          .queued = jobs_.size(),
          .rejected_total = rejected_total_,
          .finished_total = finished_total_};
}

}  // namespace weft
