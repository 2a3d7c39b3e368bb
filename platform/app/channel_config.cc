#include "platform/app/channel_config.h"

#include <string>

#include "absl/time/time.h"
#include "platform/app/tls_config.h"

namespace weft::app {
namespace {

rpc::RetryPolicy ConfiguredRetry(const Config& config) {
  return {.max_attempts = config.Int("channel.retry.max_attempts"),
          .attempt_timeout = config.DurationOrNever("channel.retry.attempt_timeout")};
}

rpc::LoadBalancingOptions ConfiguredLoadBalancing(const Config& config) {
  rpc::LoadBalancingOptions options;
  if (config.String("channel.load_balancing") == "pick_first") {
    options.policy = rpc::LoadBalancing::kPickFirst;
  }
  if (!config.Bool("channel.ejection")) options.ejection.reset();
  return options;
}

}  // namespace

std::vector<ConfigKey> ChannelConfigKeys() {
  return {
      {.name = "channel.retry.max_attempts",
       .value = rpc::RetryPolicy{}.max_attempts,
       .help = "attempts at most at a call of another service, if its method may be sent again; 1: "
               "no retries",
       .min = 1,
       .max = rpc::kMaxAttempts},
      {.name = "channel.retry.attempt_timeout",
       .value = absl::ZeroDuration(),
       .help = "how long one attempt at such a call may take; 0: as long as the call",
       .max = absl::Hours(1)},
      {.name = "channel.load_balancing",
       .value = "round_robin",
       .help = "how calls are spread over the servers that a target's name has",
       .choices = {"round_robin", "pick_first"}},
      {.name = "channel.ejection",
       .value = true,
       .help = "whether a server most of whose calls fail gets none for a while, if there are "
               "others"},
      {.name = "channel.keepalive.time",
       .value = rpc::ChannelKeepalive{}.time,
       .help = "how long a connection may wait for the other side, with calls on it, until it is "
               "asked by a ping",
       .min = absl::Seconds(1),
       .max = absl::Hours(24)},
      {.name = "channel.keepalive.timeout",
       .value = rpc::ChannelKeepalive{}.timeout,
       .help = "how long a ping, or what was sent, may stay unacknowledged until a connection "
               "counts as broken",
       .min = absl::Milliseconds(100),
       .max = absl::Hours(1)},
      {.name = "channel.warm_up",
       .value = absl::Seconds(1),
       .help = "how long the start waits for connections to other services before /readyz says "
               "yes; 0: not at all",
       .max = absl::Minutes(10)},
  };
}

rpc::ChannelOptions ConfiguredChannel(const Config& config) {
  return {.tls = ChannelTls(config),
          .max_receive_message_bytes = config.Int("grpc.max_receive_message_bytes"),
          .retry = ConfiguredRetry(config),
          .load_balancing = ConfiguredLoadBalancing(config),
          .keepalive = {.time = config.Duration("channel.keepalive.time"),
                        .timeout = config.Duration("channel.keepalive.timeout")}};
}

}  // namespace weft::app
