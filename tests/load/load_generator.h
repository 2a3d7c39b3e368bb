// A load generator on gRPC's C core. In a closed loop each stream starts its next call when the
// last one has ended; in an open loop calls start at their times, whatever became of the others, as
// those of many independent users do. One thread, one completion queue, one distinct TCP connection
// per channel. It stands on the core rather than on the C++ API to take less of the machine from
// the server it measures.
//
//   LoadGenerator generator(workload);
//   absl::StatusOr<int> target = generator.AddTarget(
//       "127.0.0.1:4000", {.connections = 10, .streams_per_connection = 10});
//   LoadReport report = generator.RunFor(*target, absl::Milliseconds(200));
//
// Connections stay open between runs, so short runs against several targets can alternate.
#pragma once

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/support/time.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/load/latency_histogram.h"
#include "tests/load/workload.h"

namespace weft::load {

struct LoadShape {
  int connections = 1;
  // Calls in flight on each connection.
  int streams_per_connection = 1;
  // Whether calls are given up at their deadline; needed for RunAtRate(), costs the client time.
  bool deadlines = false;
};

// gRPC's status codes are 0 (OK) to 16.
inline constexpr int kStatusCodes = 17;

struct LoadReport {
  // Calls that ended, whatever their status.
  int64_t requests = 0;
  // Of these, by status code; [0] is OK.
  std::array<int64_t, kStatusCodes> by_status{};
  // OK, but of another size than the workload says.
  int64_t wrong_replies = 0;
  // The detail text of the last call that failed.
  std::string last_error;
  // From the first call's start to the last call's end.
  absl::Duration elapsed;
  // In an open loop: calls that could not start, since all streams were in use.
  int64_t not_started = 0;
  // Of calls with status OK; in an open loop from the time when they should have started.
  LatencyHistogram latencies;
};

// Owned and used by one thread. Every function blocks the thread.
class LoadGenerator {
 public:
  explicit LoadGenerator(Workload workload);
  ~LoadGenerator();

  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  // Opens the connections and makes one call to see that the method is served. Returns the target's
  // index. InvalidArgument: the shape; Unavailable: no connection within `connect_timeout`;
  // otherwise the first call's status.
  absl::StatusOr<int> AddTarget(const std::string& address, const LoadShape& shape,
                                absl::Duration connect_timeout = absl::Seconds(10));

  int target_count() const { return static_cast<int>(targets_.size()); }

  // Starts calls for `duration`, then waits for those in flight.
  LoadReport RunFor(int target, absl::Duration duration);

  // Makes `requests` calls.
  LoadReport RunRequests(int target, int64_t requests);

  // An open loop: evenly spaced calls, each with a deadline `timeout` after its start.
  LoadReport RunAtRate(int target, absl::Duration duration, double calls_per_second,
                       absl::Duration timeout);

 private:
  struct Connection;
  struct Stream;
  struct Target {
    std::vector<std::unique_ptr<Connection>> connections;
    std::vector<std::unique_ptr<Stream>> streams;
  };

  absl::Status Connect(const std::string& address, Target& target, absl::Time deadline);
  absl::Status Probe(Target& target);
  // Starts no call once `requests` were started or the monotonic clock is at `end_nanoseconds`.
  LoadReport Run(Target& target, int64_t requests, int64_t end_nanoseconds);
  void Start(Stream& stream, int64_t now_nanoseconds, gpr_timespec deadline);
  void End(Stream& stream, int64_t now_nanoseconds, LoadReport& report);

  const Workload workload_;
  grpc_slice request_;
  grpc_completion_queue* queue_;
  std::vector<std::unique_ptr<Target>> targets_;
};

}  // namespace weft::load
