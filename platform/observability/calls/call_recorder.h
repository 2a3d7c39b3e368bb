// CallRecorder: the calls in flight, and for each method the slowest and the latest failed ones,
// each with its timeline: how long it waited for its handler, which calls to others it made, how
// they ended, and what it ended with. What /debug/calls shows; other systems call it rpcz.
//
//   CallRecorder recorder;
//   recorder.AddShards(runtime);
//   …ServerOptions{.interceptors = {…, &recorder.server_interceptor()}}…
//   …ChannelOptions{.interceptors = {…, &recorder.client_interceptor()}}…
//   CallsView view = recorder.Look(runtime, absl::Milliseconds(250));
//
// A call that is neither slow nor failed costs its place in a list of its shard, a reading of the
// clock at its end and a comparison: nothing is copied and no text is made (calls_benchmark.cc). A
// call that is kept is described once, when it has ended. Each shard writes its own part without a
// lock, and reads it for whoever looks, between fibers.
//
// Calls to others are found by the fiber that makes them, or by which of its ancestors serves a
// call: FiberLocal hands that on to the children of task groups. Calls made by other threads
// (weft::Blocking) are not seen.
#ifndef WEFT_PLATFORM_OBSERVABILITY_CALLS_CALL_RECORDER_H_
#define WEFT_PLATFORM_OBSERVABILITY_CALLS_CALL_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/calls/call_record.h"
#include "platform/observability/calls/shard_calls.h"
#include "platform/rpc/client/interceptor.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::observability {

// Records of one method in a view, of all shards together.
inline constexpr size_t kMaxCallsOfMethod = 32;

struct CallsView {
  struct Method {
    std::string name;
    std::vector<CallRecordPtr> slow;    // the slowest first, of the last five to ten minutes
    std::vector<CallRecordPtr> failed;  // the latest first
    uint64_t failed_total = 0;          // since the process began
  };
  std::vector<CallRecord> in_flight;  // the oldest first; of each shard kMaxCallsListed at most
  size_t in_flight_total = 0;
  std::vector<Method> methods;  // that were called, by name
  std::vector<int> stuck_shards;
};

// The use of a database, or of something else that is no call, by the call that the fiber works
// for; shown among those that it makes. For drivers. Where no call is recorded it costs a look at a
// FiberLocal.
class NotedOperation {
 public:
  // `system` ("sqlite") and `operation` have static storage. On the fiber, as all else.
  NotedOperation(const char* system, const char* operation, const std::string& target);
  NotedOperation(const NotedOperation&) = delete;
  NotedOperation& operator=(const NotedOperation&) = delete;
  // Once. `waited`: of its time, what went by until a connection was there.
  void End(const absl::Status& status, absl::Duration waited = absl::ZeroDuration());

 private:
  LiveCall* live_ = nullptr;  // null: none
  uint64_t call_ = 0;
  uint64_t child_ = 0;
};

// Outlives the runtime whose calls it records.
class CallRecorder {
 public:
  CallRecorder();
  ~CallRecorder();
  CallRecorder(const CallRecorder&) = delete;
  CallRecorder& operator=(const CallRecorder&) = delete;

  // Records what runs on the shards of `runtime`; calls of other runtimes pass by. Once, before the
  // first call.
  void AddShards(const Runtime& runtime);

  // Called on the fiber of each call whose record is kept, when it has ended and its trace is still
  // current; must not park. Before the first call.
  void OnKept(std::function<void(const CallRecord&)> function) { on_kept_ = std::move(function); }

  // Put it inside the tracing interceptor: records then have their trace's id.
  rpc::ServerInterceptor& server_interceptor() { return served_; }
  rpc::ClientInterceptor& client_interceptor() { return made_; }

  // Asks the shards of `runtime`, the one that was added. Blocks the calling *thread* until all
  // have answered, at most `timeout`; those that did not are in `stuck_shards`. Not on a fiber of
  // that runtime.
  CallsView Look(Runtime& runtime, absl::Duration timeout) const;

 private:
  class ServedCalls final : public rpc::ServerInterceptor {
   public:
    explicit ServedCalls(CallRecorder& recorder) : recorder_(recorder) {}
    rpc::InterceptorStage stage() const override { return rpc::InterceptorStage::kTelemetry; }
    // Parks only if `next` does.
    absl::Status Intercept(rpc::CallContext& call, Next next) override;

   private:
    CallRecorder& recorder_;
  };
  class MadeCalls final : public rpc::ClientInterceptor {
   public:
    rpc::InterceptorStage stage() const override { return rpc::InterceptorStage::kTelemetry; }
    // Never parks. Null outside a recorded call.
    std::unique_ptr<rpc::ClientCallTracker> Start(rpc::OutgoingCall& call) override;
  };

  // Of the caller's shard; null where its calls are not recorded.
  ShardCalls* CurrentShard() const;

  ServedCalls served_{*this};
  MadeCalls made_;
  std::function<void(const CallRecord&)> on_kept_ = nullptr;
  const Runtime* runtime_ = nullptr;
  std::vector<std::unique_ptr<ShardCalls>> shards_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_CALLS_CALL_RECORDER_H_
