// The same call many times over: on one channel, or on a new channel each time.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/testing/test.weft.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "tests/interop/cases.h"
#include "tests/interop/expect.h"

namespace weft::interop {
namespace {

absl::Status OneCall(std::shared_ptr<rpc::Channel> channel, absl::Duration max_latency) {
  grpc::testing::SimpleRequest request;
  request.set_response_size(314159);
  request.mutable_payload()->set_body(std::string(271828, '\0'));
  const absl::Time start = weft::Now();
  const auto response = grpc::testing::TestServiceClient(std::move(channel)).UnaryCall(request);
  if (!response.ok()) return response.status();
  const absl::Duration latency = weft::Now() - start;
  WEFT_INTEROP_TRY(ExpectPayload(response->payload().body(), 314159));
  if (latency <= max_latency) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the call took ", absl::FormatDuration(latency)));
}

absl::Status Soak(Peer& peer, bool new_channels) {
  const SoakOptions& options = peer.soak;
  CancelScope scope({.deadline = weft::Now() + options.timeout});
  int failures = 0;
  absl::Status last;
  for (int i = 0; i < options.iterations; ++i) {
    const absl::Time next = weft::Now() + options.min_between_calls;
    if (new_channels) {
      absl::StatusOr<std::shared_ptr<rpc::Channel>> channel = peer.connect();
      if (!channel.ok()) return channel.status();
      peer.channel = *std::move(channel);
    }
    const absl::Status status = OneCall(peer.channel, options.max_latency);
    if (scope.cancelled()) {
      return absl::DeadlineExceededError(
          absl::StrCat("only ", i, " of ", options.iterations, " calls ended in time"));
    }
    if (!status.ok()) {
      ++failures;
      last = status;
    }
    WEFT_INTEROP_TRY(weft::SleepUntil(next));
  }
  if (failures <= options.max_failures) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(failures, " of ", options.iterations,
                                          " calls failed; the last one: ", last.ToString()));
}

}  // namespace

void AddSoakCases(Cases& cases) {
  cases["rpc_soak"] = [](Peer& peer) { return Soak(peer, false); };
  cases["channel_soak"] = [](Peer& peer) { return Soak(peer, true); };
}

Cases AllCases() {
  Cases cases;
  AddUnaryCases(cases);
  AddStreamCases(cases);
  AddCompressionCases(cases);
  AddSoakCases(cases);
  return cases;
}

}  // namespace weft::interop
