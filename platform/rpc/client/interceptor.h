// ClientInterceptor: code at the start and the end of every outgoing call, or of every attempt at
// one, on the caller's fiber.
//
// Contract: Start() is called once a call, of any kind of method, before it is sent. It may add
// metadata and bring the deadline forward. It returns a tracker, which is told the end and then
// destroyed; null when it does not care. It may park; it must not throw, and is used by all
// shards at once. Interceptors start in the order of their stages, kUser first
// (rpc/interceptor_stage.h), and end in the reverse order.
//
// Retries (retry.h) stand between the stages: kUser and kAdmission are outside and see the call as
// its caller does, once; the stages inside them (kAuthentication, kTelemetry, kTransport) see each
// attempt, with metadata and a tracker of its own. Whoever wants to know of calls there follows the
// trackers of first attempts: End() ends the call too, unless it says will_retry; then
// EndRetriedCall() does.
#ifndef WEFT_PLATFORM_RPC_CLIENT_INTERCEPTOR_H_
#define WEFT_PLATFORM_RPC_CLIENT_INTERCEPTOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/rpc/interceptor_stage.h"
#include "platform/rpc/metadata.h"
#include "platform/rpc/method.h"

namespace weft::rpc {

// A call about to be sent.
struct OutgoingCall {
  const MethodDescriptor& method;
  const std::string& target;
  Metadata& metadata;   // to be sent; may be added to
  absl::Time deadline;  // may be brought forward
  int attempt = 1;      // outside the retries always 1
  bool hedge = false;   // made beside the first attempt (retry.h)
};

// A call that has ended.
struct EndedCall {
  const absl::Status& status;
  uint64_t sent_bytes = 0;      // message payload
  uint64_t received_bytes = 0;  // message payload
  bool will_retry = false;      // an attempt that is not to be the last one
};

class ClientCallTracker {
 public:
  virtual ~ClientCallTracker() = default;
  virtual void End(const EndedCall& ended) = 0;
  // Only for the tracker of a first attempt that ended with will_retry: now the call has ended,
  // with this status. No attempt need have been made since: the wait may have been cancelled.
  virtual void EndRetriedCall(const absl::Status&) {}
};

class ClientInterceptor {
 public:
  virtual ~ClientInterceptor() = default;
  virtual InterceptorStage stage() const { return InterceptorStage::kUser; }
  virtual std::unique_ptr<ClientCallTracker> Start(OutgoingCall& call) = 0;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_CLIENT_INTERCEPTOR_H_
