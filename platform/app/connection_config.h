// The configuration keys of the gRPC server's connections.
#ifndef WEFT_PLATFORM_APP_CONNECTION_CONFIG_H_
#define WEFT_PLATFORM_APP_CONNECTION_CONFIG_H_

#include <vector>

#include "platform/app/config.h"
#include "platform/app/config_key.h"
#include "platform/rpc/server/connection_limits.h"

namespace weft::app {

std::vector<ConfigKey> ConnectionConfigKeys();

rpc::ConnectionLimits ServerConnections(const Config& config);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONNECTION_CONFIG_H_
