// PerShard<T>: one T for each shard, written by that shard's thread alone, so that the path of a
// call has no lock and no locked instruction; any thread may read.
//
// A shard's T belongs to the first runtime that asks for it. Callers that own none (threads off any
// shard, and further runtimes in the same process) share one more T under a mutex: right, only
// slower.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_PER_SHARD_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_PER_SHARD_H_

#include <array>
#include <atomic>

#include "absl/synchronization/mutex.h"
#include "platform/base/clock.h"
#include "platform/fiber/runtime.h"

namespace weft::observability {

// Shards that get a T of their own; more than any machine has CPUs to spare for one process.
inline constexpr int kMaxMeasuredShards = 256;

template <typename T>
class PerShard {
 public:
  PerShard() = default;
  ~PerShard() {
    for (std::atomic<Owned*>& owned : shards_) delete owned.load(std::memory_order_relaxed);
  }
  PerShard(const PerShard&) = delete;
  PerShard& operator=(const PerShard&) = delete;

  // What the caller writes to. A call's fiber stays on its shard, so it may keep this across parks.
  struct Access {
    T& value;
    absl::Mutex* mutex;      // held while writing; null: the caller is the only writer
    const Runtime* runtime;  // the caller's; null off shards

    const Clock& clock() const { return runtime != nullptr ? runtime->clock() : Clock::Real(); }
  };
  Access Get() {
    const int shard = Runtime::CurrentShard();
    const Runtime* runtime = Runtime::Current();
    if (shard >= 0 && shard < kMaxMeasuredShards) {
      Owned* owned = shards_[shard].load(std::memory_order_acquire);
      if (owned == nullptr) owned = Claim(shard, runtime);
      if (owned->owner == runtime) return {owned->value, nullptr, runtime};
    }
    return {shared_, &mutex_, runtime};
  }

  // Calls `function(const T&)` for each; any thread.
  template <typename F>
  void ForEach(F function) const {
    for (const std::atomic<Owned*>& owned : shards_) {
      if (const Owned* it = owned.load(std::memory_order_acquire)) function(it->value);
    }
    function(shared_);
  }

 private:
  struct Owned {
    const Runtime* owner;
    T value{};
  };

  Owned* Claim(int shard, const Runtime* runtime) {
    auto* claimed = new Owned{runtime};
    Owned* expected = nullptr;
    if (shards_[shard].compare_exchange_strong(expected, claimed, std::memory_order_acq_rel)) {
      return claimed;
    }
    delete claimed;
    return expected;
  }

  std::array<std::atomic<Owned*>, kMaxMeasuredShards> shards_{};
  absl::Mutex mutex_;
  T shared_{};  // written under mutex_
};

// Locks a mutex that may be null.
class OptionalLock {
 public:
  explicit OptionalLock(absl::Mutex* mutex) : mutex_(mutex) {
    if (mutex_ != nullptr) mutex_->Lock();
  }
  ~OptionalLock() {
    if (mutex_ != nullptr) mutex_->Unlock();
  }
  OptionalLock(const OptionalLock&) = delete;
  OptionalLock& operator=(const OptionalLock&) = delete;

 private:
  absl::Mutex* const mutex_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_PER_SHARD_H_
