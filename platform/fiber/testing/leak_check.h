// The leak check: what is left of a runtime when a test is over.
//
// A runtime at rest has no fiber with a task, no armed timer, and as many stacks in use as it has
// idle fibers. Waiters need no count of their own: a waiter lies on the stack of the fiber that
// waits, as does what its timer points to; so each of them that is left is seen as a fiber that is
// left, which tells what it waits for.
#ifndef WEFT_PLATFORM_FIBER_TESTING_LEAK_CHECK_H_
#define WEFT_PLATFORM_FIBER_TESTING_LEAK_CHECK_H_

#include <string>
#include <vector>

#include "platform/fiber/observer.h"
#include "platform/fiber/runtime.h"

namespace weft {

// Each fiber with a task: its name and state, what it waits for, and its stack; empty: there is
// none. Blocks the calling thread until every shard has answered; not on a fiber of `runtime`.
std::string DescribeFibers(Runtime& runtime);

// What is wrong with the readings of a runtime that has no fiber with a task; empty: nothing.
std::string DescribeImbalance(const std::vector<ShardStats>& shards);

}  // namespace weft

#endif  // WEFT_PLATFORM_FIBER_TESTING_LEAK_CHECK_H_
