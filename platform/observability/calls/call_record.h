// CallRecord: one call that this process served or serves, with its timeline, as a person is shown
// it. What CallRecorder hands out.
//
//   accepted ── the fiber's turn, interceptors ──▶ handler ── calls to others ──▶ ended
//   0           handler_nanos (-1: it never came to that)                        duration_nanos
#ifndef WEFT_PLATFORM_OBSERVABILITY_CALLS_CALL_RECORD_H_
#define WEFT_PLATFORM_OBSERVABILITY_CALLS_CALL_RECORD_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weft::observability {

// Calls to other services that are told of one call: the latest ones; older ones are counted.
inline constexpr size_t kMaxChildCalls = 32;
// Bytes of a status' message, or of a method's name that a client made up.
inline constexpr size_t kMaxCallTextBytes = 1024;

// A call, or an attempt at one (rpc/client/retry.h), that the served call made; or its use of a
// database.
struct ChildCall {
  std::string system = {};  // "sqlite"; empty: a call
  std::string method = {};  // of a database: what is done there
  std::string target = {};
  int attempt = 1;
  bool hedge = false;           // an attempt beside the first one
  int64_t start_nanos = 0;      // since the served call was accepted
  int64_t duration_nanos = -1;  // -1: it was under way
  int64_t waited_nanos = 0;     // of that, for a connection to the database
  absl::StatusCode code = absl::StatusCode::kOk;
  bool will_retry = false;  // another attempt follows
};

// Instants are nanoseconds since the call was accepted.
struct CallRecord {
  std::string method = {};  // what the client asked for
  std::string peer = {};    // "ipv4:10.1.2.3:41234"
  std::string trace_id = {};
  int shard = 0;
  uint64_t fiber_id = 0;  // FiberInfo::id
  absl::Time accepted = absl::InfinitePast();
  int64_t handler_nanos = -1;  // the handler's start; -1: it has not started, or was not let
  int64_t duration_nanos = 0;  // of a call in flight: so far
  int64_t deadline_nanos = std::numeric_limits<int64_t>::max();  // max: none
  bool in_flight = false;
  absl::StatusCode code = absl::StatusCode::kOk;  // of a call that has ended, as the two below
  std::string message = {};
  std::string cancelled = {};  // "client gone"; empty: it was not
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
  std::vector<ChildCall> children = {};  // in the order of their starts
  uint64_t children_left_out = 0;        // older ones
};

using CallRecordPtr = std::shared_ptr<const CallRecord>;

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_CALLS_CALL_RECORD_H_
