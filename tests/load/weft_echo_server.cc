// The echo service as a Weft service: what the benchmarks compare with the hand-written servers.
//
//   weft_echo_server --listen=127.0.0.1:0 --shards=1 --telemetry=off|on
//       --coalesce_replies=off|cork|collect --fair_reads=true|false --admission=on|off
//
// `--telemetry=on` is what a service has by default: metrics, and tracing of 1 % of the calls,
// whose spans are made, serialised and sent to --otlp_endpoint. By default nobody listens there, so
// that no collector is measured. Deadline and cancellation are always on. Prints `LISTENING
// <port>`.

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "platform/base/malloc_settings.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/telemetry.h"
#include "platform/rpc/admission/admission.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/shard_queues.h"
#include "proto/bench/v1/echo.weft.h"
#include "tests/testing/serving_process.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:0", "host:port to serve on");
ABSL_FLAG(int, shards, 1, "shards (threads)");
ABSL_FLAG(std::string, telemetry, "off", "off or on");
ABSL_FLAG(std::string, coalesce_replies, "collect", "off, cork or collect");
ABSL_FLAG(bool, fair_reads, true, "connections are read in turn");
ABSL_FLAG(std::string, admission, "off", "on or off: overload control, as services have it");
ABSL_FLAG(std::string, otlp_endpoint, "http://127.0.0.1:9/v1/traces", "where spans are sent");

namespace bench::v1 {
namespace {

class Echo final : public EchoHandler {
 public:
  absl::StatusOr<EchoReply> Say(weft::CallContext&, const EchoRequest& request) override {
    EchoReply reply;
    reply.set_payload(request.payload());
    return reply;
  }

  absl::StatusOr<SleepReply> Sleep(weft::CallContext&, const SleepRequest& request) override {
    if (absl::Status s = weft::SleepFor(absl::Milliseconds(request.duration_ms())); !s.ok()) {
      return s;
    }
    return SleepReply();
  }

  absl::Status Chat(weft::CallContext&,
                    weft::rpc::ServerStream<EchoRequest, EchoReply>& stream) override {
    EchoRequest request;
    EchoReply reply;
    while (stream.Read(&request)) {
      reply.set_payload(request.payload());
      if (absl::Status s = stream.Write(reply); !s.ok()) return s;
    }
    return stream.status();
  }

  absl::Status Download(weft::CallContext&, const DownloadRequest& request,
                        weft::rpc::ServerWriter<EchoReply>& replies) override {
    EchoReply reply;
    reply.set_payload(std::string(request.payload_bytes(), 'x'));
    for (uint32_t i = 0; i < request.messages(); ++i) {
      if (absl::Status s = replies.Write(reply); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<UploadReply> Upload(weft::CallContext&,
                                     weft::rpc::ServerReader<EchoRequest>& requests) override {
    EchoRequest request;
    UploadReply reply;
    while (requests.Read(&request)) {
      reply.set_messages(reply.messages() + 1);
      reply.set_payload_bytes(reply.payload_bytes() + request.payload().size());
    }
    if (!requests.status().ok()) return requests.status();
    return reply;
  }
};

using weft::observability::Telemetry;

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "weft_echo_server: %s\n", status.ToString().c_str());
  return 1;
}

absl::StatusOr<weft::rpc::CoalesceReplies> CoalesceRepliesFlag() {
  const std::string flag = absl::GetFlag(FLAGS_coalesce_replies);
  if (flag == "off") return weft::rpc::CoalesceReplies::kOff;
  if (flag == "cork") return weft::rpc::CoalesceReplies::kCork;
  if (flag == "collect") return weft::rpc::CoalesceReplies::kCollect;
  return absl::InvalidArgumentError("--coalesce_replies is off, cork or collect");
}

int Serve() {
  const absl::StatusOr<weft::rpc::CoalesceReplies> coalesce_replies = CoalesceRepliesFlag();
  if (!coalesce_replies.ok()) return Fail(coalesce_replies.status());
  weft::testing::ServingProcess process;

  const bool telemetry_on = absl::GetFlag(FLAGS_telemetry) == "on";
  absl::StatusOr<std::unique_ptr<Telemetry>> telemetry =
      Telemetry::Start({.service_name = "weft_echo_server",
                        .metrics = telemetry_on,
                        .log_failed_calls = telemetry_on,
                        .access_sample_ratio = telemetry_on ? 0.01 : 0,
                        .record_calls = telemetry_on,
                        .tracing = telemetry_on,
                        .otlp_endpoint = telemetry_on ? absl::GetFlag(FLAGS_otlp_endpoint) : "",
                        .sample_ratio = 0.01});
  if (!telemetry.ok()) return Fail(telemetry.status());
  const int shards = absl::GetFlag(FLAGS_shards);
  weft::rpc::ShardQueues queues(shards);
  weft::Runtime runtime({.shards = shards,
                         .poller_factory = queues.Pollers(),
                         .observer = (*telemetry)->runtime_observer()});
  Echo echo;
  (*telemetry)->RegisterService(echo);
  std::vector<weft::rpc::ServerInterceptor*> interceptors = (*telemetry)->server_interceptors();
  weft::rpc::Admission admission(shards);
  if (absl::GetFlag(FLAGS_admission) == "on") interceptors.push_back(&admission);
  absl::StatusOr<std::unique_ptr<weft::rpc::Server>> server =
      weft::rpc::Server::Start(runtime, queues,
                               {.listen = {absl::GetFlag(FLAGS_listen)},
                                .coalesce_replies = *coalesce_replies,
                                .connections = {.fair_reads = absl::GetFlag(FLAGS_fair_reads)},
                                .interceptors = std::move(interceptors)},
                               {&echo});
  if (!server.ok()) return Fail(server.status());
  process.AnnouncePort((*server)->ports()[0]);
  process.WaitForTermination();
  const absl::Status stopped = (*server)->Shutdown({.grace = absl::Seconds(1)});
  (*telemetry)->Shutdown(absl::Seconds(1));
  return stopped.ok() ? 0 : 1;
}

}  // namespace
}  // namespace bench::v1

int main(int argc, char** argv) {
  weft::SetUpMalloc();  // as app::Main does
  absl::ParseCommandLine(argc, argv);
  return bench::v1::Serve();
}
