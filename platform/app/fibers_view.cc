#include "platform/app/fibers_view.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weft::app {
namespace {

template <typename Value>
absl::StatusOr<Value> Choose(absl::string_view parameter, const std::string& value,
                             const std::map<std::string, Value>& choices) {
  const auto found = choices.find(value);
  if (found != choices.end()) return found->second;
  const auto name = [](std::string* out, const auto& choice) { out->append(choice.first); };
  return absl::InvalidArgumentError(absl::StrCat(
      parameter, "=", value, " is not known; it is one of ", absl::StrJoin(choices, ", ", name)));
}

absl::Duration Timeout(const FibersQuery& query) {
  return query.layout == FibersLayout::kStacks ? kFiberStacksTimeout : kFibersTimeout;
}

}  // namespace

absl::StatusOr<FibersQuery> ParseFibersQuery(const AdminRequest& request) {
  FibersQuery query;
  query.filter.name = request.Parameter("name");
  if (const std::string& state = request.Parameter("state"); !state.empty()) {
    const absl::StatusOr<std::string> known = Choose<std::string>(
        "state", state, {{"parked", "parked"}, {"ready", "ready"}, {"running", "running"}});
    if (!known.ok()) return known.status();
    query.filter.state = *known;
  }
  if (const std::string& age = request.Parameter("min_age"); !age.empty()) {
    if (!absl::ParseDuration(age, &query.filter.min_age)) {
      return absl::InvalidArgumentError(
          absl::StrCat("min_age=", age, " is no duration; write one such as 1.5s or 200ms"));
    }
  }
  if (const std::string& view = request.Parameter("view"); !view.empty()) {
    const absl::StatusOr<FibersLayout> layout =
        Choose<FibersLayout>("view", view,
                             {{"list", FibersLayout::kList},
                              {"tree", FibersLayout::kTree},
                              {"stacks", FibersLayout::kStacks}});
    if (!layout.ok()) return layout.status();
    query.layout = *layout;
  }
  const std::string& format = request.Parameter("format");
  if (format.empty()) {
    query.format =
        absl::StrContains(request.accept, "text/html") ? FibersFormat::kHtml : FibersFormat::kText;
    return query;
  }
  const absl::StatusOr<FibersFormat> known = Choose<FibersFormat>("format", format,
                                                                  {{"text", FibersFormat::kText},
                                                                   {"json", FibersFormat::kJson},
                                                                   {"html", FibersFormat::kHtml}});
  if (!known.ok()) return known.status();
  query.format = *known;
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

std::string FormatAge(int64_t nanos) {
  const absl::Duration age = absl::Nanoseconds(nanos);
  const absl::Duration size = absl::AbsDuration(age);
  const absl::Duration unit = size >= absl::Seconds(1)        ? absl::Milliseconds(1)
                              : size >= absl::Milliseconds(1) ? absl::Microseconds(1)
                                                              : absl::Nanoseconds(1);
  return absl::FormatDuration(absl::Trunc(age, unit));
}

std::string FormatDeadline(int64_t left_nanos) {
  if (left_nanos == INT64_MAX) return "-";
  return left_nanos > 0 ? FormatAge(left_nanos) : absl::StrCat("over by ", FormatAge(-left_nanos));
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
