// The configuration keys of TLS, and what they mean for servers and channels.
#ifndef WEFT_PLATFORM_APP_TLS_CONFIG_H_
#define WEFT_PLATFORM_APP_TLS_CONFIG_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "platform/app/config.h"
#include "platform/app/config_key.h"
#include "platform/rpc/tls.h"

namespace weft::app {

std::vector<ConfigKey> TlsConfigKeys();

// Empty: plaintext.
std::optional<rpc::TlsServerOptions> ServerTls(const Config& config);
std::optional<rpc::TlsChannelOptions> ChannelTls(const Config& config);

// INVALID_ARGUMENT naming the keys that do not go together; the errors of rpc::Validate, with the
// keys they are about. Reads the files.
absl::Status CheckTls(const Config& config);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_TLS_CONFIG_H_
