// The text of /debug/fibers: what every fiber of the process does now, the oldest first.
//
//   3 fibers on 2 shards: 1 running, 0 ready, 2 parked; 14 idle stacks
//   shard 1 did not answer within 250ms: a fiber there runs without parking, or blocks its thread
//
//   SHARD  ID  STATE   AGE     IN STATE  DEADLINE IN  NAME                              WAITS FOR
//   0      7   parked  1.204s  1.202s    796ms        storefront.v1.Storefront/GetItem  rpc reply
#ifndef WEFT_PLATFORM_APP_FIBERS_PAGE_H_
#define WEFT_PLATFORM_APP_FIBERS_PAGE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "platform/app/admin_server.h"
#include "platform/fiber/fiber_info.h"
#include "platform/fiber/observer.h"
#include "platform/fiber/runtime.h"

namespace weft::app {

// More fibers are counted, not shown: the page is for a person.
inline constexpr size_t kMaxFibersShown = 10'000;
// How long a shard may take to list its fibers.
inline constexpr absl::Duration kFibersTimeout = absl::Milliseconds(250);

// Asks the shards and renders their answers. Blocks the thread at most kFibersTimeout a shard.
// Requires: not on a fiber of `runtime`.
AdminReply FibersPage(Runtime& runtime);

std::string RenderFibers(std::vector<FiberInfo> fibers, const std::vector<int>& stuck_shards,
                         const std::vector<ShardStats>& shards);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_FIBERS_PAGE_H_
