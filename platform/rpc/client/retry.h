// RetryPolicy: when a channel sends a unary call again that failed.
//
//   auto channel = rpc::Channel::Create("dns:///catalog:50051",
//                                       {.retry = {.attempt_timeout = absl::Milliseconds(200)}});
//
// It is on by default. The rules, from gRPC's proposal A6 (client retries) where no other source is
// named:
// - An attempt is followed by another one when it failed with one of `codes`, or with
//   RESOURCE_EXHAUSTED and a wish of the server when to come again (below); or with
//   DEADLINE_EXCEEDED, if it had an `attempt_timeout` and the call has time left.
// - Only methods whose `idempotency_level` says that a second run does no harm
//   (proto/weft/options.proto), and never those with `retry: NEVER`. Other methods are sent again
//   only after an UNAVAILABLE of a call that gRPC had not given to any connection, as when nobody
//   listens: then no handler has seen it. Once a connection has it, gRPC does not tell how far it
//   came, so that is the end. (With a target that is an address with its scheme, "ipv4:…",
//   "ipv6:…" or "unix:…", gRPC does not tell this either.)
// - Not when the call switches it off (CallOptions::retry), was cancelled, or when the wait would
//   pass its deadline: then the caller gets the last attempt's status, at once.
// - Streams are never sent again: their messages are not kept.
//
// The wait before attempt n+1 is random between nothing and
// min(max_backoff, initial_backoff * backoff_multiplier^(n-1)): "full jitter" of the AWS
// architecture blog, "Exponential Backoff And Jitter". It parks the fiber and is a cancel point. A
// server can say better: the trailing metadata "grpc-retry-pushback-ms" gives the wait, and after
// it the backoff begins anew; a negative number, or anything else, says not to come again.
//
// Methods with `retry: HEDGE` do not wait for a failure: when the first attempt is still under way
// after `hedge_delay`, a second one is made beside it (on another server, where there are several:
// load_balancing.h). The first success is the call's, and the other attempt is cancelled. Of two
// failures the first attempt's is. The default delay is the 95th percentile of the latencies that
// the method had on the channel (Dean, Barroso: "The Tail at Scale", Communications of the ACM 56,
// 2013), known after the first 20 calls. A hedge takes a token of the budget below, and is not made
// when nothing may be sent again.
//
// The budget keeps retries from making an overload worse. A channel has tokens, for all its methods
// and shards: an attempt that fails with a code above, or is told not to come again, takes one; a
// success puts `budget_ratio` back. At half of `budget_tokens` or less nothing is sent again. So a
// server that always fails gets four retries at most and then each call once, and whatever share
// of the attempts fails, there are at most budget_tokens/2 + budget_ratio * successes retries: in
// the long run 1.1 attempts a call. Each layer of services adds its own: 1.1 of 1.1.
//
// An attempt tells the server how many were before it: "grpc-previous-rpc-attempts". It has a span
// and metrics of its own; interceptor.h says who sees attempts and who sees calls.
#ifndef WEFT_PLATFORM_RPC_CLIENT_RETRY_H_
#define WEFT_PLATFORM_RPC_CLIENT_RETRY_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weft::rpc {

struct RetryPolicy {
  int max_attempts = 3;  // with the first; 1: no retries
  // The defaults are those of A6's example.
  absl::Duration initial_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(1);
  double backoff_multiplier = 2;
  std::vector<absl::StatusCode> codes = {absl::StatusCode::kUnavailable};
  // How long one attempt may take, within the deadline of the call; the last one too. Only for
  // calls that may be sent again.
  absl::Duration attempt_timeout = absl::InfiniteDuration();
  // 0: measured. For methods with `retry: HEDGE`; infinite: none is hedged.
  absl::Duration hedge_delay = absl::ZeroDuration();
  double budget_tokens = 10;
  double budget_ratio = 0.1;
};

// A6 allows no more.
inline constexpr int kMaxAttempts = 5;

// What a channel has left for sending calls again.
struct RetryBudgetStats {
  double left = 1;               // share of budget_tokens; at a half or less nothing is sent again
  uint64_t exhausted_total = 0;  // retries and hedges that were not made for want of tokens
};

// OK, or INVALID_ARGUMENT naming the field.
absl::Status Validate(const RetryPolicy& policy);

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_CLIENT_RETRY_H_
