// gRPC's service config (doc/service_config.md in its repository): how a channel balances load, as
// the JSON that its core reads.
#ifndef WEFT_PLATFORM_RPC_INTERNAL_SERVICE_CONFIG_H_
#define WEFT_PLATFORM_RPC_INTERNAL_SERVICE_CONFIG_H_

#include <string>

#include "platform/rpc/client/load_balancing.h"

namespace weft::rpc::internal {

// Requires: Validate(options).
std::string ServiceConfig(const LoadBalancingOptions& options);

}  // namespace weft::rpc::internal

#endif  // WEFT_PLATFORM_RPC_INTERNAL_SERVICE_CONFIG_H_
