// A server with a known capacity, for `./weft bench overload`: one shard whose method Say either
// computes, or holds one of a few places of something that is slower than the shard.
//
//   overload_server --listen=127.0.0.1:0 --work=compute|places --admission=on|off
//
// Prints `LISTENING <port>`.
#include <time.h>

#include <cstdio>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/semaphore.h"
#include "platform/rpc/admission/admission.h"
#include "platform/rpc/server/server.h"
#include "platform/rpc/shard_queues.h"
#include "proto/bench/v1/echo.weft.h"
#include "tests/testing/serving_process.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:0", "host:port to serve on");
ABSL_FLAG(std::string, work, "compute", "compute or places");
ABSL_FLAG(std::string, admission, "on", "on or off");
ABSL_FLAG(absl::Duration, service_time, absl::Milliseconds(1), "of one call");
ABSL_FLAG(size_t, places, 4, "calls that --work=places serves at once");

namespace bench::v1 {
namespace {

// Processor time, so that the capacity does not depend on who else uses the machine.
void Compute(absl::Duration time) {
  const auto now = [] {
    timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return absl::DurationFromTimespec(spent);
  };
  const absl::Duration end = now() + time;
  while (now() < end) {
  }
}

class Echo final : public EchoHandler {
 public:
  absl::StatusOr<EchoReply> Say(weft::CallContext&, const EchoRequest& request) override {
    if (compute_) {
      Compute(service_time_);
    } else if (absl::Status s = HoldPlace(); !s.ok()) {
      return s;
    }
    EchoReply reply;
    reply.set_payload(request.payload());
    return reply;
  }

 private:
  absl::Status HoldPlace() {
    if (absl::Status s = places_.Acquire(); !s.ok()) return s;
    absl::Status slept = weft::SleepFor(service_time_);
    places_.Release();
    return slept;
  }

  const bool compute_ = absl::GetFlag(FLAGS_work) == "compute";
  const absl::Duration service_time_ = absl::GetFlag(FLAGS_service_time);
  weft::Semaphore places_{absl::GetFlag(FLAGS_places)};
};

int Serve() {
  weft::testing::ServingProcess process;

  weft::rpc::ShardQueues queues(1);
  weft::Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  weft::rpc::Admission admission(1);
  Echo echo;
  weft::rpc::ServerOptions options = {.listen = {absl::GetFlag(FLAGS_listen)}};
  if (absl::GetFlag(FLAGS_admission) == "on") options.interceptors = {&admission};
  auto server = weft::rpc::Server::Start(runtime, queues, options, {&echo});
  if (!server.ok()) {
    std::fprintf(stderr, "overload_server: %s\n", server.status().ToString().c_str());
    return 1;
  }
  process.AnnouncePort((*server)->ports()[0]);
  process.WaitForTermination();
  return (*server)->Shutdown({.grace = absl::Seconds(1)}).ok() ? 0 : 1;
}

}  // namespace
}  // namespace bench::v1

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return bench::v1::Serve();
}
