#include "platform/fiber/testing/test_runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/fiber/fiber.h"

namespace weft {
namespace {

std::optional<uint64_t> SeedOfEnvironment() {
  const char* const text = std::getenv("WEFT_SHUFFLE_SEED");
  if (text == nullptr) return std::nullopt;
  uint64_t seed = 0;
  Check(absl::SimpleAtoi(text, &seed), "WEFT_SHUFFLE_SEED is a whole number");
  return seed;
}

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
    : shuffle_seed_(SeedOfEnvironment().value_or(options.shuffle_seed)),
      clock_(std::make_unique<SimulatedClock>()) {
  options.shards = std::max(options.shards, 1);
  options.clock = clock_.get();
  options.poller_factory = clock_->Pollers();
  options.shuffle_seed = shuffle_seed_;
  runtime_ = std::make_unique<Runtime>(std::move(options));
}

TestRuntime::~TestRuntime() {
  const std::vector<FiberInfo> left = runtime_->Fibers(absl::InfiniteDuration(), nullptr);
  if (!left.empty()) {
    ADD_FAILURE() << "fibers are left at the end of the test:" << Describe(left);
    runtime_.release();
    clock_.release();
  }
  if (shuffle_seed_ != 0 && testing::Test::HasFailure()) {
    std::cerr << "To run in the same order again: WEFT_SHUFFLE_SEED=" << shuffle_seed_ << "\n";
  }
}

void WaitUntilOthersBlock() {
  CancelScope deaf({.shield = true});
  const absl::Status slept = weft::SleepFor(absl::Nanoseconds(1));
  Check(slept.ok(), "a shielded sleep cannot fail");
}

void ForEachShuffle(int seeds, const std::function<void(uint64_t seed)>& test) {
  const std::optional<uint64_t> only = SeedOfEnvironment();
  const uint64_t first = only.value_or(0);
  const uint64_t last = only.value_or(static_cast<uint64_t>(seeds));
  for (uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("shuffle seed ", seed));
    test(seed);
  }
}

}  // namespace weft
