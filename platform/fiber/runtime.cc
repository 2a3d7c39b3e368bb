#include "platform/fiber/runtime.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/cpu_quota.h"
#include "platform/fiber/internal/default_pools.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/fiber_listing.h"
#include "platform/fiber/internal/overflow_signal.h"
#include "platform/fiber/internal/shard.h"
#include "platform/fiber/internal/thread_event.h"
#include "platform/fiber/internal/watchdog.h"

namespace weft {
namespace {

// The body of Run(): a function, and a plain thread that waits for it.
class BlockingBody final : public internal::FiberBody {
 public:
  explicit BlockingBody(absl::AnyInvocable<void()> function) : function_(std::move(function)) {}
  void Run() override { function_(); }
  void Finished() override { done_.Notify(); }
  void WaitUntilDone() { done_.Wait(); }

 private:
  absl::AnyInvocable<void()> function_;
  internal::ThreadEvent done_;
};

// What Fibers() gathers; shared with the shards' answers, since a late one may come after the
// caller has given up.
struct FiberAnswers {
  std::mutex mutex;  // of all below
  std::condition_variable all_complete;
  std::vector<std::vector<internal::FiberNotes>> slices;  // by shard
  std::vector<bool> complete;                             // by shard
  int missing = 0;
};

// Chrono's clocks overflow on long waits; a day is as good as for ever for a dump.
std::chrono::nanoseconds ThreadWait(absl::Duration timeout) {
  return absl::ToChronoNanoseconds(std::min(timeout, absl::Hours(24)));
}

absl::Duration StallThreshold(const RuntimeOptions& options, const Clock& clock) {
  if (options.observer == nullptr) return absl::ZeroDuration();  // Nobody to tell.
  if (options.stall_threshold.has_value()) return *options.stall_threshold;
  return &clock == &Clock::Real() ? kDefaultStallThreshold : absl::ZeroDuration();
}

std::unique_ptr<internal::Watchdog> MakeWatchdog(const RuntimeOptions& options,
                                                 const Clock& clock) {
  const absl::Duration threshold = StallThreshold(options, clock);
  Check(threshold >= absl::ZeroDuration(), "a stall threshold is not negative; 0 is off");
  if (threshold == absl::ZeroDuration()) return nullptr;
  return std::make_unique<internal::Watchdog>(internal::WatchdogOptions{
      .threshold_nanos = absl::ToInt64Nanoseconds(threshold),
      .report_interval_nanos = absl::ToInt64Nanoseconds(options.stall_report_interval),
      .observer = options.observer,
      .name = options.name});
}

}  // namespace

Runtime::Runtime(RuntimeOptions options)
    : clock_(options.clock != nullptr ? options.clock : &Clock::Real()),
      default_pools_(std::make_unique<internal::DefaultPools>(options)) {
  if (options.shards <= 0) options.shards = AllowedCpus();
  internal::InstallOverflowSignal();
  watchdog_ = MakeWatchdog(options, *clock_);
  std::vector<internal::StallWatch*> watches;
  for (int i = 0; i < options.shards; ++i) {
    std::unique_ptr<Poller> poller =
        options.poller_factory ? options.poller_factory(i) : MakeThreadPoller(*clock_);
    shards_.push_back(
        std::make_unique<internal::Shard>(*this, i, options, std::move(poller), watchdog_.get()));
    watches.push_back(&shards_.back()->watch());
  }
  if (watchdog_ != nullptr) watchdog_->Start(watches);
}

// In steps, since shards may call one another until the last fiber has finished: first all come to
// rest, then nobody looks at them any more, then they are destroyed one by one.
Runtime::~Runtime() {
  Check(Current() != this, "a Runtime is destroyed by another thread than its shards'");
  const auto work_begun = [this] {
    uint64_t sum = 0;
    for (const auto& shard : shards_) sum += shard->WorkBegun();
    return sum;
  };
  uint64_t before = 0;
  do {
    before = work_begun();
    for (const auto& shard : shards_) shard->WaitUntilIdle();
  } while (work_begun() != before);  // A shard that was at rest may have been given work meanwhile.
  if (watchdog_ != nullptr) watchdog_->Stop();
}

void Runtime::RunBlocking(int shard, absl::AnyInvocable<void()> function) {
  Check(Current() != this, "Runtime::Run blocks its thread: not on a shard of the same runtime");
  BlockingBody body(std::move(function));
  Post(shard, [&body] {
    Check(internal::StartFiber(body, {.name = "Runtime::Run"}),
          "no fiber for Runtime::Run: RuntimeOptions::max_fibers_per_shard is used up");
  });
  body.WaitUntilDone();
}

void Runtime::Post(int shard, absl::AnyInvocable<void()> function) {
  Check(shard >= 0 && shard < shards(), "there is no shard of that number");
  shards_[static_cast<size_t>(shard)]->Post(std::move(function));
}

BlockingPool& Runtime::blocking_pool() { return default_pools_->blocking(); }
BlockingPool& Runtime::compute_pool() { return default_pools_->compute(); }

std::vector<ShardStats> Runtime::Stats() const {
  std::vector<ShardStats> stats;
  stats.reserve(shards_.size());
  for (const auto& shard : shards_) stats.push_back(shard->Stats());
  return stats;
}

std::vector<FiberInfo> Runtime::Fibers(const FiberQuery& query, std::vector<int>* stuck_shards) {
  Check(Current() != this, "Runtime::Fibers blocks its thread: not on a shard of that runtime");
  auto answers = std::make_shared<FiberAnswers>();
  answers->slices.resize(shards_.size());
  answers->complete.resize(shards_.size(), false);
  answers->missing = shards();
  for (const auto& shard : shards_) {
    auto listing = std::make_unique<internal::FiberListing>();
    listing->query = query;
    listing->deliver = [answers, index = static_cast<size_t>(shard->index())](
                           internal::FiberNotes slice, bool last) {
      std::lock_guard<std::mutex> hold(answers->mutex);
      answers->slices[index].push_back(std::move(slice));
      answers->complete[index] = last;
      if (last && --answers->missing == 0) answers->all_complete.notify_all();
    };
    shard->Post([shard = shard.get(), listing = std::move(listing)]() mutable {
      shard->List(std::move(listing));
    });
  }
  std::vector<std::vector<internal::FiberNotes>> slices(shards_.size());
  {
    std::unique_lock<std::mutex> hold(answers->mutex);
    answers->all_complete.wait_for(hold, ThreadWait(query.timeout),
                                   [&] { return answers->missing == 0; });
    // No more than this under the lock: a shard that is late would wait for it.
    slices.swap(answers->slices);
    for (size_t i = 0; i < shards_.size(); ++i) {
      if (!answers->complete[i] && stuck_shards != nullptr) {
        stuck_shards->push_back(static_cast<int>(i));
      }
    }
  }
  std::vector<FiberInfo> all;
  for (const std::vector<internal::FiberNotes>& of_shard : slices) {
    for (const internal::FiberNotes& slice : of_shard) slice.AppendTo(&all);
  }
  return all;
}

absl::Status Runtime::CancelFiber(uint64_t id, absl::Duration timeout) {
  Check(Current() != this,
        "Runtime::CancelFiber blocks its thread: not on a shard of that runtime");
  struct Answer {
    std::mutex mutex;
    std::condition_variable given;
    std::optional<absl::Status> status;
  };
  if (id == 0) return absl::NotFoundError("there is no fiber of number 0");
  internal::Shard* const shard = shards_[(id - 1) % shards_.size()].get();
  auto answer = std::make_shared<Answer>();
  shard->Post([shard, id, answer] {
    absl::Status status = shard->CancelFiber(id);
    std::lock_guard<std::mutex> hold(answer->mutex);
    answer->status = std::move(status);
    answer->given.notify_all();
  });
  std::unique_lock<std::mutex> hold(answer->mutex);
  if (!answer->given.wait_for(hold, ThreadWait(timeout),
                              [&] { return answer->status.has_value(); })) {
    return absl::DeadlineExceededError(
        absl::StrCat("shard ", shard->index(), " did not answer in time"));
  }
  return *answer->status;
}

int64_t Runtime::CurrentStallNanos() {
  internal::Shard* const shard = internal::Shard::Current();
  return shard == nullptr || shard->current_fiber() == nullptr ? 0 : shard->CurrentStallNanos();
}

Poller* Runtime::CurrentPoller() {
  internal::Shard* const shard = internal::Shard::Current();
  return shard == nullptr ? nullptr : &shard->poller();
}

Runtime* Runtime::Current() {
  internal::Shard* const shard = internal::Shard::Current();
  return shard == nullptr ? nullptr : &shard->runtime();
}

int Runtime::CurrentShard() {
  internal::Shard* const shard = internal::Shard::Current();
  return shard == nullptr ? -1 : shard->index();
}

}  // namespace weft
