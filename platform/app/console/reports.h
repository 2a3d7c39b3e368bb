// What /debug/shards, /debug/stalls, /debug/heap and /debug/config show.
#ifndef WEFT_PLATFORM_APP_CONSOLE_REPORTS_H_
#define WEFT_PLATFORM_APP_CONSOLE_REPORTS_H_

#include <vector>

#include "absl/time/time.h"
#include "platform/app/config.h"
#include "platform/app/console/readings.h"
#include "platform/app/console/report.h"
#include "platform/observability/recent_stalls.h"

namespace weft::app {

// Shards with their fibers, loops and stacks; pools; admission's limits; connections. `now`:
// seconds since 1970.
Report ShardsReport(const Readings& readings, double now);

// The latest stalls with their stacks, the newest first, and how many there were. `now`: of those
// that go on it is told how long they have.
Report StallsReport(const std::vector<observability::RecentStall>& stalls, const Readings& readings,
                    absl::Time now);

// What malloc tells of its memory. Each arena is locked for as long as it takes to go through its
// free blocks: some microseconds, or milliseconds after the heap was much larger, for which who
// allocates there waits.
Report HeapReport(const Readings& readings);

// Every key, its value (secrets masked) and where that is from.
Report ConfigReport(const Config& config);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_REPORTS_H_
