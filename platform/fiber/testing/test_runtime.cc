#include "platform/fiber/testing/test_runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"

namespace weft {
namespace {

std::string Describe(const std::vector<FiberInfo>& fibers) {
  std::string text;
  for (const FiberInfo& fiber : fibers) {
    absl::StrAppend(&text, "\n  fiber ", fiber.id, " '", fiber.name, "' on shard ", fiber.shard,
                    ", ", fiber.state, fiber.waits_for.empty() ? "" : " on ", fiber.waits_for);
  }
  return text;
}

}  // namespace

TestRuntime::TestRuntime(RuntimeOptions options)
    : shuffle_seed_(SeedToReplay().value_or(options.shuffle_seed)),
      clock_(std::make_unique<SimulatedClock>()) {
  internal::NoteSeed(shuffle_seed_);
  options.shards = std::max(options.shards, 1);
  options.clock = clock_.get();
  options.poller_factory = clock_->Pollers();
  options.shuffle_seed = shuffle_seed_;
  runtime_ = std::make_unique<Runtime>(std::move(options));
}

TestRuntime::~TestRuntime() {
  const std::vector<FiberInfo> left = runtime_->Fibers({});
  if (!left.empty()) {
    ADD_FAILURE() << "fibers are left at the end of the test:" << Describe(left);
    runtime_.release();
    clock_.release();
  }
}

void WaitUntilOthersBlock() {
  CancelScope deaf({.shield = true});
  const absl::Status slept = weft::SleepFor(absl::Nanoseconds(1));
  Check(slept.ok(), "a shielded sleep cannot fail");
}

}  // namespace weft
