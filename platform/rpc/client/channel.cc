#include "platform/rpc/client/channel.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "platform/rpc/internal/channel_retries.h"
#include "platform/rpc/internal/tls_credentials.h"

namespace weft::rpc {
namespace {

grpc_arg IntegerArg(const char* key, int value) {
  grpc_arg arg = {};
  arg.type = GRPC_ARG_INTEGER;
  arg.key = const_cast<char*>(key);
  arg.value.integer = value;
  return arg;
}

grpc_arg TextArg(const char* key, const std::string& value) {
  grpc_arg arg = {};
  arg.type = GRPC_ARG_STRING;
  arg.key = const_cast<char*>(key);
  arg.value.string = const_cast<char*>(value.c_str());  // Only read.
  return arg;
}

size_t CountOuter(const std::vector<ClientInterceptor*>& sorted) {
  const auto first_inner = std::find_if(
      sorted.begin(), sorted.end(),
      [](const ClientInterceptor* interceptor) { return !SeesWholeCalls(interceptor->stage()); });
  return static_cast<size_t>(first_inner - sorted.begin());
}

uint64_t JitterSeed() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

grpc_channel_credentials* MakeCredentials(const ChannelOptions& options) {
  return options.tls.has_value() ? internal::MakeTlsChannelCredentials(*options.tls)
                                 : grpc_insecure_credentials_create();
}

}  // namespace

absl::StatusOr<std::shared_ptr<Channel>> Channel::Create(std::string target,
                                                         ChannelOptions options) {
  if (target.empty()) {
    return absl::InvalidArgumentError(
        "a channel needs a target, such as 'dns:///catalog:50051' or '127.0.0.1:50051'");
  }
  if (absl::Status s = Validate(options.retry); !s.ok()) return s;
  if (options.tls.has_value()) {
    if (absl::Status s = Validate(*options.tls); !s.ok()) return s;
  }
  SortForClient(options.interceptors);
  grpc_init();
  std::vector<grpc_arg> args = {
      IntegerArg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, options.max_receive_message_bytes),
      IntegerArg(GRPC_ARG_ENABLE_RETRIES, 0),  // Retries stand above gRPC.
      IntegerArg(GRPC_ARG_ENABLE_CHANNELZ, 0),
      IntegerArg(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, options.own_connection ? 1 : 0),
      // gRPC itself keeps $http_proxy from "unix:" alone.
      IntegerArg(GRPC_ARG_ENABLE_HTTP_PROXY, absl::StartsWith(target, "unix-abstract:") ? 0 : 1),
  };
  if (options.tls.has_value() && !options.tls->server_name.empty()) {
    args.push_back(TextArg(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, options.tls->server_name));
  }
  const grpc_channel_args channel_args = {args.size(), args.data()};
  grpc_channel_credentials* const credentials = MakeCredentials(options);
  grpc_channel* const core = grpc_channel_create(target.c_str(), credentials, &channel_args);
  grpc_channel_credentials_release(credentials);
  return std::shared_ptr<Channel>(new Channel(std::move(target), std::move(options), core));
}

Channel::Channel(std::string target, ChannelOptions options, grpc_channel* core)
    : target_(std::move(target)),
      options_(std::move(options)),
      outer_interceptors_(CountOuter(options_.interceptors)),
      retries_(std::make_unique<internal::ChannelRetries>(options_.retry, JitterSeed())),
      core_(core) {}

Channel::~Channel() {
  grpc_channel_destroy(core_);
  grpc_shutdown();
}

}  // namespace weft::rpc
