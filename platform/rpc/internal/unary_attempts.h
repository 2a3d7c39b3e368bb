// Attempts at a unary call.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_UNARY_ATTEMPTS_H_
#define WEFT_PLATFORM_RPC_INTERNAL_UNARY_ATTEMPTS_H_

#include <google/protobuf/message_lite.h>

#include "absl/status/status.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/internal/outgoing_call.h"

namespace weft::rpc::internal {

// One after the other until one succeeds or none is to follow (client/retry.h). The status of the
// last one, or that of the scope which ended the wait for the next. Parks; a cancel point.
absl::Status MakeAttempts(OuterCall& call, const google::protobuf::MessageLite& request,
                          google::protobuf::MessageLite* reply);

// A single one beside those, whatever comes of it. `options`: as for CoreCall. Parks; a cancel
// point.
absl::Status MakeHedge(OuterCall& call, const CallOptions& options,
                       const google::protobuf::MessageLite& request,
                       google::protobuf::MessageLite* reply);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_UNARY_ATTEMPTS_H_
