#include "platform/fiber/runtime.h"

#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "platform/base/check.h"
#include "platform/base/cpu_quota.h"
#include "platform/fiber/internal/fiber_body.h"
#include "platform/fiber/internal/shard.h"

namespace weft {
namespace {

// The body of Run(): a function, and a plain thread that waits for it.
class BlockingBody final : public internal::FiberBody {
 public:
  explicit BlockingBody(absl::AnyInvocable<void()> function) : function_(std::move(function)) {}
  void Run() override { function_(); }
  void Finished() override { done_.Notify(); }
  void WaitUntilDone() { done_.WaitForNotification(); }

 private:
  absl::AnyInvocable<void()> function_;
  absl::Notification done_;
};

// What Fibers() gathers; shared with the shards' answers, since a late one may come after the
// caller has given up.
struct FiberListing {
  absl::Mutex mutex;
  std::vector<FiberInfo> fibers ABSL_GUARDED_BY(mutex);
  std::vector<bool> answered ABSL_GUARDED_BY(mutex);
  int missing ABSL_GUARDED_BY(mutex) = 0;
};

}  // namespace

Runtime::Runtime(RuntimeOptions options)
    : clock_(options.clock != nullptr ? options.clock : &Clock::Real()) {
  const int shards = options.shards > 0 ? options.shards : AllowedCpus();
  for (int i = 0; i < shards; ++i) {
    std::unique_ptr<Poller> poller =
        options.poller_factory ? options.poller_factory(i) : MakeThreadPoller(*clock_);
    shards_.push_back(std::make_unique<internal::Shard>(*this, i, options, std::move(poller)));
  }
}

Runtime::~Runtime() = default;

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

std::vector<ShardStats> Runtime::Stats() const {
  std::vector<ShardStats> stats;
  stats.reserve(shards_.size());
  for (const auto& shard : shards_) stats.push_back(shard->Stats());
  return stats;
}

std::vector<FiberInfo> Runtime::Fibers(absl::Duration timeout, std::vector<int>* stuck_shards) {
  Check(Current() != this, "Runtime::Fibers blocks its thread: not on a shard of that runtime");
  auto listing = std::make_shared<FiberListing>();
  {
    absl::MutexLock hold(&listing->mutex);
    listing->answered.resize(shards_.size());
    listing->missing = shards();
  }
  for (const auto& shard : shards_) {
    shard->Post([listing, shard = shard.get()] {
      std::vector<FiberInfo> fibers = shard->Fibers();
      absl::MutexLock hold(&listing->mutex);
      listing->fibers.insert(listing->fibers.end(), std::make_move_iterator(fibers.begin()),
                             std::make_move_iterator(fibers.end()));
      listing->answered[static_cast<size_t>(shard->index())] = true;
      --listing->missing;
    });
  }
  absl::MutexLock hold(&listing->mutex);
  const auto all_answered = [&listing]()
                                ABSL_NO_THREAD_SAFETY_ANALYSIS { return listing->missing == 0; };
  listing->mutex.AwaitWithTimeout(absl::Condition(&all_answered), timeout);
  for (size_t i = 0; i < listing->answered.size(); ++i) {
    if (!listing->answered[i] && stuck_shards != nullptr) {
      stuck_shards->push_back(static_cast<int>(i));
    }
  }
  return listing->fibers;
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
