#include "platform/app/fibers_page.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/app/fibers_view.h"
#include "platform/app/html.h"
#include "platform/observability/logging/log.h"

namespace weft::app {
namespace {

constexpr observability::Logger kLog("app");

// Groups of identical stacks in the log; the rest is counted.
constexpr size_t kMaxGroupsLogged = 100;
constexpr absl::Duration kCancelTimeout = absl::Milliseconds(250);

}  // namespace

FibersPages::FibersPages(Runtime& runtime, bool allow_cancel)
    : runtime_(runtime), allow_cancel_(allow_cancel) {}

AdminReply FibersPages::Show(const AdminRequest& request) const {
  const absl::StatusOr<FibersQuery> query = ParseFibersQuery(request);
  if (!query.ok()) return ErrorReply(400, query.status().message());
  FibersView view = LookAtFibers(runtime_, *query);
  if (allow_cancel_) view.cancel_token = token_.text();
  switch (query->format) {
    case PageFormat::kJson:
      return {.content_type = "application/json", .body = FibersAsJson(view)};
    case PageFormat::kHtml:
      return {.content_type = kHtmlContentType, .body = FibersAsHtml(view)};
    case PageFormat::kText:
      break;
  }
  return {.body = FibersAsText(view)};
}

AdminReply FibersPages::Cancel(const AdminRequest& request) const {
  if (!allow_cancel_) {
    return ErrorReply(403, "cancelling fibers is not allowed here: set admin.allow_cancel");
  }
  const AdminRequest form = {.query = ParseQuery(request.body)};
  if (!token_.Matches(form.Parameter("token"))) {
    return ErrorReply(403, "send the token that /debug/fibers?format=html has in its buttons");
  }
  uint64_t id = 0;
  if (!absl::SimpleAtoi(form.Parameter("id"), &id))
    return ErrorReply(400, "id= is the number of a fiber");
  const absl::Status cancelled = runtime_.CancelFiber(id, kCancelTimeout);
  if (!cancelled.ok()) {
    return ErrorReply(cancelled.code() == absl::StatusCode::kNotFound ? 404 : 503,
                      std::string(cancelled.message()));
  }
  kLog.Warning("a fiber was cancelled by hand", {{"fiber", id}});
  return {.content_type = kHtmlContentType,
          .body = HtmlPage("Fibers", absl::StrCat("<p>Fiber ", id,
                                                  " is cancelled: it ends at its next cancel "
                                                  "point.<p><a href=\"/debug/fibers\">All "
                                                  "fibers</a>\n"))};
}

void LogFibers(Runtime& runtime) {
  const FibersView view = LookAtFibers(runtime, {.layout = FibersLayout::kStacks});
  kLog.Info("fiber dump", {{"summary", FibersSummary(view)}});
  for (const std::string& line : StuckShardLines(view)) kLog.Warning(line);
  for (const std::vector<FiberInfo>& ring : view.deadlocks) {
    std::string fibers;
    for (const FiberInfo& fiber : ring) absl::StrAppend(&fibers, DescribeFiber(fiber), "; ");
    kLog.Error("deadlock of fibers", {{"ring", fibers}});
  }
  const size_t logged = std::min(view.stacks.size(), kMaxGroupsLogged);
  for (size_t i = 0; i < logged; ++i) {
    const FiberStackGroup& group = view.stacks[i];
    kLog.Info("fibers", {{"count", group.fibers.size()},
                         {"oldest", DescribeFiber(*group.fibers[0])},
                         {"stack", absl::StrJoin(group.frames, " < ")}});
  }
  if (logged < view.stacks.size()) {
    kLog.Info("more fibers", {{"groups", view.stacks.size() - logged}});
  }
}

}  // namespace weft::app
