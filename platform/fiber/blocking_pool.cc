#include "platform/fiber/blocking_pool.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <system_error>
#include <thread>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/cpu_quota.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/internal/fiber_record.h"
#include "platform/fiber/internal/scope_access.h"
#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/waiter.h"

namespace weft {

using internal::Waiter;
using internal::WakeReason;

// Lives on the stack of the fiber that waits for it.
struct BlockingPool::Job {
  enum class State { kQueued, kGivenUp, kRunning, kDone };

  absl::FunctionRef<void()> function;
  Waiter* waiter;            // who is told of the end
  const Clock* clock;        // the fiber's
  int64_t deadline_nanos;    // of the fiber's scope, on that clock
  int64_t queued_nanos = 0;  // on the pool's
  State state = State::kQueued;
  absl::Status status = {};
};

// A thread. It waits on a condition of its own, so that the pool chooses who wakes up.
struct BlockingPool::Worker {
  std::thread thread;
  std::condition_variable work;
  bool woken = false;
  std::list<Worker>::iterator self;
};

namespace {

// While it lives a fiber is in Run(): the pool must stay, and simulated time must stand.
class Call {
 public:
  explicit Call(std::atomic<int>& callers) : callers_(callers), poller_(*Runtime::CurrentPoller()) {
    callers_.fetch_add(1, std::memory_order_relaxed);
    poller_.OutsideWorkBegins();
  }
  ~Call() {
    poller_.OutsideWorkEnds();
    callers_.fetch_sub(1, std::memory_order_release);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  std::atomic<int>& callers_;
  Poller& poller_;
};

size_t ThreadsMax(const BlockingPoolOptions& options) {
  Check(options.threads >= 0 && options.min_threads >= 0,
        "a BlockingPool has a number of threads that is not negative");
  const int threads = options.threads == 0 ? AllowedCpus() : options.threads;
  Check(options.min_threads <= threads, "a BlockingPool's min_threads are at most its threads");
  return static_cast<size_t>(threads);
}

}  // namespace

BlockingPool::BlockingPool(BlockingPoolOptions options)
    : options_(std::move(options)),
      threads_max_(ThreadsMax(options_)),
      clock_(options_.clock != nullptr ? *options_.clock : Clock::Real()) {
  std::lock_guard<std::mutex> hold(mutex_);
  for (int i = 0; i < options_.min_threads; ++i) StartThread();
}

BlockingPool::~BlockingPool() {
  Check(callers_.load(std::memory_order_acquire) == 0,
        "a BlockingPool is destroyed while fibers are in its Run(): wait for them before, as "
        "TaskGroup::Wait does");
  {
    std::lock_guard<std::mutex> hold(mutex_);
    stopping_ = true;
    for (Worker& worker : workers_) worker.work.notify_one();
  }
  // From here on no thread moves itself between the lists.
  for (std::list<Worker>* const list : {&workers_, &ended_}) {
    for (Worker& worker : *list) worker.thread.join();
  }
}

// --- The fiber's side --------------------------------------------------------------------------

absl::Status BlockingPool::RunJob(absl::FunctionRef<void()> function, std::stop_source* stop) {
  const internal::FiberRecord* const fiber = internal::CurrentFiber();
  Check(fiber != nullptr,
        "BlockingPool::Run is for fibers: a plain thread, or a job of a pool, calls the function "
        "itself");
  // Otherwise a thread might take the job before the park notices.
  const CancelScope* const scope = fiber->scope;
  if (scope != nullptr && scope->cancelled()) return scope->status();
  const Call call(callers_);
  Waiter waiter({.kind = "blocking pool", .object = this});
  Job job{.function = function,
          .waiter = &waiter,
          .clock = &fiber->shard->clock(),
          .deadline_nanos =
              scope == nullptr ? kNeverNanos : internal::ScopeAccess::DeadlineNanos(*scope)};
  {
    std::lock_guard<std::mutex> hold(mutex_);
    if (absl::Status status = Submit(job); !status.ok()) return status;
  }
  return WaitForJob(job, stop);
}

absl::Status BlockingPool::Submit(Job& job) {
  // A job that no thread has taken yet may be about to run: what counts is how many there are.
  if (jobs_.size() + busy_ >= options_.queue + threads_max_) {
    ++rejected_total_;
    return absl::ResourceExhaustedError(absl::StrCat(
        "the blocking pool '", options_.name, "' is full: ", threads_max_, " threads are busy and ",
        options_.queue, " jobs wait; retry later or raise its limits"));
  }
  if (!idle_.empty()) {
    Worker& worker = *idle_.back();
    idle_.pop_back();
    worker.woken = true;
    worker.work.notify_one();
  } else if (workers_.size() < threads_max_ && !StartThread() && workers_.empty()) {
    ++rejected_total_;
    return absl::ResourceExhaustedError(
        absl::StrCat("the system gives no thread to the blocking pool '", options_.name,
                     "': too many threads for the cgroup's pids.max, ulimit -u, or the memory"));
  }
  job.queued_nanos = clock_.MonotonicNanos();
  jobs_.push_back(&job);
  return absl::OkStatus();
}

absl::Status BlockingPool::WaitForJob(Job& job, std::stop_source* stop) {
  const WakeReason reason = internal::Park(*job.waiter);
  if (reason == WakeReason::kNotified) return job.status;
  Waiter end({.kind = "blocking job that runs", .object = this});
  {
    std::lock_guard<std::mutex> hold(mutex_);
    if (job.state == Job::State::kQueued) {
      jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
      GiveUp(job);
    }
    if (job.state == Job::State::kGivenUp) {
      return internal::ParkStatus(reason, "waiting for a thread of a blocking pool");
    }
    if (job.state == Job::State::kDone) return job.status;
    job.waiter = &end;
  }
  // The job uses this fiber's variables, so its end must be waited for. The cancellation is not
  // lost: the next cancel point reports it.
  if (stop != nullptr) stop->request_stop();
  internal::ParkUncancellable(end);
  return job.status;
}

// --- The threads' side -------------------------------------------------------------------------

// False when the system refuses. Ends before the thread's first lock, so that `worker.thread` is
// set for whoever joins it.
bool BlockingPool::StartThread() {
  workers_.emplace_front();
  Worker& worker = workers_.front();
  worker.self = workers_.begin();
  const std::string number = absl::StrCat("-", started_threads_total_++);
  const std::string name =
      options_.name.substr(0, 15 - std::min<size_t>(number.size(), 15)) + number;
  try {
    worker.thread = std::thread([this, &worker, name] {
      pthread_setname_np(pthread_self(), name.c_str());
      ThreadMain(worker);
    });
  } catch (const std::system_error&) {
    workers_.pop_front();
    return false;
  }
  return true;
}

void BlockingPool::ThreadMain(Worker& self) {
  std::list<Worker> ended_before;
  {
    std::unique_lock<std::mutex> hold(mutex_);
    for (;;) {
      if (Job* const job = TakeJob()) {
        RunOnThread(*job, hold);
      } else if (!WaitForWork(self, hold)) {
        break;
      }
    }
    if (stopping_) return;  // The destructor joins.
    ended_before.swap(ended_);
    ended_.splice(ended_.end(), workers_, self.self);
  }
  // Each thread joins those that ended before it, rather than a shard.
  for (Worker& worker : ended_before) worker.thread.join();
}

// The oldest job whose fiber still wants it; null when there is none. Busy from then on.
BlockingPool::Job* BlockingPool::TakeJob() {
  while (!jobs_.empty()) {
    Job& job = *jobs_.front();
    jobs_.pop_front();
    // The fiber may have been woken but not have run yet, or its shard may be late for its timer.
    if (job.clock->MonotonicNanos() >= job.deadline_nanos) {
      GiveUp(job);
      internal::Wake(*job.waiter, WakeReason::kDeadline);
    } else if (job.waiter->reason.load(std::memory_order_acquire) != WakeReason::kWaiting) {
      GiveUp(job);
    } else {
      queue_wait_.Record(clock_.MonotonicNanos() - job.queued_nanos);
      job.state = Job::State::kRunning;
      ++busy_;
      return &job;
    }
  }
  return nullptr;
}

void BlockingPool::GiveUp(Job& job) {
  queue_wait_.Record(clock_.MonotonicNanos() - job.queued_nanos);
  job.state = Job::State::kGivenUp;
  ++given_up_total_;
}

// Not locked while the job runs. From its end until the thread is idle, or has the next job, the
// lock is kept: a fiber that goes on at once with another job finds the thread that it had.
void BlockingPool::RunOnThread(Job& job, std::unique_lock<std::mutex>& hold) {
  hold.unlock();
  absl::Status status;
  try {
    job.function();
  } catch (const std::exception& e) {
    status = absl::InternalError(absl::StrCat("a blocking job threw: ", e.what()));
  } catch (...) {
    status = absl::InternalError("a blocking job threw something unknown");
  }
  hold.lock();
  --busy_;
  ++finished_total_;
  job.status = std::move(status);
  job.state = Job::State::kDone;
  internal::Wake(*job.waiter);
}

// False when the thread is to end: it is one too many, and has been idle for long, or the pool
// goes.
bool BlockingPool::WaitForWork(Worker& self, std::unique_lock<std::mutex>& hold) {
  if (stopping_) return false;
  self.woken = false;
  idle_.push_back(&self);
  const auto woken = [&] { return self.woken || stopping_; };
  const bool stays = workers_.size() <= static_cast<size_t>(options_.min_threads) ||
                     options_.idle_timeout == absl::InfiniteDuration();
  if (stays) {
    self.work.wait(hold, woken);
    return !stopping_;
  }
  // Chrono's clocks overflow on long waits.
  const absl::Duration timeout = std::min(options_.idle_timeout, absl::Hours(24));
  if (self.work.wait_for(hold, absl::ToChronoNanoseconds(timeout), woken)) return !stopping_;
  std::erase(idle_, &self);
  return workers_.size() <= static_cast<size_t>(options_.min_threads);
}

BlockingPoolStats BlockingPool::Stats() const {
  std::lock_guard<std::mutex> hold(mutex_);
  return {.name = options_.name,
          .threads = static_cast<int>(workers_.size()),
          .threads_max = static_cast<int>(threads_max_),
          .busy = static_cast<int>(busy_),
          .queued = jobs_.size(),
          .rejected_total = rejected_total_,
          .finished_total = finished_total_,
          .given_up_total = given_up_total_};
}

}  // namespace weft
