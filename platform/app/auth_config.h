// The configuration keys of authentication, and what they mean for the server.
#ifndef WEFT_PLATFORM_APP_AUTH_CONFIG_H_
#define WEFT_PLATFORM_APP_AUTH_CONFIG_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/app/config.h"
#include "platform/app/config_key.h"
#include "platform/rpc/auth/jwt_authenticator.h"
#include "platform/rpc/server/service.h"

namespace weft::app {

std::vector<ConfigKey> AuthConfigKeys();

// Null: nobody is asked for a token. Reads the keys' files. INVALID_ARGUMENT naming the keys that
// do not go together; the errors of rpc::JwtAuthenticator, with the keys they are about.
absl::StatusOr<std::unique_ptr<rpc::JwtAuthenticator>> MakeAuthenticator(const Config& config,
                                                                         int shards);

// FAILED_PRECONDITION naming a method that requires scopes while nobody is asked for a token, and
// what to set.
absl::Status CheckRequiredScopes(const Config& config, const std::vector<rpc::Service*>& services);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_AUTH_CONFIG_H_
