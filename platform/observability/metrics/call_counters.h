// What is counted of calls, and where a call finds its counters: shared by the server's and the
// client's interceptor.
//
// The path of a call: find the shard's table, find the method in it by the address of its
// descriptor, add to a handful of counters. No lock, no allocation (but for the first call of a
// method, and the first of each status), no string is built. See per_shard.h for who writes.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_CALL_COUNTERS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_CALL_COUNTERS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "platform/fiber/cancel_cause.h"
#include "platform/observability/metrics/catalogue.h"
#include "platform/observability/metrics/shard_histogram.h"
#include "platform/rpc/method.h"

namespace weft::observability {

inline constexpr BucketFinder kLatencyFinder(kLatencyBuckets, 1e9);
inline constexpr BucketFinder kSizeFinder(kSizeBuckets, 1);
using LatencyCounts = ShardHistogram<kLatencyBuckets.size(), kLatencyFinder>;  // nanoseconds
using SizeCounts = ShardHistogram<kSizeBuckets.size(), kSizeFinder>;           // bytes

// Calls of one method that ended with one status.
struct EndedCounters {
  LatencyCounts duration;
  SizeCounts sent;
  SizeCounts received;
};

// Calls of one method (and of one target, for clients).
class CallCounters {
 public:
  static constexpr size_t kStatuses = 17;  // absl::StatusCode: OK … UNAUTHENTICATED

  CallCounters(const rpc::MethodDescriptor* method, absl::string_view target)
      : method_(method), target_(target) {}
  ~CallCounters() {
    for (std::atomic<EndedCounters*>& ended : ended_) delete ended.load();
  }
  CallCounters(const CallCounters&) = delete;
  CallCounters& operator=(const CallCounters&) = delete;

  // The writing side: one thread at a time.
  void Started() { started_.Add(1); }
  void Ended(absl::StatusCode status, int64_t duration_nanos, uint64_t sent_bytes,
             uint64_t received_bytes) {
    const auto code = static_cast<size_t>(status);
    std::atomic<EndedCounters*>& slot = ended_[code < kStatuses ? code : kUnknownStatus];
    EndedCounters* ended = slot.load(std::memory_order_relaxed);
    if (ended == nullptr) {
      ended = new EndedCounters;
      slot.store(ended, std::memory_order_release);
    }
    ended->duration.Record(duration_nanos > 0 ? static_cast<uint64_t>(duration_nanos) : 0);
    ended->sent.Record(sent_bytes);
    ended->received.Record(received_bytes);
  }

  // `wasted_nanos`: how long the handler went on after that.
  void Cancelled(CancelCause cause, int64_t wasted_nanos) {
    CancelledCounters& cancelled = cancelled_[static_cast<size_t>(cause)];
    cancelled.calls.Add(1);
    cancelled.wasted_nanos.Add(wasted_nanos > 0 ? static_cast<uint64_t>(wasted_nanos) : 0);
  }

  // The reading side: any thread.
  uint64_t started() const { return started_.value(); }
  uint64_t cancelled(size_t cause) const { return cancelled_[cause].calls.value(); }
  uint64_t wasted_nanos(size_t cause) const { return cancelled_[cause].wasted_nanos.value(); }
  bool used() const {
    return started() != 0 || std::any_of(ended_.begin(), ended_.end(), [](const auto& ended) {
             return ended.load(std::memory_order_relaxed) != nullptr;
           });
  }
  const EndedCounters* ended(size_t code) const {
    return ended_[code].load(std::memory_order_acquire);
  }

  const rpc::MethodDescriptor* method() const { return method_; }
  const std::string& target() const { return target_; }

 private:
  static constexpr size_t kUnknownStatus = static_cast<size_t>(absl::StatusCode::kUnknown);

  struct CancelledCounters {
    ShardCounter calls;
    ShardCounter wasted_nanos;
  };

  const rpc::MethodDescriptor* const method_;
  const std::string target_;
  ShardCounter started_;
  std::array<CancelledCounters, kCancelCauses> cancelled_;
  std::array<std::atomic<EndedCounters*>, kStatuses> ended_{};
};

// The counters of one writer's calls. Entries are only ever added.
class CallTable {
 public:
  // Pairs of method and target that are told apart; further ones are counted together as method
  // "other" of target "other". A bound on memory and on what Prometheus has to keep.
  static constexpr size_t kMaxEntries = 512;

  CallTable();
  ~CallTable();
  CallTable(const CallTable&) = delete;
  CallTable& operator=(const CallTable&) = delete;

  // By the writing thread.
  CallCounters& Find(const rpc::MethodDescriptor& method, absl::string_view target) {
    for (size_t i = Hash(&method);; i = (i + 1) % kSlots) {
      CallCounters* entry = slots_[i].load(std::memory_order_relaxed);
      if (entry == nullptr) return Insert(i, method, target);
      if (entry->method() == &method && entry->target() == target) return *entry;
    }
  }

  // By any thread.
  template <typename F>
  void ForEach(F function) const {
    for (const std::atomic<CallCounters*>& slot : slots_) {
      if (const CallCounters* entry = slot.load(std::memory_order_acquire)) function(*entry);
    }
    function(other_);
  }

 private:
  static constexpr size_t kSlots = 2 * kMaxEntries;
  static size_t Hash(const rpc::MethodDescriptor* method) {
    return (reinterpret_cast<uintptr_t>(method) * 0x9E3779B97F4A7C15u) >> 54;  // 10 bits: kSlots
  }
  static_assert(kSlots == 1024);
  CallCounters& Insert(size_t slot, const rpc::MethodDescriptor& method, absl::string_view target);

  std::array<std::atomic<CallCounters*>, kSlots> slots_{};
  size_t entries_ = 0;
  CallCounters other_;
};

// Totals over shards, at scrape time: by method's name, then target.
struct EndedTotals {
  std::array<uint64_t, LatencyCounts::kBuckets> duration{};
  std::array<uint64_t, SizeCounts::kBuckets> sent{};
  std::array<uint64_t, SizeCounts::kBuckets> received{};
  uint64_t duration_nanos = 0;
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
};
struct CancelledTotals {
  uint64_t calls = 0;
  uint64_t wasted_nanos = 0;
};
struct CallTotals {
  uint64_t started = 0;
  std::map<size_t, EndedTotals> ended;          // by status code
  std::map<size_t, CancelledTotals> cancelled;  // by CancelCause
};
using CallTotalsMap = std::map<std::pair<std::string, std::string>, CallTotals>;

void AddTotals(const CallTable& table, CallTotalsMap& totals);

// "OK", "UNAVAILABLE" …: A66's grpc.status.
std::string StatusLabel(size_t code);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_CALL_COUNTERS_H_
