#include "platform/app/fibers_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weft::app {
namespace {

absl::Duration Timeout(const FibersQuery& query) {
  return query.layout == FibersLayout::kStacks ? kFiberStacksTimeout : kFibersTimeout;
}

}  // namespace

absl::StatusOr<FibersQuery> ParseFibersQuery(const AdminRequest& request) {
  FibersQuery query;
  query.filter.name = request.Parameter("name");
  if (const std::string& state = request.Parameter("state"); !state.empty()) {
    const absl::StatusOr<std::string> known = ChooseParameter<std::string>(
        "state", state, {{"parked", "parked"}, {"ready", "ready"}, {"running", "running"}});
    if (!known.ok()) return known.status();
    query.filter.state = *known;
  }
  const absl::StatusOr<absl::Duration> min_age = ParseDurationParameter(request, "min_age");
  if (!min_age.ok()) return min_age.status();
  query.filter.min_age = *min_age;
  if (const std::string& view = request.Parameter("view"); !view.empty()) {
    const absl::StatusOr<FibersLayout> layout =
        ChooseParameter<FibersLayout>("view", view,
                                      {{"list", FibersLayout::kList},
                                       {"tree", FibersLayout::kTree},
                                       {"stacks", FibersLayout::kStacks}});
    if (!layout.ok()) return layout.status();
    query.layout = *layout;
  }
  const absl::StatusOr<PageFormat> format = ParsePageFormat(request);
  if (!format.ok()) return format.status();
  query.format = *format;
  return query;
}

FibersView MakeFibersView(const FibersQuery& query, std::vector<FiberInfo> fibers) {
  FibersView view;
  view.query = query;
  view.listed = fibers.size();
  for (const std::vector<const FiberInfo*>& ring : FindLockCycles(fibers)) {
    view.deadlocks.emplace_back();
    for (const FiberInfo* const fiber : ring) view.deadlocks.back().push_back(*fiber);
  }
  std::erase_if(fibers, [&](const FiberInfo& fiber) { return !query.filter.Matches(fiber); });
  std::stable_sort(fibers.begin(), fibers.end(), [](const FiberInfo& a, const FiberInfo& b) {
    return a.age_nanos > b.age_nanos;
  });
  view.fibers = std::move(fibers);
  if (query.layout == FibersLayout::kStacks) {
    Symbolizer symbolizer;
    view.stacks = GroupByStack(view.fibers, symbolizer);
  }
  return view;
}

FibersView LookAtFibers(Runtime& runtime, const FibersQuery& query) {
  std::vector<int> stuck_shards;
  std::vector<FiberInfo> fibers = runtime.Fibers(
      {.timeout = Timeout(query), .stacks = query.layout == FibersLayout::kStacks}, &stuck_shards);
  FibersView view = MakeFibersView(query, std::move(fibers));
  view.stuck_shards = std::move(stuck_shards);
  view.shards = runtime.Stats();
  return view;
}

std::string FibersSummary(const FibersView& view) {
  size_t running = 0;
  size_t ready = 0;
  size_t parked = 0;
  size_t idle = 0;
  // The counters, not the list: they know of the fibers of stuck shards too.
  for (const ShardStats& shard : view.shards) {
    running += shard.running;
    ready += shard.ready;
    parked += shard.parked;
    idle += shard.idle;
  }
  return absl::StrCat(running + ready + parked, " fibers on ", view.shards.size(),
                      " shards: ", running, " running, ", ready, " ready, ") +
         absl::StrCat(parked, " parked; ", idle, " idle stacks");
}

std::vector<std::string> StuckShardLines(const FibersView& view) {
  std::vector<std::string> lines;
  for (const int shard : view.stuck_shards) {
    lines.push_back(absl::StrCat("shard ", shard, " did not answer within ",
                                 absl::FormatDuration(Timeout(view.query)),
                                 ": a fiber there runs without parking, or blocks its thread"));
  }
  return lines;
}

}  // namespace weft::app
