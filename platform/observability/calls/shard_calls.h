// ShardCalls: the calls that one shard serves, and what is kept of those it served. Internal to
// CallRecorder. All of it is used on that shard's thread alone, so nothing is locked: who looks
// from outside posts a function to the shard.
#ifndef WEFT_PLATFORM_OBSERVABILITY_CALLS_SHARD_CALLS_H_
#define WEFT_PLATFORM_OBSERVABILITY_CALLS_SHARD_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_set.h"
#include "absl/status/status.h"
#include "platform/base/clock.h"
#include "platform/observability/calls/call_record.h"
#include "platform/observability/calls/kept_calls.h"
#include "platform/observability/tracing/trace_ids.h"
#include "platform/rpc/client/interceptor.h"
#include "platform/rpc/server/call_context.h"

namespace weft::observability {

// Calls in flight that a shard tells of at once, the oldest ones: about 0.1 ms of its time.
inline constexpr size_t kMaxCallsListed = 256;
// Targets of child calls whose names a shard remembers; further ones are called "other".
inline constexpr size_t kMaxChildTargets = 256;

// A child call as it is noted: nothing is copied, nothing is formatted.
struct NotedChild {
  uint64_t number = 0;      // within its call
  const char* system = "";  // as that of ChildCall, and like `method` in static storage
  const char* method = "";
  const std::string* target = nullptr;  // of ShardCalls::targets_
  int attempt = 1;
  bool hedge = false;
  int64_t start_nanos = 0;  // on the runtime's clock, as the end
  int64_t end_nanos = -1;
  int64_t waited_nanos = 0;
  absl::StatusCode code = absl::StatusCode::kOk;
  bool will_retry = false;
};

class ShardCalls;

// A place for a call in flight; taken by one after the other.
struct LiveCall {
  ShardCalls* shard = nullptr;
  uint64_t number = 0;  // of the call that has the place; 0: none
  rpc::CallContext* call = nullptr;
  uint64_t fiber_id = 0;
  TraceIds trace;
  std::vector<NotedChild> children;
  uint64_t children_noted = 0;
  LiveCall* newer = nullptr;  // the list of calls in flight, or of free places
  LiveCall* older = nullptr;
};

// What the shard tells, when it is asked.
struct ShardCallsView {
  struct Method {
    std::string name;
    std::vector<CallRecordPtr> slow;
    std::vector<CallRecordPtr> failed;
    uint64_t failed_total = 0;
  };
  std::vector<CallRecord> in_flight;  // the oldest first
  size_t in_flight_total = 0;
  std::vector<Method> methods;
};

class ShardCalls {
 public:
  ShardCalls(int shard, const Clock& clock) : shard_(shard), clock_(clock) {}
  ShardCalls(const ShardCalls&) = delete;
  ShardCalls& operator=(const ShardCalls&) = delete;

  // A call comes; until End(). On its fiber.
  LiveCall& Begin(rpc::CallContext& call);
  // Its record, if it is kept.
  CallRecordPtr End(LiveCall& live, const absl::Status& status);

  // A call to another service, or the use of a database (ChildCall), begins and ends.
  uint64_t BeginChild(LiveCall& live, const rpc::OutgoingCall& call);
  uint64_t BeginChild(LiveCall& live, const char* system, const char* method,
                      const std::string& target);
  static void EndChild(LiveCall& live, uint64_t number, int64_t now_nanos,
                       const rpc::EndedCall& ended, int64_t waited_nanos = 0);

  const Clock& clock() const { return clock_; }
  ShardCallsView Look();

 private:
  struct Kept {
    SlowCalls slow;
    FailedCalls failed;
  };

  const std::string* Target(const std::string& target);
  NotedChild& AddChild(LiveCall& live, const std::string& target);
  CallRecord Describe(const LiveCall& live, int64_t now_nanos) const;
  void DescribeChildren(const LiveCall& live, CallRecord* record) const;
  CallRecordPtr KeepIfWorthIt(const LiveCall& live, const absl::Status& status);

  const int shard_;
  const Clock& clock_;
  std::deque<LiveCall> places_;  // as many as were in flight at once; their addresses stay
  LiveCall* free_ = nullptr;
  LiveCall* oldest_ = nullptr;
  LiveCall* newest_ = nullptr;
  size_t in_flight_ = 0;
  uint64_t calls_ = 0;
  // By descriptor: bounded, as methods nobody registered share one.
  absl::flat_hash_map<const rpc::MethodDescriptor*, Kept> kept_;
  absl::node_hash_set<std::string> targets_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_CALLS_SHARD_CALLS_H_
