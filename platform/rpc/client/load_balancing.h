// How a channel spreads its calls over the servers of its target, and how it finds and leaves them.
//
// Servers: all addresses that the target resolves to. "dns:///catalog:50051" asks DNS (in
// Kubernetes a headless service answers with all pods), "ipv4:10.0.0.1:50051,10.0.0.2:50051" is a
// static list. DNS is asked again when a connection ends or cannot be made, at most once in
// `dns_interval`; a server that limits the age of its connections so makes its clients find new
// pods.
//
// Ejection is the circuit breaker of each server: one whose calls fail much more often than they
// should gets none for a while, and then some again. It is gRPC's own (gRFC A50, "Outlier
// Detection"), so what it counts is what gRPC sees: every status but OK is a failure, also that of
// a call which this side cancelled. It looks once in each `interval`: a server with `min_calls` in
// it, of which more than `failure_percentage` failed, is ejected for `base_ejection_time` times the
// number of its ejections lately, up to `max_ejection_time`. With five servers or more, one whose
// share of successes is far below the others' is ejected too (1.9 standard deviations below the
// mean, A50's default). One is ejected whatever `max_ejection_percent` says, more only below it; a
// server that is alone with enough calls never is.
//
// gRPC 1.51 in C++ has no least-request policy, so there is none here.
#ifndef WEFT_PLATFORM_RPC_CLIENT_LOAD_BALANCING_H_
#define WEFT_PLATFORM_RPC_CLIENT_LOAD_BALANCING_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weft::rpc {

enum class LoadBalancing {
  kRoundRobin,  // a connection to each server; call by call, in turn
  kPickFirst,   // one connection, to the first server that takes it; the others stand by
};

struct OutlierEjection {
  absl::Duration interval = absl::Seconds(10);
  absl::Duration base_ejection_time = absl::Seconds(30);
  absl::Duration max_ejection_time = absl::Minutes(5);
  int max_ejection_percent = 50;  // 0 to 100
  int failure_percentage = 85;    // 0 to 99
  int min_calls = 20;             // at least 1
};

struct LoadBalancingOptions {
  LoadBalancing policy = LoadBalancing::kRoundRobin;
  // Unset: nobody is ejected. Only with kRoundRobin.
  std::optional<OutlierEjection> ejection = OutlierEjection{};
  absl::Duration dns_interval = absl::Seconds(30);
};

// OK, or INVALID_ARGUMENT naming the field.
absl::Status Validate(const LoadBalancingOptions& options);

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_CLIENT_LOAD_BALANCING_H_
