#include "platform/rpc/client/channel.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <algorithm>
#include <random>
#include <stop_token>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/base/clock.h"
#include "platform/fiber/blocking.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/internal/channel_retries.h"
#include "platform/rpc/internal/hedge_delay.h"
#include "platform/rpc/internal/service_config.h"
#include "platform/rpc/internal/timespec.h"
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

// A cancelled Connect() returns after one.
constexpr int64_t kConnectSliceNanos = 100'000'000;

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

// Watches a channel's connections on a queue of its own: gRPC gets on with them while somebody
// waits in a queue, and its work is too deep for a fiber's stack.
absl::Status WaitForConnection(const Channel& channel, absl::Time deadline, const Clock& clock,
                               const std::stop_token& stop) {
  const int64_t deadline_nanos = clock.ToMonotonicNanos(deadline);
  grpc_completion_queue* const queue = grpc_completion_queue_create_for_next(nullptr);
  grpc_connectivity_state state = GRPC_CHANNEL_IDLE;
  while (!stop.stop_requested()) {
    state = grpc_channel_check_connectivity_state(channel.core(), /*try_to_connect=*/1);
    if (state == GRPC_CHANNEL_READY || clock.MonotonicNanos() >= deadline_nanos) break;
    const gpr_timespec slice_end = gpr_time_min(
        internal::ToTimespec(deadline_nanos, clock),
        internal::ToTimespec(Clock::Real().MonotonicNanos() + kConnectSliceNanos, Clock::Real()));
    grpc_channel_watch_connectivity_state(channel.core(), state, slice_end, queue, nullptr);
    grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), nullptr);
  }
  grpc_completion_queue_shutdown(queue);
  grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), nullptr);
  grpc_completion_queue_destroy(queue);
  if (state == GRPC_CHANNEL_READY) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(
      "no connection to '", channel.target(), "' in time: ",
      state == GRPC_CHANNEL_TRANSIENT_FAILURE ? "none can be made" : "it is still being made"));
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
  if (absl::Status s = Validate(options.load_balancing); !s.ok()) return s;
  if (options.keepalive.time <= absl::ZeroDuration() ||
      options.keepalive.timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("keepalive.time and keepalive.timeout must be above 0");
  }
  if (options.tls.has_value()) {
    if (absl::Status s = Validate(*options.tls); !s.ok()) return s;
  }
  SortForClient(options.interceptors);
  grpc_init();
  const std::string service_config = internal::ServiceConfig(options.load_balancing);
  std::vector<grpc_arg> args = {
      IntegerArg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, options.max_receive_message_bytes),
      IntegerArg(GRPC_ARG_ENABLE_RETRIES, 0),  // Retries stand above gRPC.
      IntegerArg(GRPC_ARG_ENABLE_CHANNELZ, 0),
      TextArg(GRPC_ARG_SERVICE_CONFIG, service_config),
      // A TXT record must not decide what this process does.
      IntegerArg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
      IntegerArg(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS,
                 internal::ToMillis(options.load_balancing.dns_interval)),
      IntegerArg(GRPC_ARG_KEEPALIVE_TIME_MS, internal::ToMillis(options.keepalive.time)),
      IntegerArg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, internal::ToMillis(options.keepalive.timeout)),
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
      hedge_delays_(std::make_unique<internal::HedgeDelays>()),
      core_(core) {}

Channel::~Channel() {
  grpc_channel_destroy(core_);
  grpc_shutdown();
}

RetryBudgetStats Channel::RetryBudget() const { return retries_->BudgetStats(); }

absl::Status Channel::Connect(absl::Time deadline) {
  if (!OnFiber()) return WaitForConnection(*this, deadline, Clock::Real(), {});
  const Clock& clock = Runtime::Current()->clock();
  const absl::Status status = Blocking(
      [&](std::stop_token stop) { return WaitForConnection(*this, deadline, clock, stop); });
  const CancelScope* const scope = CancelScope::Current();
  return !status.ok() && scope != nullptr && scope->cancelled() ? scope->status() : status;
}

}  // namespace weft::rpc
