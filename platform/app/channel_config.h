// The configuration keys of calls to other services, and what they mean for channels.
#ifndef WEFT_PLATFORM_APP_CHANNEL_CONFIG_H_
#define WEFT_PLATFORM_APP_CHANNEL_CONFIG_H_

#include <vector>

#include "platform/app/config.h"
#include "platform/app/config_key.h"
#include "platform/rpc/client/channel.h"

namespace weft::app {

// Those of TLS are in tls_config.h.
std::vector<ConfigKey> ChannelConfigKeys();

// All but the interceptors.
rpc::ChannelOptions ConfiguredChannel(const Config& config);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CHANNEL_CONFIG_H_
