// What Admission knows and decides on one shard. Only that shard's fibers use it, but for Stats().
#ifndef WEFT_PLATFORM_RPC_ADMISSION_SHARD_ADMISSION_H_
#define WEFT_PLATFORM_RPC_ADMISSION_SHARD_ADMISSION_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <random>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "platform/fiber/event.h"
#include "platform/rpc/admission/admission.h"
#include "platform/rpc/admission/concurrency_limit.h"
#include "platform/rpc/admission/start_delay.h"

namespace weft::rpc {

class Admission::ShardAdmission {
 public:
  ShardAdmission(const AdmissionOptions& options, uint64_t seed);

  absl::Status Intercept(CallContext& call, Next next);

  AdmissionStats Stats() const;

 private:
  struct Method {
    ConcurrencyLimit::Method latency;
    Criticality criticality;
    bool exempt;
    bool limited;  // counts for the limit: unary, and the limit is on
  };
  // A call that waits for a place.
  struct Waiter {
    Event called;
    bool admitted = false;
  };

  Method& Find(const MethodDescriptor& descriptor);
  bool WaitedTooLong(const Method& method, int64_t delay_nanos) const;
  bool TooLate(const Method& method, const CallContext& call) const;
  bool HasPlace(const Method& method) const;
  // OK with a place taken; RESOURCE_EXHAUSTED, or the cancel scope's status.
  absl::Status TakePlace(const Method& method, CallContext& call);
  absl::Status WaitForPlace(const Method& method, CallContext& call);
  void LeavePlace();
  absl::Status Shed(const Method& method, CallContext& call, ShedReason reason);
  void PublishLimit();

  const AdmissionOptions options_;
  ConcurrencyLimit limit_;
  StartDelay delay_;
  absl::flat_hash_map<const MethodDescriptor*, std::unique_ptr<Method>> methods_;
  std::list<Waiter*> queue_;       // longest wait first
  int64_t queue_since_nanos_ = 0;  // since when it has not been empty
  std::minstd_rand random_;        // spreads the clients' next attempts

  // Read by Stats() too.
  std::atomic<int> in_flight_{0};
  std::atomic<int> queued_{0};
  std::atomic<int> published_limit_{0};
  std::atomic<bool> overloaded_{false};
  std::array<std::array<std::atomic<uint64_t>, kShedReasons>, kCriticalities> shed_{};
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_ADMISSION_SHARD_ADMISSION_H_
