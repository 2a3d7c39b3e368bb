#include "platform/app/console/calls_page.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "platform/app/console/calls_view.h"
#include "platform/app/html.h"

namespace weft::app {

AdminReply CallsPage::Show(const AdminRequest& request) const {
  const absl::StatusOr<CallsQuery> query = ParseCallsQuery(request);
  if (!query.ok()) return ErrorReply(400, query.status().message());
  if (recorder_ == nullptr) {
    return {.status = 404, .body = "calls are not recorded: set admin.record_calls\n"};
  }
  CallsPageView view = MakeCallsPageView(*query, recorder_->Look(runtime_, kCallsTimeout));
  if (!view.calls.in_flight.empty()) {
    for (FiberInfo& fiber : runtime_.Fibers({.timeout = kCallsTimeout})) {
      view.fibers.emplace(fiber.id, std::move(fiber));
    }
  }
  switch (query->format) {
    case PageFormat::kJson:
      return {.content_type = "application/json", .body = CallsAsJson(view)};
    case PageFormat::kHtml:
      return {.content_type = kHtmlContentType, .body = CallsAsHtml(view)};
    case PageFormat::kText:
      break;
  }
  return {.body = CallsAsText(view)};
}

}  // namespace weft::app
