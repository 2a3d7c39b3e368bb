#include "platform/app/platform_keys.h"

#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "platform/app/auth_config.h"
#include "platform/app/channel_config.h"
#include "platform/app/connection_config.h"
#include "platform/app/tls_config.h"
#include "platform/fiber/runtime.h"
#include "platform/rpc/server/server.h"

namespace weft::app {

std::vector<ConfigKey> PlatformConfigKeys() {
  std::vector<ConfigKey> keys = {
      {.name = "grpc.listen",
       .value = "0.0.0.0:50051",
       .help = "address and port on which calls are accepted; port 0 takes a free one"},
      {.name = "grpc.max_receive_message_bytes",
       .value = 4 * 1024 * 1024,
       .help = "a larger request, or reply of another service, fails with RESOURCE_EXHAUSTED",
       .min = 1},
      {.name = "grpc.send_internal_messages",
       .value = false,
       .help = "whether clients read the text of INTERNAL errors; it is in the log in any case"},
      {.name = "grpc.stream_requests_per_second",
       .value = 0.0,
       .help = "how many requests a second of a stream its handler is given; its client is slowed. "
               "0: no limit",
       .min = 0.0,
       .max = 1e6},
      {.name = "grpc.deadline_margin",
       .value = rpc::ServerOptions{}.deadline_margin,
       .help =
           "how long before its client stops waiting a handler is cancelled, at most a tenth of "
           "the time it has",
       .max = absl::Minutes(1)},
      {.name = "grpc.stream_idle_timeout",
       .value = absl::ZeroDuration(),
       .help = "a stream whose handler waits while no message comes or goes for so long ends with "
               "DEADLINE_EXCEEDED; 0: never",
       .max = absl::Hours(24 * 365)},
      {.name = "admission.enabled",
       .value = true,
       .help =
           "whether calls are turned away under overload, so that the others are served in time"},
      {.name = "admission.initial_limit",
       .value = 1000,
       .help = "unary calls in flight on a shard at the start; latency raises and lowers it",
       .min = 4,
       .max = 100'000},
      {.name = "admission.target_delay",
       .value = absl::Milliseconds(5),
       .help = "how long calls may wait for a shard's CPU under overload",
       .min = absl::Milliseconds(1),
       .max = absl::Minutes(1)},
      {.name = "admission.client_calls_per_second",
       .value = 0.0,
       .help =
           "calls a second of one client (its certificate's name, or else its IP address), over "
           "all shards; 0: no limit",
       .min = 0.0},
      {.name = "admission.client_burst",
       .value = 200,
       .help = "calls of one client at once, after a pause",
       .min = 1},
      {.name = "admin.listen",
       .value = "127.0.0.1:8080",
       .help = "address and port of the admin server: probes, metrics, fibers; port 0 takes a free "
               "one. Whoever reaches it sees everything, unless there is a token"},
      {.name = "admin.token_file",
       .value = "",
       .help = "a file with the token that the admin server's pages want, as a bearer token or as "
               "a browser's password; probes and metrics stay open. Empty: no token"},
      {.name = "admin.protect_metrics",
       .value = false,
       .help = "whether /metrics wants the token, too"},
      {.name = "admin.allow_cancel",
       .value = false,
       .help = "whether /debug/fibers has buttons that cancel a fiber; whoever reaches the admin "
               "server can press them"},
      {.name = "admin.record_calls",
       .value = true,
       .help = "whether slow and failed calls are kept for /debug/calls; costs a call 0.1 us"},
      {.name = "shards",
       .value = 0,
       .help = "threads that run fibers; 0 takes the CPU quota of the cgroup, else the CPUs",
       .max = 1024},
      {.name = "fibers.stack_bytes",
       .value = 256 * 1024,
       .help = "virtual size of a fiber's stack; memory is used as far as the stack grows",
       .min = 16 * 1024,
       .max = 64 * 1024 * 1024},
      {.name = "fibers.small_stack_bytes",
       .value = 64 * 1024,
       .help = "the same for calls that fibers.call_stacks calls small",
       .min = 16 * 1024,
       .max = 64 * 1024 * 1024},
      {.name = "fibers.large_stack_bytes",
       .value = 1024 * 1024,
       .help = "the same for calls that fibers.call_stacks calls large",
       .min = 16 * 1024,
       .max = 64 * 1024 * 1024},
      {.name = "fibers.call_stacks",
       .value = "",
       .help = "which stacks calls run on, by kind (unary, streaming) or method, such as "
               "unary=small,shop.v1.Shop/Get=large; default where nothing is said"},
      {.name = "blocking.threads",
       .value = 64,
       .help = "threads at most for code that blocks (weft::Blocking)",
       .min = 1,
       .max = 10'000},
      {.name = "compute.threads",
       .value = 0,
       .help = "threads at most for code that computes (weft::Compute); 0: as shards",
       .max = 1024},
      {.name = "fibers.stall_threshold",
       .value = kDefaultStallThreshold,
       .help = "a fiber that runs longer without parking is logged with its stack; 0 turns it off",
       .max = absl::Hours(1)},
      {.name = "log.level",
       .value = "info",
       .help = "the least severe lines to be logged",
       .choices = {"debug", "info", "warning", "error"}},
      {.name = "log.levels",
       .value = "",
       .help = "the same for single modules (\"module\" of a line), such as "
               "rpc=debug,opentelemetry=error; /debug/log changes them at run time"},
      {.name = "log.repeats_per_second",
       .value = 20,
       .help = "lines a second of one statement of the code, after 200 at once; more are left out "
               "and counted. 0: no limit",
       .max = 1'000'000},
      {.name = "log.access_sample_ratio",
       .value = 0.01,
       .help = "share of the calls that get a line in the log, by trace; 0: none. Failures by the "
               "server's fault are logged in any case",
       .min = 0.0,
       .max = 1.0},
      {.name = "drain.grace",
       .value = absl::Seconds(5),
       .help = "how long calls are still accepted after SIGTERM, while /readyz and health say no",
       .max = absl::Hours(1)},
      {.name = "drain.timeout",
       .value = absl::Seconds(20),
       .help = "how long calls in flight may then take before they are cancelled",
       .max = absl::Hours(1)},
      {.name = "tracing.otlp_endpoint",
       .value = "",
       .help = "where spans go by OTLP, such as http://otel-collector:4318; empty: nowhere"},
      {.name = "tracing.otlp_protocol",
       .value = "http/protobuf",
       .help = "how they go there; the usual port of gRPC is 4317",
       .choices = {"http/protobuf", "grpc"}},
      {.name = "tracing.sample_ratio",
       .value = 0.01,
       .help = "share of the traces begun here that are recorded",
       .min = 0.0,
       .max = 1.0},
      {.name = "tracing.slow_call",
       .value = absl::Seconds(1),
       .help = "calls that take so long are recorded all the same, as are those that fail by this "
               "server's fault",
       .min = absl::Milliseconds(1),
       .max = absl::Hours(1)},
  };
  for (ConfigKey& key : ChannelConfigKeys()) keys.push_back(std::move(key));
  for (ConfigKey& key : ConnectionConfigKeys()) keys.push_back(std::move(key));
  for (ConfigKey& key : TlsConfigKeys()) keys.push_back(std::move(key));
  for (ConfigKey& key : AuthConfigKeys()) keys.push_back(std::move(key));
  return keys;
}

}  // namespace weft::app
