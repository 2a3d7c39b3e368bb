// Blocking() and Compute(): work that must not run on a shard, on the two pools of the runtime.
//
//   absl::StatusOr<std::string> text = weft::Blocking([&] { return ReadFile(path); });
//   absl::StatusOr<Image> small = weft::Compute([&] { return Scale(image, 0.5); });
//
// Two pools, since the two kinds of work would starve each other: threads that wait for a disk use
// no CPU, so there may be many; threads that compute are as many as there are CPUs, and a file that
// is to be read must not wait behind them. Shards compute, too: what takes less than some 100 µs is
// best done where it is (YieldIfDue() in fiber.h), since a job costs a few microseconds and a wake.
//
// A driver with limits of its own (connections to a database) brings a BlockingPool of its own.
//
// Everything that blocking_pool.h says of BlockingPool::Run holds here: what may be returned, when
// a job is refused or given up, cancel points, std::stop_token, exceptions. Sizes: RuntimeOptions.
#ifndef WEFT_PLATFORM_FIBER_BLOCKING_H_
#define WEFT_PLATFORM_FIBER_BLOCKING_H_

#include <utility>

#include "platform/base/check.h"
#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/runtime.h"

namespace weft {

// Runs `function`, which may block its thread, on a thread of the runtime's pool "blocking", and
// parks the fiber until it has returned. Requires: on a fiber.
template <typename F>
auto Blocking(F function) {
  Check(OnFiber(), "Blocking() is for fibers: a thread of one's own calls the function itself");
  return Runtime::Current()->blocking_pool().Run(std::move(function));
}

// Runs `function`, which computes and does not block, on a thread of the runtime's pool "compute",
// and parks the fiber until it has returned. Requires: on a fiber.
template <typename F>
auto Compute(F function) {
  Check(OnFiber(), "Compute() is for fibers: a thread of one's own calls the function itself");
  return Runtime::Current()->compute_pool().Run(std::move(function));
}

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_BLOCKING_H_
