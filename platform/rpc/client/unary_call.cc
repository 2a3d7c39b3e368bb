#include <utility>

#include "platform/rpc/client/client_call.h"
#include "platform/rpc/internal/hedged_call.h"
#include "platform/rpc/internal/outgoing_call.h"
#include "platform/rpc/internal/unary_attempts.h"

namespace weft::rpc {

absl::Status CallUnaryMessage(Channel& channel, const MethodDescriptor& method,
                              const google::protobuf::MessageLite& request,
                              google::protobuf::MessageLite* reply, const CallOptions& options) {
  internal::OuterCall call(channel, method, options);
  if (absl::Status s = call.Start(); !s.ok()) return s;
  if (internal::IsHedged(call)) [[unlikely]]
    return call.End(internal::MakeHedgedAttempts(call, request, reply));
  return call.End(internal::MakeAttempts(call, request, reply));
}

}  // namespace weft::rpc
