// A rehearsal of a drain: a server under live load of unary calls and streams
// is shut down in the steps of an App (platform/app/app.h), and the books of
// both sides are compared.
//
// A call is *accepted* when the server's interceptors have seen it, *refused*
// when the server had stopped taking calls before that. An accepted call must
// end as if nothing had happened: with OK; a stream that ignores that the
// server drains, with CANCELLED and the cause "drain". All else is a fault.
#ifndef WEFT_TESTS_DRAIN_REHEARSAL_H_
#define WEFT_TESTS_DRAIN_REHEARSAL_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace weft::drain {

struct RehearsalOptions {
  int shards = 2;
  int connections = 4;
  // Loops of unary calls on each connection, one call after the other. There
  // are two of each kind of stream beside them.
  int unary_loops = 8;
  absl::Duration load = absl::Milliseconds(100);     // before the drain
  absl::Duration grace = absl::Milliseconds(50);     // drain.grace: calls are still accepted
  absl::Duration timeout = absl::Milliseconds(250);  // drain.timeout: then calls are cancelled
  absl::Duration after_cancel = absl::Seconds(3);
};

struct RehearsalReport {
  int64_t accepted = 0;
  int64_t answered = 0;                    // of them, ended with OK
  int64_t cancelled = 0;                   // of them, streams that ignored the drain
  int64_t in_flight = 0;                   // when the server stopped taking calls
  int64_t begun_in_grace = 0;              // and answered
  std::map<std::string, int64_t> refused;  // by status code
  absl::Duration slowest_refusal;
  absl::Duration drain;  // from the end of the grace until the server was down
  // What should not have happened, a sentence each; empty: the rehearsal went
  // well.
  std::vector<std::string> faults;
};

// Blocks the thread for about the sum of the options' durations.
RehearsalReport Rehearse(const RehearsalOptions& options);

}  // namespace weft::drain

#endif  // WEFT_TESTS_DRAIN_REHEARSAL_H_
