// The configuration keys that every service has, whatever it does.
#ifndef WEFT_PLATFORM_APP_PLATFORM_KEYS_H_
#define WEFT_PLATFORM_APP_PLATFORM_KEYS_H_

#include <vector>

#include "platform/app/config_key.h"

namespace weft::app {

std::vector<ConfigKey> PlatformConfigKeys();

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_PLATFORM_KEYS_H_
