#include "platform/app/fibers_page.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weft::app {
namespace {

using Row = std::array<std::string, 8>;

// Three digits are enough to see what matters, and nine are hard to read.
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

Row ToRow(const FiberInfo& fiber) {
  return {absl::StrCat(fiber.shard),
          absl::StrCat(fiber.id),
          fiber.state,
          FormatAge(fiber.age_nanos),
          FormatAge(fiber.state_nanos),
          FormatDeadline(fiber.deadline_left_nanos),
          fiber.name,
          fiber.waits_for.empty() ? "-" : fiber.waits_for};
}

void AppendTable(const std::vector<Row>& rows, std::string* text) {
  std::array<size_t, std::tuple_size_v<Row>> widths = {};
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      absl::StrAppend(text, row[i], std::string(widths[i] - row[i].size() + 2, ' '));
    }
    absl::StrAppend(text, row.back(), "\n");
  }
}

}  // namespace

std::string RenderFibers(std::vector<FiberInfo> fibers, const std::vector<int>& stuck_shards,
                         const std::vector<ShardStats>& shards) {
  size_t running = 0;
  size_t ready = 0;
  size_t parked = 0;
  size_t idle = 0;
  for (const ShardStats& shard : shards) {
    running += shard.running;
    ready += shard.ready;
    parked += shard.parked;
    idle += shard.idle;
  }
  // The counters, not the list: they know of the fibers of stuck shards too.
  std::string text = absl::StrCat(running + ready + parked, " fibers on ", shards.size(),
                                  " shards: ", running, " running, ", ready, " ready, ");
  absl::StrAppend(&text, parked, " parked; ", idle, " idle stacks\n");
  for (const int shard : stuck_shards) {
    absl::StrAppend(&text, "shard ", shard, " did not answer within ",
                    absl::FormatDuration(kFibersTimeout),
                    ": a fiber there runs without parking, or blocks its thread\n");
  }

  std::stable_sort(fibers.begin(), fibers.end(), [](const FiberInfo& a, const FiberInfo& b) {
    return a.age_nanos > b.age_nanos;
  });
  const size_t shown = std::min(fibers.size(), kMaxFibersShown);
  std::vector<Row> rows = {
      {"SHARD", "ID", "STATE", "AGE", "IN STATE", "DEADLINE IN", "NAME", "WAITS FOR"}};
  for (size_t i = 0; i < shown; ++i) rows.push_back(ToRow(fibers[i]));
  text += "\n";
  AppendTable(rows, &text);
  if (shown < fibers.size()) {
    absl::StrAppend(&text, "… and ", fibers.size() - shown, " younger ones\n");
  }
  return text;
}

AdminReply FibersPage(Runtime& runtime) {
  std::vector<int> stuck_shards;
  std::vector<FiberInfo> fibers = runtime.Fibers({.timeout = kFibersTimeout}, &stuck_shards);
  return {.body = RenderFibers(std::move(fibers), stuck_shards, runtime.Stats())};
}

}  // namespace weft::app
