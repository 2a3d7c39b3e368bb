// What gRPC's server is told when it is built.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_CORE_SERVER_ARGS_H_
#define WEFT_PLATFORM_RPC_INTERNAL_CORE_SERVER_ARGS_H_

#include "platform/rpc/server/connection_limits.h"

namespace grpc {
class ServerBuilder;
}  // namespace grpc

namespace weft::rpc::internal {

// All but ConnectionLimits::max_connections, which is the Acceptor's.
void AddCoreServerArgs(const ConnectionLimits& limits, grpc::ServerBuilder* builder);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_CORE_SERVER_ARGS_H_
