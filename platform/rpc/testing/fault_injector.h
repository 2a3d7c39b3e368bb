// FaultInjector: makes calls slow, fail or lose their connection, by rules that a test sets.
//
//   server.faults().Add({.method = "pricing.v1.Pricing/GetPrice",
//                        .every = 3, .status = absl::UnavailableError("try again")});
//   server.faults().Add({.latency = absl::InfiniteDuration()});    // all calls hang from here on
//   server.faults().Add({.most = 1, .disconnect = true});          // one call loses its connection
//
// A rule says which calls, and what happens to them:
//   1. Which: those of its `method`; of these each `every`-th one since the rule was added; of
//      these a share of `probability`; and no more than `most` in all.
//   2. What, in this order: `latency` parks the call, then `disconnect` ends its connection, or
//      `status` is its answer, details included (error_details.h). With neither the call goes on.
// All rules that hit a call apply, in the order in which they were added, up to the first one that
// ends it. A rule with `after_handler` applies once the handler has done its work and its answer is
// on the way, as when a reply is lost. Messages that a handler has written to a stream are sent.
//
// A call whose client cancels, or whose deadline passes, leaves its latency at once. So an infinite
// latency tests deadlines and cancellation without a sleep, and Remove() lets such calls go on.
//
// Time is that of the server's runtime. `probability` draws from `seed`: on one shard the same
// calls in the same order are hit again.
//
// Faults are injected on the server: clients see what they see of a faulty server. Of a server that
// is not there they see a stopped one (InProcessServer::Stop()).
#ifndef WEFT_PLATFORM_RPC_TESTING_FAULT_INJECTOR_H_
#define WEFT_PLATFORM_RPC_TESTING_FAULT_INJECTOR_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/rpc/server/interceptor.h"

namespace weft::rpc {

struct FaultRule {
  std::string method = "";  // such as "pricing.v1.Pricing/GetPrice"; empty: all methods
  uint64_t every = 1;       // the n-th, the 2n-th …
  double probability = 1;   // 0 … 1
  uint64_t most = std::numeric_limits<uint64_t>::max();

  absl::Duration latency = absl::ZeroDuration();
  // The server's connections end, all of them, as when a network fails: the call's, and those of
  // the calls beside it. Clients see UNAVAILABLE, and connect again for the next call.
  bool disconnect = false;
  absl::Status status = absl::OkStatus();
  bool after_handler = false;
};

// An interceptor of the stage kUser; telemetry sees the faults. Thread-safe: rules may change while
// calls run. No call parks but Intercept().
class FaultInjector final : public ServerInterceptor {
 public:
  // `disconnect` breaks the connections of the server, such as Server::BreakConnections(); without
  // it no rule may ask for that.
  explicit FaultInjector(uint64_t seed = 1, std::function<void()> disconnect = nullptr)
      : disconnect_(std::move(disconnect)), random_(seed) {}

  // Adds a rule behind the others and returns its number. Requires: `every` is not 0 and
  // `probability` from 0 to 1.
  int Add(FaultRule rule);
  // The rule hits no more calls; those that are in its latency go on at once, without its fault.
  // Requires: a number that Add() returned. Idempotent.
  void Remove(int rule);
  // Removes all rules.
  void Clear();
  // How many calls the rule has hit. Also once it was removed.
  uint64_t injected(int rule) const;

  absl::Status Intercept(CallContext& call, Next next) override;

 private:
  struct Rule;

  // The rules that hit a call of `method`, in their order.
  std::vector<std::shared_ptr<Rule>> Hit(absl::string_view method);
  // On the call's fiber. Not nullopt: the call's end.
  std::optional<absl::Status> Apply(Rule& rule, CallContext& call);
  Rule& Find(int rule) const;

  const std::function<void()> disconnect_;
  mutable std::mutex mutex_;                  // of all below
  std::vector<std::shared_ptr<Rule>> rules_;  // removed ones, too; by their number
  std::mt19937_64 random_;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_TESTING_FAULT_INJECTOR_H_
