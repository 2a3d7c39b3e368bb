#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/app/console/html_table.h"
#include "platform/app/fibers_view.h"
#include "platform/app/html.h"

namespace weft::app {
namespace {

constexpr absl::string_view kLayouts[] = {"list", "tree", "stacks"};
// Fibers named of a group of identical stacks; the others are counted.
constexpr size_t kFibersNamed = 8;

// In the order of the cells of AddRow(): what a reader looks for stands left, where a narrow window
// shows it without being scrolled.
constexpr const char* kColumns[] = {"Fiber", "Name",        "Waits for", "In state",
                                    "Age",   "Deadline in", "State",     "Cancelled",
                                    "Trace", "Parent",      "Shard"};

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

// As above, from a view that has no rows.
std::string LinkIntoList(uint64_t id) {
  return absl::StrCat("<a href=\"?format=html#fiber-", id, "\">", id, "</a>");
}

std::string CancelCell(const FiberInfo& fiber, const std::string& token) {
  return absl::StrCat(
      "<form method=\"post\" action=\"/debug/fibers/cancel\">"
      "<input type=\"hidden\" name=\"token\" value=\"",
      token, "\"><button name=\"id\" value=\"", fiber.id, "\">Cancel</button></form>");
}

void AddRow(const FiberInfo& fiber, int depth, const std::string& token, HtmlTable* table) {
  std::string waits_for = EscapeHtml(fiber.waits_for);
  if (fiber.owner_id != 0) absl::StrAppend(&waits_for, ", held by ", FiberLink(fiber.owner_id));
  const std::string trace =
      fiber.trace_id.empty() ? "" : absl::StrCat("<code>", EscapeHtml(fiber.trace_id), "</code>");
  std::vector<std::string> cells = {absl::StrCat(fiber.id),
                                    EscapeHtml(fiber.name),
                                    std::move(waits_for),
                                    FormatAge(fiber.state_nanos),
                                    FormatAge(fiber.age_nanos),
                                    FormatDeadline(fiber.deadline_left_nanos),
                                    fiber.state,
                                    EscapeHtml(fiber.cancelled),
                                    trace,
                                    fiber.parent_id == 0 ? "" : FiberLink(fiber.parent_id),
                                    absl::StrCat(fiber.shard)};
  if (!token.empty()) cells.push_back(CancelCell(fiber, token));
  std::string attributes = absl::StrCat("id=\"fiber-", fiber.id, "\"");
  if (depth > 0) absl::StrAppend(&attributes, " style=\"--depth:", depth, "\"");
  table->AddRow(cells, attributes);
}

std::string Table(const FibersView& view) {
  std::vector<std::string> columns(std::begin(kColumns), std::end(kColumns));
  if (!view.cancel_token.empty()) columns.push_back("");
  HtmlTable table(std::move(columns), /*name=*/1);
  std::vector<FiberTreeRow> rows;
  if (view.query.layout == FibersLayout::kTree) {
    rows = ToTree(view.fibers);
  } else {
    for (const FiberInfo& fiber : view.fibers) rows.push_back({&fiber, 0});
  }
  const size_t shown = std::min(rows.size(), kMaxFibersShown);
  for (size_t i = 0; i < shown; ++i) {
    AddRow(*rows[i].fiber, rows[i].depth, view.cancel_token, &table);
  }
  std::string html = table.Finish();
  if (shown < rows.size()) absl::StrAppend(&html, "<p>… and ", rows.size() - shown, " more\n");
  return html;
}

// The oldest fibers of the group, as links to their rows in the list.
std::string FibersOf(const FiberStackGroup& group) {
  std::string html;
  const size_t named = std::min(group.fibers.size(), kFibersNamed);
  for (size_t i = 0; i < named; ++i) {
    absl::StrAppend(&html, i == 0 ? "" : ", ", LinkIntoList(group.fibers[i]->id));
  }
  if (named < group.fibers.size()) {
    absl::StrAppend(&html, " and ", group.fibers.size() - named, " more");
  }
  return html;
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
                    "</summary><p>");
    absl::StrAppend(&html, FibersOf(group), "<pre>");
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
  return HtmlPage("Fibers", body, "/debug/fibers");
}

}  // namespace weft::app
