// What a shard does when none of its fibers can run: it waits in its poller for outside events.
//
// This is the seam that keeps the fiber layer free of gRPC: the rpc layer implements it with a
// completion queue (rpc/internal/completion_queue_poller.h), tests with a simulated clock
// (fiber/testing/simulated_clock.h), and a runtime without any I/O with a condition variable
// (`MakeThreadPoller`).
#ifndef WEFT_PLATFORM_FIBER_POLLER_H_
#define WEFT_PLATFORM_FIBER_POLLER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "platform/base/clock.h"

namespace weft {

class Poller {
 public:
  virtual ~Poller() = default;

  // Called by the shard's thread only, on the loop's own stack (never on a fiber's). Handles every
  // event that is there, or, when there is none, blocks the thread until one arrives, Wake() is
  // called, or `deadline_nanos` (monotonic scale of the runtime's clock) has passed. A deadline of
  // 0 only looks. Handling an event wakes fibers; it must not park or throw.
  // Returns the number of events handled.
  virtual size_t Wait(int64_t deadline_nanos) = 0;

  // Makes a Wait() that blocks now, or the next one, return soon. Any thread; never blocks.
  virtual void Wake() = 0;

  // Between these two calls a fiber of the shard waits for a thread that is no shard, such as one
  // of a BlockingPool. Of interest to pollers of simulated time only: the silence of all shards
  // then does not mean that nothing can happen any more. Called by the shard's thread; calls nest.
  virtual void OutsideWorkBegins() {}
  virtual void OutsideWorkEnds() {}
};

// Makes the poller of one shard; called once for each shard, before its thread starts.
using PollerFactory = std::function<std::unique_ptr<Poller>(int shard)>;

// A poller with no outside events: timers and wakes only. Blocks on a condition variable.
std::unique_ptr<Poller> MakeThreadPoller(const Clock& clock);

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_POLLER_H_
