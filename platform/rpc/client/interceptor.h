// ClientInterceptor: code at the start and the end of every outgoing call, on the caller's fiber.
//
// Contract: Start() is called once a call, of any kind of method, before it is sent. It may add
// metadata and bring the deadline forward. It returns a tracker, which is told the end and then
// destroyed; null when it does not care. It may park; it must not throw, and is used by all
// shards at once. Interceptors start in the order of their stages, kUser first
// (rpc/interceptor_stage.h), and end in the reverse order.
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
};

// A call that has ended.
struct EndedCall {
  const absl::Status& status;
  uint64_t sent_bytes = 0;      // message payload
  uint64_t received_bytes = 0;  // message payload
};

class ClientCallTracker {
 public:
  virtual ~ClientCallTracker() = default;
  virtual void End(const EndedCall& ended) = 0;
};

class ClientInterceptor {
 public:
  virtual ~ClientInterceptor() = default;
  virtual InterceptorStage stage() const { return InterceptorStage::kUser; }
  virtual std::unique_ptr<ClientCallTracker> Start(OutgoingCall& call) = 0;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_CLIENT_INTERCEPTOR_H_
