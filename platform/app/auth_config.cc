#include "platform/app/auth_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/observability/logging/log.h"

namespace weft::app {
namespace {

constexpr observability::Logger kLog("auth");

bool Wanted(const Config& config) { return !config.String("auth.jwt.key_folder").empty(); }

}  // namespace

std::vector<ConfigKey> AuthConfigKeys() {
  const rpc::JwtOptions defaults;
  return {
      {.name = "auth.jwt.key_folder",
       .value = "",
       .help = "folder of the keys that callers' tokens are checked with: <key id>.rs256.pem, "
               ".es256.pem, .hs256.secret; empty: nobody needs a token"},
      {.name = "auth.jwt.issuer", .value = "", .help = "who issues the tokens (their iss)"},
      {.name = "auth.jwt.audience",
       .value = "",
       .help = "what tokens call this service (one of their aud)"},
      {.name = "auth.jwt.leeway",
       .value = defaults.leeway,
       .help = "by how much the clocks of issuer and server may differ",
       .max = absl::Minutes(10)},
      {.name = "auth.jwt.max_token_bytes",
       .value = static_cast<int64_t>(defaults.max_token_bytes),
       .help = "longer tokens are refused unread",
       .min = int64_t{1}},
      {.name = "auth.jwt.reload_interval",
       .value = defaults.reload_interval,
       .help = "how often the folder of keys is read",
       .min = absl::Seconds(1),
       .max = absl::Hours(24)},
      {.name = "auth.jwt.cached_tokens",
       .value = static_cast<int64_t>(defaults.cached_tokens),
       .help = "verified tokens that each shard remembers; 0: none"},
      {.name = "auth.jwt.protect_grpc_services",
       .value = false,
       .help = "whether health and reflection need a token, too"},
      {.name = "auth.ignore_required_scopes",
       .value = false,
       .help = "serve methods that require scopes to anybody, without a key folder; for "
               "development"},
  };
}

absl::StatusOr<std::unique_ptr<rpc::JwtAuthenticator>> MakeAuthenticator(const Config& config,
                                                                         int shards) {
  for (const char* key : {"auth.jwt.issuer", "auth.jwt.audience"}) {
    if (Wanted(config) == !config.String(key).empty()) continue;
    // Better than calls that nobody checks though somebody meant to.
    return absl::InvalidArgumentError(
        Wanted(config) ? absl::StrCat(key, " is empty: auth.jwt.key_folder needs it")
                       : absl::StrCat(key, " is set, but auth.jwt.key_folder is not: set it"));
  }
  if (!Wanted(config)) return nullptr;
  if (config.Bool("auth.ignore_required_scopes")) {
    return absl::InvalidArgumentError(
        "auth.ignore_required_scopes is true, but auth.jwt.key_folder is set: choose one");
  }
  absl::StatusOr<std::unique_ptr<rpc::JwtAuthenticator>> made = rpc::JwtAuthenticator::Create(
      shards, {.key_folder = config.String("auth.jwt.key_folder"),
               .issuer = config.String("auth.jwt.issuer"),
               .audience = config.String("auth.jwt.audience"),
               .leeway = config.Duration("auth.jwt.leeway"),
               .max_token_bytes = config.Int<size_t>("auth.jwt.max_token_bytes"),
               .reload_interval = config.Duration("auth.jwt.reload_interval"),
               .cached_tokens = config.Int<size_t>("auth.jwt.cached_tokens"),
               .protect_grpc_services = config.Bool("auth.jwt.protect_grpc_services"),
               .on_reload_error = [](const absl::Status& status) {
                 kLog.Error("keys of tokens were not read anew: the ones before stay",
                            {{"error", status.ToString()}});
               }});
  if (made.ok()) return made;
  return absl::Status(made.status().code(),
                      absl::StrCat("auth.jwt: ", std::string(made.status().message())));
}

absl::Status CheckRequiredScopes(const Config& config, const std::vector<rpc::Service*>& services) {
  if (Wanted(config)) return absl::OkStatus();
  for (const rpc::Service* const service : services) {
    for (const rpc::Service::Method& method : service->methods()) {
      if (method.descriptor->options.required_scopes.empty()) continue;
      if (config.Bool("auth.ignore_required_scopes")) {
        kLog.Warning("methods that require scopes are open to anybody",
                     {{"method", method.descriptor->name()}});
        return absl::OkStatus();
      }
      return absl::FailedPreconditionError(
          absl::StrCat("auth.jwt.key_folder is empty, but ", method.descriptor->name(),
                       " requires scopes: set it, or auth.ignore_required_scopes for development"));
    }
  }
  return absl::OkStatus();
}

}  // namespace weft::app
