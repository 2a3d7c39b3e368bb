#include "platform/rpc/internal/hedged_call.h"

#include <memory>
#include <optional>
#include <utility>

#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/task_group.h"
#include "platform/rpc/internal/channel_retries.h"
#include "platform/rpc/internal/hedge_delay.h"
#include "platform/rpc/internal/unary_attempts.h"

namespace weft::rpc::internal {
namespace {

using google::protobuf::MessageLite;

// The second attempt, on a fiber of its own. What it receives is its own until it has won.
class Hedge {
 public:
  Hedge(OuterCall& call, const MessageLite& request, const MessageLite& reply)
      : call_(call), request_(request), options_(call.options()), reply_(reply.New()) {
    if (options_.initial_metadata != nullptr) options_.initial_metadata = &initial_metadata_;
    if (options_.trailing_metadata != nullptr) options_.trailing_metadata = &trailing_metadata_;
    if (options_.reply_was_compressed != nullptr) {
      options_.reply_was_compressed = &reply_was_compressed_;
    }
  }

  // Cancels `first` when it has won.
  void Run(absl::Duration delay, CancelScope& first) {
    if (!weft::SleepFor(delay).ok()) return;
    if (!call_.channel().retries().TakeHedge()) return;
    under_way_ = true;
    succeeded_ = MakeHedge(call_, options_, request_, reply_.get()).ok();
    under_way_ = false;
    if (succeeded_) first.Cancel(CancelCause::kSiblingSucceeded);
  }

  bool under_way() const { return under_way_; }
  bool succeeded() const { return succeeded_; }
  void HandOver(MessageLite* reply) {
    const CallOptions& asked = call_.options();
    if (asked.initial_metadata != nullptr) *asked.initial_metadata = std::move(initial_metadata_);
    if (asked.trailing_metadata != nullptr) {
      *asked.trailing_metadata = std::move(trailing_metadata_);
    }
    if (asked.reply_was_compressed != nullptr) *asked.reply_was_compressed = reply_was_compressed_;
    reply->Clear();
    reply->CheckTypeAndMergeFrom(*reply_);
  }

 private:
  OuterCall& call_;
  const MessageLite& request_;
  CallOptions options_;
  const std::unique_ptr<MessageLite> reply_;
  Metadata initial_metadata_;
  Metadata trailing_metadata_;
  bool reply_was_compressed_ = false;
  bool under_way_ = false;
  bool succeeded_ = false;
};

// Whether the other attempt may do better, as A6 has it of hedges.
bool MayDoBetter(const absl::Status& status, const OuterCall& call) {
  const CancelScope* const scope = CancelScope::Current();
  if (scope != nullptr && scope->cancelled()) return false;
  return call.channel().retries().IsRetryable(status.code());
}

absl::Status RunBoth(OuterCall& call, absl::Duration delay, const MessageLite& request,
                     MessageLite* reply) {
  Hedge hedge(call, request, *reply);
  absl::Status status;
  TaskGroup group({.on_failure = OnFailure::kWaitForAll});
  {
    CancelScope first({.name = "first attempt"});
    group.Spawn("hedge", [&] { hedge.Run(delay, first); });
    status = MakeAttempts(call, request, reply);
    // Before the scope is gone: a hedge that succeeds from here on must not touch it.
    if (status.ok() || !hedge.under_way() || !MayDoBetter(status, call)) {
      group.Cancel(CancelCause::kSiblingSucceeded);
    }
    group.Wait().IgnoreError();
  }
  if (status.ok() || !hedge.succeeded()) return status;
  hedge.HandOver(reply);
  return absl::OkStatus();
}

}  // namespace

bool IsHedged(const OuterCall& call) {
  return call.method().options.retry == Retry::kHedge && call.repeatable() &&
         call.channel().options().retry.hedge_delay != absl::InfiniteDuration() &&
         call.channel().options().retry.max_attempts > 1;
}

absl::Status MakeHedgedAttempts(OuterCall& call, const MessageLite& request, MessageLite* reply) {
  LatencyPercentile& usual = call.channel().hedge_delays().Of(call.method());
  const absl::Duration configured = call.channel().options().retry.hedge_delay;
  const std::optional<absl::Duration> delay =
      configured == absl::ZeroDuration() ? usual.Get() : configured;
  const absl::Time start = weft::Now();
  absl::Status status = delay.has_value() ? RunBoth(call, *delay, request, reply)
                                          : MakeAttempts(call, request, reply);
  usual.Add(weft::Now() - start);
  return status;
}

}  // namespace weft::rpc::internal
