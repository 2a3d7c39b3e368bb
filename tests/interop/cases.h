// The client's half of gRPC's interoperability tests (github.com/grpc/grpc,
// doc/interop-test-descriptions.md). Each case is plain blocking code on a fiber; its status is OK,
// or tells what was expected and what came.
#ifndef WEFT_TESTS_INTEROP_CASES_H_
#define WEFT_TESTS_INTEROP_CASES_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/rpc/client/channel.h"

namespace weft::interop {

struct SoakOptions {
  int iterations = 10;
  int max_failures = 0;
  absl::Duration max_latency = absl::Seconds(1);  // of one call; longer counts as a failure
  absl::Duration min_between_calls = absl::ZeroDuration();
  absl::Duration timeout = absl::Seconds(10);  // of all
};

// What a case runs on.
struct Peer {
  // A new channel, with a connection of its own.
  std::function<absl::StatusOr<std::shared_ptr<rpc::Channel>>()> connect;
  std::shared_ptr<rpc::Channel> channel;
  SoakOptions soak = {};
};

using Case = std::function<absl::Status(Peer& peer)>;
using Cases = std::map<std::string, Case>;

// By the names of the specification.
Cases AllCases();

// The parts of AllCases().
void AddUnaryCases(Cases& cases);
void AddStreamCases(Cases& cases);
void AddCompressionCases(Cases& cases);
void AddSoakCases(Cases& cases);

}  // namespace weft::interop

#endif  // WEFT_TESTS_INTEROP_CASES_H_
