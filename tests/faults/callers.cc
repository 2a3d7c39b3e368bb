// Well-behaved clients: loops of calls, each with a payload of its own that must come back.
//
//   callers --target=127.0.0.1:4000 --connections=4 --loops=8
//
// Reads "report" or "mark", one a line, and prints a line of JSON (call_counts.h) for each; "mark"
// marks behind it. At the end of its input it prints a last one, when all calls have ended.
//
// With --storm it makes that many calls at once instead, whose handlers sleep and whose deadlines
// all pass at the same time; prints one report, whose `max_ms` counts from the deadline, and ends.
#include <atomic>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "platform/base/check.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/client/channel.h"
#include "platform/rpc/shard_queues.h"
#include "proto/bench/v1/echo.weft.h"
#include "tests/faults/call_counts.h"

ABSL_FLAG(std::string, target, "", "the server's address");
ABSL_FLAG(int, connections, 4, "each a channel of its own");
ABSL_FLAG(int, loops, 8, "calls in flight on each connection");
ABSL_FLAG(double, rate, 0, "calls a second over all loops; 0: one after the other");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(20), "of each call");
ABSL_FLAG(bool, fresh, false, "a new connection for each call");
ABSL_FLAG(int, storm, 0, "calls whose deadlines pass at once");
ABSL_FLAG(std::string, tls_ca, "", "TLS: who may sign the server's certificate");
ABSL_FLAG(std::string, tls_certificate, "", "mutual TLS: these clients' certificate");
ABSL_FLAG(std::string, tls_key, "", "mutual TLS: its key");

namespace weft::faults {
namespace {

using bench::v1::EchoReply;
using bench::v1::EchoRequest;
using ChannelPointer = std::shared_ptr<rpc::Channel>;

ChannelPointer NewChannel() {
  rpc::ChannelOptions options;
  options.own_connection = true;
  // What became of a call must not be hidden by another attempt.
  options.retry.max_attempts = 1;
  if (!absl::GetFlag(FLAGS_tls_ca).empty()) {
    options.tls = rpc::TlsChannelOptions{
        .ca_file = absl::GetFlag(FLAGS_tls_ca),
        .certificate_file = absl::GetFlag(FLAGS_tls_certificate),
        .private_key_file = absl::GetFlag(FLAGS_tls_key),
        .server_name = "localhost",
    };
  }
  auto channel = rpc::Channel::Create(absl::GetFlag(FLAGS_target), options);
  Check(channel.ok(), "the callers have no channel: see --target and --tls_...");
  return *std::move(channel);
}

class Callers {
 public:
  explicit Callers(CallCounts& counts) : counts_(counts) {}

  // Parks until `stop`, and all calls have ended.
  void CallInLoops(const std::atomic<bool>& stop) {
    const int connections = absl::GetFlag(FLAGS_connections);
    const int loops = absl::GetFlag(FLAGS_loops);
    const double rate = absl::GetFlag(FLAGS_rate);
    const absl::Duration interval =
        rate > 0 ? absl::Seconds(connections * loops / rate) : absl::ZeroDuration();
    TaskGroup group;
    for (int c = 0; c < connections; ++c) {
      const ChannelPointer channel = NewChannel();
      for (int i = 0; i < loops; ++i) {
        // Spread over the interval, so that the calls do not come in bursts.
        const absl::Time begin = Now() + interval * (c * loops + i) / (connections * loops);
        group.Spawn([&, channel, begin, interval, id = absl::StrCat(c, "/", i, "/")] {
          absl::Time next = begin;
          for (int64_t n = 0; !stop.load(); ++n, next += interval) {
            if (!weft::SleepUntil(next).ok()) return;
            const ChannelPointer used = absl::GetFlag(FLAGS_fresh) ? NewChannel() : channel;
            const absl::Status said = Say(used, absl::StrCat(id, n));
            // A refusal comes at once; a person would not call again at once.
            if (!said.ok() && !weft::SleepFor(absl::Milliseconds(5)).ok()) return;
          }
        });
      }
    }
    Check(group.Wait().ok(), "a loop of calls failed");
  }

  // Parks until the storm is over.
  void Storm(int calls) {
    std::vector<ChannelPointer> channels;
    for (int i = 0; i < absl::GetFlag(FLAGS_connections); ++i) channels.push_back(NewChannel());
    const absl::Time deadline = Now() + absl::GetFlag(FLAGS_timeout);
    TaskGroup group;
    for (int i = 0; i < calls; ++i) {
      const ChannelPointer& channel = channels[static_cast<size_t>(i) % channels.size()];
      group.Spawn([this, &channel, deadline] {
        bench::v1::SleepRequest request;
        request.set_duration_ms(3'600'000);
        rpc::CallOptions options;
        options.deadline = deadline;
        options.wait_for_ready = true;
        counts_.Begin();
        const absl::Status status = bench::v1::EchoClient(channel).Sleep(request, options).status();
        counts_.End(status, Now() - deadline);
      });
    }
    Check(group.Wait().ok(), "a call of the storm failed");
    Say(channels[0], "after the storm").IgnoreError();
  }

 private:
  absl::Status Say(const ChannelPointer& channel, const std::string& payload) {
    EchoRequest request;
    request.set_payload(payload);
    rpc::CallOptions options;
    options.timeout = absl::GetFlag(FLAGS_timeout);
    counts_.Begin();
    const absl::Time begin = Now();
    const absl::StatusOr<EchoReply> reply = bench::v1::EchoClient(channel).Say(request, options);
    absl::Status status = reply.status();
    if (reply.ok() && reply->payload() != payload) {
      status = absl::DataLossError(absl::StrCat("'", payload, "' was answered with another's"));
    }
    counts_.End(status, Now() - begin);
    return status;
  }

  CallCounts& counts_;
};

void PrintReport(CallCounts& counts) {
  std::puts(counts.TakeReport().c_str());
  std::fflush(stdout);
}

void Main() {
  CallCounts counts;
  rpc::ShardQueues queues(1);
  Runtime runtime({.shards = 1, .poller_factory = queues.Pollers()});
  Callers callers(counts);
  if (const int storm = absl::GetFlag(FLAGS_storm); storm > 0) {
    runtime.Run([&] { callers.Storm(storm); });
    PrintReport(counts);
    return;
  }
  std::atomic<bool> stop{false};
  std::thread calling([&] { runtime.Run([&] { callers.CallInLoops(stop); }); });
  for (std::string line; std::getline(std::cin, line);) {
    PrintReport(counts);
    if (line == "mark") counts.Mark();
  }
  stop = true;
  calling.join();
  PrintReport(counts);
}

}  // namespace
}  // namespace weft::faults

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  weft::faults::Main();
}
