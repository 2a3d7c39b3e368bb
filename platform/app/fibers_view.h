// FibersView: one look at the fibers of the process, as /debug/fibers was asked for it; and how it
// is written as text, JSON and HTML.
#ifndef WEFT_PLATFORM_APP_FIBERS_VIEW_H_
#define WEFT_PLATFORM_APP_FIBERS_VIEW_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/app/admin_request.h"
#include "platform/app/console/format.h"
#include "platform/fiber/fiber_dump.h"
#include "platform/fiber/fiber_info.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/runtime.h"

namespace weft::app {

// Fibers in text and HTML: more are counted, not shown, since they are for a person. JSON has all.
inline constexpr size_t kMaxFibersShown = 10'000;
// How long a shard may take to list its fibers, and to walk their stacks too.
inline constexpr absl::Duration kFibersTimeout = absl::Milliseconds(250);
inline constexpr absl::Duration kFiberStacksTimeout = absl::Seconds(5);

enum class FibersLayout { kList, kTree, kStacks };

struct FibersQuery {
  FiberFilter filter = {};
  FibersLayout layout = FibersLayout::kList;
  PageFormat format = PageFormat::kText;
};

// The parameters name=, state=, min_age= (such as 1s), view= (list, tree, stacks) and format=
// (text, json, html; without it HTML where the Accept header names it, else text). Errors:
// INVALID_ARGUMENT, naming the parameter and what it may be.
absl::StatusOr<FibersQuery> ParseFibersQuery(const AdminRequest& request);

struct FibersView {
  FibersQuery query;
  std::vector<FiberInfo> fibers;  // that the filter lets through, the oldest first
  size_t listed = 0;              // before the filter
  std::vector<std::vector<FiberInfo>> deadlocks;
  std::vector<FiberStackGroup> stacks;  // with FibersLayout::kStacks; points into `fibers`
  std::vector<int> stuck_shards;
  std::vector<ShardStats> shards;
  // For the buttons that cancel; empty: there are none.
  std::string cancel_token = {};
};

// Puts what the shards told in order. Names of functions are looked up: not on a shard.
FibersView MakeFibersView(const FibersQuery& query, std::vector<FiberInfo> fibers);

// Asks the shards. Blocks the thread, boundedly by the timeouts above. Not on a fiber of `runtime`.
FibersView LookAtFibers(Runtime& runtime, const FibersQuery& query);

//   3 fibers on 2 shards: 1 running, 0 ready, 2 parked; 14 idle stacks
//   shard 1 did not answer within 250ms: a fiber there runs without parking, or blocks its thread
//
//   SHARD  ID  STATE   AGE     IN STATE  DEADLINE IN  NAME        WAITS FOR  TRACE  CANCELLED
//   0      7   parked  1.204s  1.202s    796ms        a.v1.A/Get  rpc reply  4bf9…  -
std::string FibersAsText(const FibersView& view);
std::string FibersAsJson(const FibersView& view);
std::string FibersAsHtml(const FibersView& view);

// "3 fibers on 2 shards: …", a line.
std::string FibersSummary(const FibersView& view);
// "shard 1 did not answer …", a line for each; empty when all did.
std::vector<std::string> StuckShardLines(const FibersView& view);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_FIBERS_VIEW_H_
