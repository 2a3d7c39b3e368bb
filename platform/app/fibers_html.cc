#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/app/fibers_view.h"
#include "platform/app/html.h"

namespace weft::app {
namespace {

constexpr absl::string_view kLayouts[] = {"list", "tree", "stacks"};

std::string Option(absl::string_view value, absl::string_view label, bool selected) {
  return absl::StrCat("<option value=\"", value, "\"", selected ? " selected" : "", ">", label,
                      "</option>");
}

// The filter; a plain form, so that a view is a link that can be sent to somebody.
std::string FilterForm(const FibersQuery& query) {
  std::string form = absl::StrCat(
      "<form><input type=\"hidden\" name=\"format\" value=\"html\">"
      "<label>Name contains<input name=\"name\" value=\"",
      EscapeHtml(query.filter.name), "\"></label><label>State<select name=\"state\">");
  absl::StrAppend(&form, Option("", "any", query.filter.state.empty()));
  for (const char* state : {"running", "ready", "parked"}) {
    absl::StrAppend(&form, Option(state, state, query.filter.state == state));
  }
  const std::string age = query.filter.min_age == absl::ZeroDuration()
                              ? ""
                              : absl::FormatDuration(query.filter.min_age);
  absl::StrAppend(&form, "</select></label><label>At least as old as<input name=\"min_age\" ",
                  "placeholder=\"1s\" size=\"6\" value=\"", age,
                  "\"></label><label>View<select name=\"view\">");
  for (const absl::string_view layout : kLayouts) {
    absl::StrAppend(&form,
                    Option(layout, layout, layout == kLayouts[static_cast<int>(query.layout)]));
  }
  return form + "</select></label><button>Show</button></form>\n";
}

// A fiber's number as a link to its row.
std::string FiberLink(uint64_t id) {
  return absl::StrCat("<a href=\"#fiber-", id, "\">", id, "</a>");
}

std::string CancelCell(const FiberInfo& fiber, const std::string& token) {
  if (token.empty()) return "";
  return absl::StrCat(
      "<td><form method=\"post\" action=\"/debug/fibers/cancel\">"
      "<input type=\"hidden\" name=\"token\" value=\"",
      token, "\"><button name=\"id\" value=\"", fiber.id, "\">Cancel</button></form>");
}

std::string Row(const FiberInfo& fiber, int depth, const std::string& token) {
  std::string waits_for = EscapeHtml(fiber.waits_for);
  if (fiber.owner_id != 0) absl::StrAppend(&waits_for, ", held by ", FiberLink(fiber.owner_id));
  std::string row = absl::StrCat("<tr id=\"fiber-", fiber.id, "\"><td>", fiber.id, "<td>",
                                 fiber.shard, "<td>", fiber.state, "<td>");
  absl::StrAppend(&row, FormatAge(fiber.age_nanos), "<td>", FormatAge(fiber.state_nanos), "<td>",
                  FormatDeadline(fiber.deadline_left_nanos),
                  "<td style=\"padding-left:", depth * 1.2, "rem\">");
  absl::StrAppend(&row, EscapeHtml(fiber.name), "<td>", waits_for, "<td>",
                  EscapeHtml(fiber.cancelled), "<td>");
  absl::StrAppend(&row, fiber.parent_id == 0 ? "" : FiberLink(fiber.parent_id), "<td><code>",
                  EscapeHtml(fiber.trace_id), "</code>", CancelCell(fiber, token), "\n");
  return row;
}

std::string Table(const FibersView& view) {
  std::string table = absl::StrCat(
      "<div class=\"scroll\"><table>\n<tr><th>Fiber<th>Shard<th>State<th>Age<th>In state"
      "<th>Deadline in<th>Name<th>Waits for<th>Cancelled<th>Parent<th>Trace",
      view.cancel_token.empty() ? "" : "<th>", "\n");
  std::vector<FiberTreeRow> rows;
  if (view.query.layout == FibersLayout::kTree) {
    rows = ToTree(view.fibers);
  } else {
    for (const FiberInfo& fiber : view.fibers) rows.push_back({&fiber, 0});
  }
  const size_t shown = std::min(rows.size(), kMaxFibersShown);
  for (size_t i = 0; i < shown; ++i) {
    table += Row(*rows[i].fiber, rows[i].depth, view.cancel_token);
  }
  table += "</table></div>\n";
  if (shown < rows.size()) {
    absl::StrAppend(&table, "<p>… and ", rows.size() - shown, " more\n");
  }
  return table;
}

std::string Stacks(const FibersView& view) {
  std::string html;
  for (const FiberStackGroup& group : view.stacks) {
    absl::StrAppend(&html, "<details open><summary>", group.fibers.size(),
                    group.fibers.size() == 1 ? " fiber" : " fibers", ": ",
                    EscapeHtml(group.fibers[0]->name), ", ", EscapeHtml(group.fibers[0]->state));
    if (!group.fibers[0]->waits_for.empty()) {
      absl::StrAppend(&html, " on ", EscapeHtml(group.fibers[0]->waits_for));
    }
    absl::StrAppend(&html, ", the oldest for ", FormatAge(group.fibers[0]->state_nanos),
                    "</summary><pre>");
    for (const std::string& frame : group.frames) absl::StrAppend(&html, EscapeHtml(frame), "\n");
    if (group.frames.empty()) html += "(no stack)\n";
    html += "</pre></details>\n";
  }
  return html;
}

std::string Deadlocks(const FibersView& view) {
  std::string html;
  for (const std::vector<FiberInfo>& ring : view.deadlocks) {
    html +=
        "<div class=\"alarm\"><h2>Deadlock</h2><p>These wait for locks in a ring, and none can "
        "go on:<ul>\n";
    for (const FiberInfo& fiber : ring) {
      absl::StrAppend(&html, "<li>", EscapeHtml(DescribeFiber(fiber)), "\n");
    }
    html += "</ul></div>\n";
  }
  return html;
}

}  // namespace

std::string FibersAsHtml(const FibersView& view) {
  std::string body = absl::StrCat("<p>", EscapeHtml(FibersSummary(view)), "\n");
  for (const std::string& line : StuckShardLines(view)) {
    absl::StrAppend(&body, "<p class=\"alarm\">", EscapeHtml(line), "\n");
  }
  body += Deadlocks(view);
  body += FilterForm(view.query);
  if (view.fibers.size() < view.listed) {
    absl::StrAppend(&body, "<p>Filtered: ", view.fibers.size(), " of ", view.listed, "\n");
  }
  body += view.query.layout == FibersLayout::kStacks ? Stacks(view) : Table(view);
  return HtmlPage("Fibers", body);
}

}  // namespace weft::app
