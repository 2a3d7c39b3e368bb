#include "platform/fiber/fiber_dump.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/fiber/observer.h"

namespace weft {
namespace {

// Fibers shown of a group of identical stacks; the others are counted.
constexpr size_t kFibersNamed = 8;

bool IsOlder(const FiberInfo* a, const FiberInfo* b) {
  return a->age_nanos != b->age_nanos ? a->age_nanos > b->age_nanos : a->id < b->id;
}

// Three digits are enough to see what matters, and nine are hard to read.
std::string FormatAge(int64_t nanos) {
  const absl::Duration age = absl::Nanoseconds(nanos);
  const absl::Duration unit = age >= absl::Seconds(1)        ? absl::Milliseconds(1)
                              : age >= absl::Milliseconds(1) ? absl::Microseconds(1)
                                                             : absl::Nanoseconds(1);
  return absl::FormatDuration(absl::Trunc(age, unit));
}

using FibersById = absl::flat_hash_map<uint64_t, const FiberInfo*>;

FibersById ById(const std::vector<FiberInfo>& fibers) {
  FibersById by_id;
  for (const FiberInfo& fiber : fibers) by_id[fiber.id] = &fiber;
  return by_id;
}

const FiberInfo* Find(const FibersById& fibers, uint64_t id) {
  const auto found = fibers.find(id);
  return found == fibers.end() ? nullptr : found->second;
}

void AppendFrames(const std::vector<std::string>& frames, std::string* text) {
  if (frames.empty()) *text += "      (no stack)\n";
  for (const std::string& frame : frames) absl::StrAppend(text, "      ", frame, "\n");
}

}  // namespace

bool FiberFilter::Matches(const FiberInfo& fiber) const {
  return absl::StrContains(fiber.name, name) && (state.empty() || fiber.state == state) &&
         absl::Nanoseconds(fiber.age_nanos) >= min_age;
}

std::vector<FiberStackGroup> GroupByStack(const std::vector<FiberInfo>& fibers,
                                          Symbolizer& symbolizer) {
  std::map<std::vector<uintptr_t>, FiberStackGroup> by_stack;
  for (const FiberInfo& fiber : fibers) by_stack[fiber.stack].fibers.push_back(&fiber);
  std::vector<FiberStackGroup> groups;
  for (auto& [stack, group] : by_stack) {
    group.frames = symbolizer.FiberStack(stack);
    std::sort(group.fibers.begin(), group.fibers.end(), IsOlder);
    groups.push_back(std::move(group));
  }
  std::sort(groups.begin(), groups.end(), [](const FiberStackGroup& a, const FiberStackGroup& b) {
    return a.fibers.size() != b.fibers.size() ? a.fibers.size() > b.fibers.size()
                                              : IsOlder(a.fibers[0], b.fibers[0]);
  });
  return groups;
}

std::vector<std::vector<const FiberInfo*>> FindLockCycles(const std::vector<FiberInfo>& fibers) {
  const FibersById by_id = ById(fibers);
  absl::flat_hash_set<uint64_t> seen;
  std::vector<std::vector<const FiberInfo*>> cycles;
  for (const FiberInfo& start : fibers) {
    // Each fiber waits for one other at most, so a walk either ends, or comes to where a walk was
    // before, or closes a ring.
    std::vector<const FiberInfo*> walk;
    const FiberInfo* fiber = &start;
    while (fiber != nullptr && fiber->owner_id != 0 && seen.insert(fiber->id).second) {
      walk.push_back(fiber);
      fiber = Find(by_id, fiber->owner_id);
    }
    const auto entry = std::find(walk.begin(), walk.end(), fiber);
    if (entry != walk.end()) cycles.emplace_back(entry, walk.end());
  }
  return cycles;
}

std::vector<const FiberInfo*> WaitersOf(uint64_t object_id, const std::vector<FiberInfo>& fibers) {
  std::vector<const FiberInfo*> waiters;
  for (const FiberInfo& fiber : fibers) {
    if (object_id != 0 && fiber.object_id == object_id) waiters.push_back(&fiber);
  }
  std::stable_sort(waiters.begin(), waiters.end(), [](const FiberInfo* a, const FiberInfo* b) {
    return a->state_nanos > b->state_nanos;
  });
  return waiters;
}

std::vector<FiberTreeRow> ToTree(const std::vector<FiberInfo>& fibers) {
  const FibersById by_id = ById(fibers);
  absl::flat_hash_map<uint64_t, std::vector<const FiberInfo*>> children;
  for (const FiberInfo& fiber : fibers) {
    children[Find(by_id, fiber.parent_id) == nullptr ? 0 : fiber.parent_id].push_back(&fiber);
  }
  for (auto& [parent, list] : children) std::sort(list.begin(), list.end(), IsOlder);
  // Deep trees must not need a deep stack. The next row is the last of `open`.
  std::vector<FiberTreeRow> rows;
  std::vector<FiberTreeRow> open;
  const auto add_children = [&](uint64_t parent, int depth) {
    const auto found = children.find(parent);
    if (found == children.end()) return;
    for (auto child = found->second.rbegin(); child != found->second.rend(); ++child) {
      open.push_back({*child, depth});
    }
  };
  add_children(0, 0);
  while (!open.empty()) {
    const FiberTreeRow row = open.back();
    open.pop_back();
    rows.push_back(row);
    add_children(row.fiber->id, row.depth + 1);
  }
  return rows;
}

std::string DescribeFiber(const FiberInfo& fiber) {
  std::string text = absl::StrCat("fiber ", fiber.id, " '", fiber.name, "' (shard ", fiber.shard,
                                  ", ", fiber.state, " ", FormatAge(fiber.state_nanos));
  if (!fiber.waits_for.empty()) absl::StrAppend(&text, " on ", fiber.waits_for);
  if (fiber.owner_id != 0) absl::StrAppend(&text, " held by fiber ", fiber.owner_id);
  absl::StrAppend(&text, ", age ", FormatAge(fiber.age_nanos));
  if (fiber.deadline_left_nanos != INT64_MAX) {
    absl::StrAppend(&text, ", deadline ", fiber.deadline_left_nanos > 0 ? "in " : "over by ",
                    FormatAge(std::abs(fiber.deadline_left_nanos)));
  }
  if (!fiber.cancelled.empty()) absl::StrAppend(&text, ", cancelled: ", fiber.cancelled);
  if (!fiber.trace_id.empty()) absl::StrAppend(&text, ", trace ", fiber.trace_id);
  return text + ")";
}

std::string FormatFiberTree(const std::vector<FiberInfo>& fibers) {
  std::string text;
  for (const FiberTreeRow& row : ToTree(fibers)) {
    absl::StrAppend(&text, std::string(static_cast<size_t>(row.depth) * 2, ' '),
                    DescribeFiber(*row.fiber), "\n");
  }
  return text;
}

std::string FormatStacks(const std::vector<FiberStackGroup>& groups) {
  std::string text;
  for (const FiberStackGroup& group : groups) {
    const size_t count = group.fibers.size();
    absl::StrAppend(&text, count, count == 1 ? " fiber" : " fibers", ":");
    for (size_t i = 0; i < std::min(count, kFibersNamed); ++i) {
      const FiberInfo& fiber = *group.fibers[i];
      absl::StrAppend(&text, i == 0 ? " " : ", ", fiber.id, " '", fiber.name, "'");
      if (!fiber.waits_for.empty()) absl::StrAppend(&text, " on ", fiber.waits_for);
      absl::StrAppend(&text, " ", FormatAge(fiber.state_nanos));
    }
    if (count > kFibersNamed) absl::StrAppend(&text, " and ", count - kFibersNamed, " more");
    text += "\n";
    AppendFrames(group.frames, &text);
  }
  return text;
}

void RuntimeObserver::OnDeadlock(const std::vector<FiberInfo>& ring) noexcept {
  std::vector<const FiberInfo*> pointers;
  for (const FiberInfo& fiber : ring) pointers.push_back(&fiber);
  Symbolizer symbolizer;
  std::fputs(FormatDeadlock(pointers, symbolizer).c_str(), stderr);
}

std::string FormatDeadlock(const std::vector<const FiberInfo*>& ring, Symbolizer& symbolizer) {
  std::string text =
      absl::StrCat("deadlock: ", ring.size(), ring.size() == 1 ? " fiber waits" : " fibers wait",
                   " for locks in a ring, and none can go on\n");
  for (const FiberInfo* const fiber : ring) {
    absl::StrAppend(&text, "  ", DescribeFiber(*fiber), "\n");
    AppendFrames(symbolizer.FiberStack(fiber->stack), &text);
  }
  return text;
}

}  // namespace weft
