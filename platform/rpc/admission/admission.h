// Admission: turns calls away that a server under overload could not serve in time, so that the
// others are served as if nothing were.
//
// Each shard decides for itself, on three grounds:
//   delay     The shard is overloaded and the call has waited too long for its turn
//             (start_delay.h). This is what protects the CPU.
//   limit     As many unary calls are in flight as are good for their latency
//             (concurrency_limit.h). This is what protects what handlers wait for: a database, a
//             pool of threads. A call then waits for one to end, in a bounded queue and for a short
//             time: `interval`, or `target_delay` once the queue has been there for an interval.
//   deadline  Meanwhile, a call has less time left than its method needs without overload.
// Streams count for the first alone; health checks and reflection (grpc.…) are never turned away.
//
// The method's criticality (proto/weft/options.proto) says who goes first:
//
//                   of the limit   waits for a place   delay, of the target
//   SHEDDABLE           1/2               no                  1/4
//   SHEDDABLE_PLUS      3/4               no                  1/2
//   CRITICAL             1                yes                  1
//   CRITICAL_PLUS       11/10             yes                  2
//
// What is turned away gets RESOURCE_EXHAUSTED, and grpc-retry-pushback-ms in the trailing metadata
// (gRPC proposal A6): a time, spread at random, before which clients should not try again.
//
//   weft::rpc::Admission admission(runtime.shards());
//   …ServerOptions{.interceptors = {&admission}}…
//
// The limits are a shard's: a server with four may have four times as many calls in flight.
#ifndef WEFT_PLATFORM_RPC_ADMISSION_ADMISSION_H_
#define WEFT_PLATFORM_RPC_ADMISSION_ADMISSION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::rpc {

enum class ShedReason { kDelay, kLimit, kDeadline };
inline constexpr size_t kShedReasons = 3;
inline constexpr size_t kCriticalities = 4;

struct AdmissionOptions {
  // Off: calls are turned away for their delay only.
  bool limit_concurrency = true;
  // Unary calls in flight on a shard, at the start and at least. While latency allows it the limit
  // doubles every 100 ms that calls come close to it.
  int initial_limit = 1000;
  int min_limit = 4;
  absl::Duration target_delay = absl::Milliseconds(5);
  // How long that must last, so that a burst is served and only what goes on is overload.
  absl::Duration interval = absl::Milliseconds(500);
};

// Readings of a shard.
struct AdmissionStats {
  int limit = 0;
  int in_flight = 0;
  int queued = 0;
  bool overloaded = false;
  // By Criticality, then ShedReason.
  std::array<std::array<uint64_t, kShedReasons>, kCriticalities> shed_total{};
};

class Admission final : public ServerInterceptor {
 public:
  // `shards` of the runtime whose server it is given to; of that one only.
  explicit Admission(int shards, const AdmissionOptions& options = {});
  ~Admission() override;

  InterceptorStage stage() const override { return InterceptorStage::kAdmission; }
  // Parks while the call waits for a place.
  absl::Status Intercept(CallContext& call, Next next) override;

  // One for each shard; any thread, never blocks.
  std::vector<AdmissionStats> Stats() const;

 private:
  class ShardAdmission;
  std::vector<std::unique_ptr<ShardAdmission>> shards_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_ADMISSION_ADMISSION_H_
