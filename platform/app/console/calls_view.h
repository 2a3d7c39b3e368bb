// CallsPage: one look at the calls of the process, as /debug/calls was asked for it; and how it is
// written as text, JSON and HTML.
#ifndef WEFT_PLATFORM_APP_CONSOLE_CALLS_VIEW_H_
#define WEFT_PLATFORM_APP_CONSOLE_CALLS_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/app/admin_request.h"
#include "platform/app/console/format.h"
#include "platform/fiber/fiber_info.h"
#include "platform/observability/calls/call_recorder.h"

namespace weft::app {

struct CallsQuery {
  std::string method = {};  // a part of the method's name
  std::string trace = {};   // a part of the trace id
  absl::Duration min_duration = absl::ZeroDuration();
  // Which lists there are to be.
  bool in_flight = true;
  bool slow = true;
  bool failed = true;
  std::string show = {};  // what was asked for: "", "in_flight", "slow" or "failed"
  PageFormat format = PageFormat::kText;

  bool Matches(const observability::CallRecord& call) const;
  bool filters() const { return !method.empty() || !trace.empty() || min_duration != zero_; }

 private:
  static constexpr absl::Duration zero_ = absl::ZeroDuration();
};

// The parameters method=, trace=, min_duration= (such as 10ms), show= (in_flight, slow, failed;
// without it all) and format=. Errors: INVALID_ARGUMENT, naming the parameter.
absl::StatusOr<CallsQuery> ParseCallsQuery(const AdminRequest& request);

struct CallsPageView {
  CallsQuery query;
  observability::CallsView calls;  // that the query lets through
  // Of the calls in flight, by FiberInfo::id; without those that did not answer in time.
  std::map<uint64_t, FiberInfo> fibers = {};
};

// Leaves out what the query does not ask for.
CallsPageView MakeCallsPageView(const CallsQuery& query, observability::CallsView calls);

// A line of a call's timeline: what began at `at_nanos` after the call was accepted and took
// `nanos`; nullopt: an instant.
struct TimelineStep {
  int64_t at_nanos = 0;
  std::optional<int64_t> nanos = std::nullopt;
  std::string what;
  bool failed = false;
};
// In the order of their beginnings.
std::vector<TimelineStep> Timeline(const observability::CallRecord& call);

// "RESOURCE_EXHAUSTED: the server is overloaded", "OK", "in flight".
std::string DescribeOutcome(const observability::CallRecord& call);
// "shard 1 did not answer …", a line for each; empty when all did.
std::vector<std::string> StuckShardLines(const CallsPageView& view);

std::string CallsAsText(const CallsPageView& view);
std::string CallsAsJson(const CallsPageView& view);
std::string CallsAsHtml(const CallsPageView& view);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_CALLS_VIEW_H_
