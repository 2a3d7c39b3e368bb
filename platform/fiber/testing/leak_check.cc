#include "platform/fiber/testing/leak_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "platform/fiber/stack_trace.h"

namespace weft {

std::string DescribeFibers(Runtime& runtime) {
  constexpr size_t kFibersMax = 100;  // What a person reads of a test's log.
  const std::vector<FiberInfo> fibers = runtime.Fibers({.stacks = true});
  Symbolizer symbolizer;
  std::string text;
  for (size_t i = 0; i < std::min(fibers.size(), kFibersMax); ++i) {
    const FiberInfo& fiber = fibers[i];
    absl::StrAppend(&text, "\n  fiber ", fiber.id, " '", fiber.name, "' on shard ", fiber.shard,
                    ", ", fiber.state, fiber.waits_for.empty() ? "" : " on ", fiber.waits_for);
    if (fiber.owner_id != 0) absl::StrAppend(&text, ", which fiber ", fiber.owner_id, " holds");
    if (fiber.parent_id != 0) absl::StrAppend(&text, "; a child of fiber ", fiber.parent_id);
    for (const std::string& function : symbolizer.FiberStack(fiber.stack)) {
      absl::StrAppend(&text, "\n      ", function);
    }
  }
  if (fibers.size() > kFibersMax) {
    absl::StrAppend(&text, "\n  and ", fibers.size() - kFibersMax, " more fibers");
  }
  return text;
}

std::string DescribeImbalance(const std::vector<ShardStats>& shards) {
  std::string text;
  for (const ShardStats& shard : shards) {
    if (shard.timers != 0) {
      absl::StrAppend(&text, "\n  shard ", shard.shard, ": ", shard.timers,
                      " timers are armed though no fiber waits");
    }
    if (shard.stacks != shard.idle) {
      absl::StrAppend(&text, "\n  shard ", shard.shard, ": ", shard.stacks,
                      " stacks are in use by ", shard.idle, " idle fibers");
    }
  }
  return text;
}

}  // namespace weft
