#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/app/fibers_view.h"

namespace weft::app {
namespace {

std::vector<std::string> ToRow(const FiberInfo& fiber) {
  std::string waits_for = fiber.waits_for.empty() ? "-" : fiber.waits_for;
  if (fiber.owner_id != 0) absl::StrAppend(&waits_for, " of fiber ", fiber.owner_id);
  return {absl::StrCat(fiber.shard),
          absl::StrCat(fiber.id),
          fiber.state,
          FormatAge(fiber.age_nanos),
          FormatAge(fiber.state_nanos),
          FormatDeadline(fiber.deadline_left_nanos),
          fiber.name,
          std::move(waits_for),
          fiber.trace_id.empty() ? "-" : fiber.trace_id,
          fiber.cancelled.empty() ? "-" : fiber.cancelled};
}

void AppendList(const FibersView& view, std::string* text) {
  std::vector<std::vector<std::string>> rows = {{"SHARD", "ID", "STATE", "AGE", "IN STATE",
                                                 "DEADLINE IN", "NAME", "WAITS FOR", "TRACE",
                                                 "CANCELLED"}};
  const size_t shown = std::min(view.fibers.size(), kMaxFibersShown);
  for (size_t i = 0; i < shown; ++i) rows.push_back(ToRow(view.fibers[i]));
  AppendTextTable(rows, text);
  if (shown < view.fibers.size()) {
    absl::StrAppend(text, "… and ", view.fibers.size() - shown, " younger ones\n");
  }
}

}  // namespace

std::string FibersAsText(const FibersView& view) {
  std::string text = FibersSummary(view) + "\n";
  for (const std::string& line : StuckShardLines(view)) absl::StrAppend(&text, line, "\n");
  if (view.fibers.size() < view.listed) {
    absl::StrAppend(&text, "filtered: ", view.fibers.size(), " of ", view.listed, "\n");
  }
  for (const std::vector<FiberInfo>& ring : view.deadlocks) {
    text += "DEADLOCK: these wait for locks in a ring, and none can go on\n";
    for (const FiberInfo& fiber : ring) absl::StrAppend(&text, "  ", DescribeFiber(fiber), "\n");
  }
  text += "\n";
  switch (view.query.layout) {
    case FibersLayout::kList:
      AppendList(view, &text);
      break;
    case FibersLayout::kTree:
      text += FormatFiberTree(view.fibers);
      break;
    case FibersLayout::kStacks:
      text += FormatStacks(view.stacks);
      break;
  }
  return text;
}

}  // namespace weft::app
