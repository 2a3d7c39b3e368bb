// Calls of methods with `retry: HEDGE`: a second attempt beside the first (rpc/client/retry.h).
#ifndef WEFT_PLATFORM_RPC_INTERNAL_HEDGED_CALL_H_
#define WEFT_PLATFORM_RPC_INTERNAL_HEDGED_CALL_H_

#include <google/protobuf/message_lite.h>

#include "absl/status/status.h"
#include "platform/rpc/internal/outgoing_call.h"

namespace weft::rpc::internal {

bool IsHedged(const OuterCall& call);

// Requires: IsHedged(call). Parks; a cancel point. No attempt runs on when it returns.
absl::Status MakeHedgedAttempts(OuterCall& call, const google::protobuf::MessageLite& request,
                                google::protobuf::MessageLite* reply);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_HEDGED_CALL_H_
