// Reads a JSON configuration file against declared keys. Internal to config.cc.
#ifndef WEFT_PLATFORM_APP_CONFIG_FILE_H_
#define WEFT_PLATFORM_APP_CONFIG_FILE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/app/config_key.h"

namespace weft::app {

// The values that `text`, the content of `file`, sets. Errors: INVALID_ARGUMENT, as LoadConfig.
absl::StatusOr<std::map<std::string, ConfigValue>> ParseConfigText(
    const std::vector<ConfigKey>& keys, absl::string_view file, absl::string_view text);

// The content of `file`. Blocks the thread. Errors as LoadConfig.
absl::StatusOr<std::string> ReadConfigFile(const std::string& file);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONFIG_FILE_H_
