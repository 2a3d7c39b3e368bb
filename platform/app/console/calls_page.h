// /debug/calls: the calls in flight, and of each method the slowest and the latest failed ones with
// their timelines, as text, JSON or HTML (calls_view.h has the parameters).
#ifndef WEFT_PLATFORM_APP_CONSOLE_CALLS_PAGE_H_
#define WEFT_PLATFORM_APP_CONSOLE_CALLS_PAGE_H_

#include "absl/time/time.h"
#include "platform/app/admin_request.h"
#include "platform/app/admin_server.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/calls/call_recorder.h"

namespace weft::app {

// How long shards may take to tell of their calls, and again of their fibers.
inline constexpr absl::Duration kCallsTimeout = absl::Milliseconds(250);

class CallsPage {
 public:
  // Both outlive the page. `recorder` null: calls are not recorded, and the page says so.
  CallsPage(Runtime& runtime, const observability::CallRecorder* recorder)
      : runtime_(runtime), recorder_(recorder) {}

  // Blocks the thread, boundedly. Not on a fiber of the runtime.
  AdminReply Show(const AdminRequest& request) const;

 private:
  Runtime& runtime_;
  const observability::CallRecorder* const recorder_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_CALLS_PAGE_H_
