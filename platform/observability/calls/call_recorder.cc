#include "platform/observability/calls/call_recorder.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "platform/base/check.h"
#include "platform/fiber/fiber_local.h"

namespace weft::observability {
namespace {

// Which call a fiber works for. Its place may have been taken by another call meanwhile: a child of
// a task group that outlives the call still has the handle.
struct CallHandle {
  LiveCall* live = nullptr;
  uint64_t number = 0;

  bool valid() const { return live != nullptr && live->number == number; }
};

FiberLocal<CallHandle>& Current() {
  static auto* const current = new FiberLocal<CallHandle>;  // never destroyed: threads may outlive
  return *current;
}

// On one fiber, hence on the shard of the call.
class Tracker final : public rpc::ClientCallTracker {
 public:
  Tracker(const CallHandle& handle, uint64_t child) : handle_(handle), child_(child) {}
  void End(const rpc::EndedCall& ended) override {
    if (!handle_.valid()) return;
    const int64_t now_nanos = handle_.live->shard->clock().MonotonicNanos();
    ShardCalls::EndChild(*handle_.live, child_, now_nanos, ended);
  }

 private:
  const CallHandle handle_;
  const uint64_t child_;
};

// Gathers what the shards tell; shared with them, since a late answer may come after the asker has
// gone.
struct Answers {
  absl::Mutex mutex;
  std::vector<std::optional<ShardCallsView>> of_shards ABSL_GUARDED_BY(mutex);
  size_t missing ABSL_GUARDED_BY(mutex) = 0;
};

template <typename Order>
void SortAndCut(std::vector<CallRecordPtr>& calls, Order is_before) {
  std::sort(calls.begin(), calls.end(), is_before);
  if (calls.size() > kMaxCallsOfMethod) calls.resize(kMaxCallsOfMethod);
}

void Append(std::vector<CallRecordPtr> from, std::vector<CallRecordPtr>& to) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

CallsView Merge(std::vector<std::optional<ShardCallsView>> of_shards) {
  CallsView view;
  std::map<std::string, CallsView::Method> methods;
  for (size_t shard = 0; shard < of_shards.size(); ++shard) {
    if (!of_shards[shard].has_value()) {
      view.stuck_shards.push_back(static_cast<int>(shard));
      continue;
    }
    ShardCallsView& told = *of_shards[shard];
    std::move(told.in_flight.begin(), told.in_flight.end(), std::back_inserter(view.in_flight));
    view.in_flight_total += told.in_flight_total;
    for (ShardCallsView::Method& method : told.methods) {
      CallsView::Method& merged = methods[method.name];
      merged.failed_total += method.failed_total;
      Append(std::move(method.slow), merged.slow);
      Append(std::move(method.failed), merged.failed);
    }
  }
  std::stable_sort(view.in_flight.begin(), view.in_flight.end(),
                   [](const auto& a, const auto& b) { return a.accepted < b.accepted; });
  for (auto& [name, method] : methods) {
    method.name = name;
    SortAndCut(method.slow, [](const CallRecordPtr& a, const CallRecordPtr& b) {
      return a->duration_nanos > b->duration_nanos;
    });
    SortAndCut(method.failed, [](const CallRecordPtr& a, const CallRecordPtr& b) {
      return a->accepted > b->accepted;
    });
    view.methods.push_back(std::move(method));
  }
  return view;
}

}  // namespace

CallRecorder::CallRecorder() { static_cast<void>(Current()); }

CallRecorder::~CallRecorder() = default;

void CallRecorder::AddShards(const Runtime& runtime) {
  Check(runtime_ == nullptr, "a CallRecorder records the calls of one runtime");
  for (int shard = 0; shard < runtime.shards(); ++shard) {
    shards_.push_back(std::make_unique<ShardCalls>(shard, runtime.clock()));
  }
  runtime_ = &runtime;
}

ShardCalls* CallRecorder::CurrentShard() const {
  const Runtime* const runtime = Runtime::Current();
  if (runtime == nullptr || runtime != runtime_) return nullptr;
  return shards_[static_cast<size_t>(Runtime::CurrentShard())].get();
}

absl::Status CallRecorder::ServedCalls::Intercept(rpc::CallContext& call, Next next) {
  ShardCalls* const shard = recorder_.CurrentShard();
  if (shard == nullptr) return next();
  LiveCall& live = shard->Begin(call);
  // Goes with the fiber.
  Current().Get() = {&live, live.number};
  absl::Status status = next();
  const CallRecordPtr kept = shard->End(live, status);
  if (kept != nullptr && recorder_.on_kept_ != nullptr) recorder_.on_kept_(*kept);
  return status;
}

std::unique_ptr<rpc::ClientCallTracker> CallRecorder::MadeCalls::Start(rpc::OutgoingCall& call) {
  const CallHandle* const handle = Current().GetIfSet();
  if (handle == nullptr || !handle->valid()) return nullptr;
  const uint64_t child = handle->live->shard->BeginChild(*handle->live, call);
  return std::make_unique<Tracker>(*handle, child);
}

NotedOperation::NotedOperation(const char* system, const char* operation,
                               const std::string& target) {
  const CallHandle* const handle = Current().GetIfSet();
  if (handle == nullptr || !handle->valid()) return;
  live_ = handle->live;
  call_ = handle->number;
  child_ = live_->shard->BeginChild(*live_, system, operation, target);
}

void NotedOperation::End(const absl::Status& status, absl::Duration waited) {
  if (live_ == nullptr || live_->number != call_) return;
  ShardCalls::EndChild(*live_, child_, live_->shard->clock().MonotonicNanos(), {.status = status},
                       absl::ToInt64Nanoseconds(waited));
}

CallsView CallRecorder::Look(Runtime& runtime, absl::Duration timeout) const {
  Check(Runtime::Current() != &runtime, "CallRecorder::Look blocks its thread: not on a shard");
  auto answers = std::make_shared<Answers>();
  {
    absl::MutexLock hold(&answers->mutex);
    answers->of_shards.resize(shards_.size());
    answers->missing = shards_.size();
  }
  for (size_t i = 0; i < shards_.size(); ++i) {
    runtime.Post(static_cast<int>(i), [answers, i, shard = shards_[i].get()] {
      ShardCallsView view = shard->Look();
      absl::MutexLock hold(&answers->mutex);
      answers->of_shards[i] = std::move(view);
      --answers->missing;
    });
  }
  std::vector<std::optional<ShardCallsView>> of_shards;
  {
    const auto all_told = [&answers]()
                              ABSL_NO_THREAD_SAFETY_ANALYSIS { return answers->missing == 0; };
    absl::MutexLock hold(&answers->mutex);
    answers->mutex.AwaitWithTimeout(absl::Condition(&all_told), timeout);
    // A shard that is late finds room, and nobody looks.
    of_shards = std::exchange(answers->of_shards, decltype(of_shards)(shards_.size()));
  }
  return Merge(std::move(of_shards));
}

}  // namespace weft::observability
