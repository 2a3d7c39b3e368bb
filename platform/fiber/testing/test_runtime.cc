#include "platform/fiber/testing/test_runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "platform/fiber/testing/leak_check.h"

namespace weft {
namespace {

// On a thread of its own: the shards answer meanwhile, and then there is nothing to go back to,
// since nobody can end the parks of fibers from outside.
void EndStuckProcess(Runtime& runtime) {
  std::cerr
      << "weft: the test is stuck. Every fiber waits, no timer is armed, and neither a job of "
         "a BlockingPool nor a SimulatedClock::Hold is under way (a plain thread that is yet "
         "to wake a fiber needs a Hold):"
      << DescribeFibers(runtime) << std::endl;
  std::abort();
}

}  // namespace

TestRuntime::TestRuntime(RuntimeOptions options) : clock_(std::make_unique<SimulatedClock>()) {
  options.shards = std::max(options.shards, 1);
  options.clock = clock_.get();
  options.poller_factory = clock_->Pollers();
  options.shuffle_seed = SeedToReplay().value_or(options.shuffle_seed);
  internal::NoteSeed(options.shuffle_seed);
  clock_->OnStuck([this] { std::thread([this] { EndStuckProcess(*runtime_); }).detach(); });
  runtime_ = std::make_unique<Runtime>(std::move(options));
}

TestRuntime::~TestRuntime() {
  const std::string fibers = DescribeFibers(*runtime_);
  if (!fibers.empty()) {
    ADD_FAILURE() << "fibers are left at the end of the test:" << fibers;
    runtime_.release();
    clock_.release();
    return;
  }
  DescribeFibers(*runtime_);  // Lets each shard end the turn in which it listed; then it publishes.
  const std::string imbalance = DescribeImbalance(runtime_->Stats());
  EXPECT_TRUE(imbalance.empty()) << "at the end of the test a runtime is at rest, but:"
                                 << imbalance;
}

}  // namespace weft
