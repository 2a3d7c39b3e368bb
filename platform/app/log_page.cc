#include "platform/app/log_page.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/app/console/format.h"
#include "platform/app/console/html_table.h"
#include "platform/app/html.h"
#include "platform/app/printable.h"
#include "platform/observability/logging/log.h"
#include "platform/observability/logging/log_levels.h"

namespace weft::app {
namespace {

using observability::LogLevels;
using observability::ModuleLogLevel;

constexpr observability::Logger kLog("app");
constexpr absl::string_view kLevels[] = {"debug", "info", "warning", "error"};
constexpr absl::string_view kDefault = "default";
constexpr char kPath[] = "/debug/log";

std::string NameOf(const ModuleLogLevel& level) {
  return level.module.empty() ? "(all others)" : level.module;
}

absl::string_view LevelOf(const ModuleLogLevel& level) {
  return observability::SeverityName(level.level);
}

std::string Until(const ModuleLogLevel& level) {
  if (level.until == absl::InfiniteFuture()) return "";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", level.until, absl::UTCTimeZone());
}

// "its own, until 2024-05-01T12:10:00Z"; "that of all others".
std::string Source(const ModuleLogLevel& level) {
  const std::string until = Until(level);
  const absl::string_view whose = level.module.empty() ? ""
                                  : level.own          ? "its own"
                                                       : "of all others";
  if (until.empty()) return std::string(whose);
  return absl::StrCat(whose, whose.empty() ? "until " : ", until ", until);
}

std::string Options(absl::string_view selected) {
  std::string html;
  for (const absl::string_view level : kLevels) {
    absl::StrAppend(&html, "<option", level == selected ? " selected" : "", ">", level,
                    "</option>");
  }
  return html + "<option value=\"default\">default (that of all others)</option>";
}

// What a form was sent with.
struct Change {
  std::string module;
  std::optional<observability::Severity> level;  // none: default
  absl::Duration duration = absl::InfiniteDuration();
};

absl::StatusOr<Change> ParseChange(const AdminRequest& form) {
  Change change;
  change.module = form.Parameter("module");
  const std::string& level = form.Parameter("level");
  if (level != kDefault) {
    const absl::StatusOr<observability::Severity> known = observability::ParseSeverity(level);
    if (!known.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("level=", Printable(level),
                       " is not known; it is one of debug, info, warning, error, default"));
    }
    change.level = *known;
  }
  const std::string& time = form.Parameter("for");
  if (!time.empty() &&
      (!absl::ParseDuration(time, &change.duration) || change.duration <= absl::ZeroDuration())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "for=", Printable(time), " is no duration above zero; write one such as 10m, or nothing"));
  }
  return change;
}

absl::Status Apply(const Change& change) {
  if (!change.level.has_value()) return observability::ClearModuleLogLevel(change.module);
  return observability::SetModuleLogLevel(change.module, *change.level, change.duration);
}

}  // namespace

AdminReply LogPages::Show(const AdminRequest& request) const {
  const absl::StatusOr<PageFormat> format = ParsePageFormat(request);
  if (!format.ok()) return ErrorReply(400, format.status().message());
  switch (*format) {
    case PageFormat::kJson:
      return {.content_type = "application/json", .body = AsJson()};
    case PageFormat::kHtml:
      return {.content_type = kHtmlContentType, .body = AsHtml()};
    case PageFormat::kText:
      break;
  }
  return {.body = AsText()};
}

AdminReply LogPages::Set(const AdminRequest& request) const {
  const AdminRequest form = {.query = ParseQuery(request.body)};
  if (!token_.Matches(form.Parameter("token"))) {
    return ErrorReply(403, "send the token= that /debug/log?format=json tells");
  }
  const absl::StatusOr<Change> change = ParseChange(form);
  if (!change.ok()) return ErrorReply(400, change.status().message());
  // Before it is changed: a higher level must not hide who made it so.
  kLog.Warning("changing a log level by hand",
               {{"of", change->module.empty() ? "all others" : change->module},
                {"to", change->level ? observability::SeverityName(*change->level) : kDefault},
                {"for", form.Parameter("for").empty() ? "good" : form.Parameter("for")}});
  if (absl::Status s = Apply(*change); !s.ok()) return ErrorReply(400, s.message());
  if (absl::StrContains(request.accept, "text/html")) {
    return {.content_type = kHtmlContentType, .body = AsHtml()};
  }
  return {.body = AsText()};
}

std::string LogPages::AsText() const {
  const std::vector<ModuleLogLevel> levels = LogLevels();
  size_t width = 0;
  for (const ModuleLogLevel& level : levels) width = std::max(width, NameOf(level).size());
  std::string text;
  for (const ModuleLogLevel& level : levels) {
    const std::string name = NameOf(level);
    absl::StrAppend(&text, name, std::string(width - name.size() + 2, ' '), LevelOf(level),
                    std::string(9 - LevelOf(level).size(), ' '), Source(level), "\n");
  }
  return text;
}

std::string LogPages::AsJson() const {
  using Json = nlohmann::ordered_json;
  Json modules = Json::array();
  const std::vector<ModuleLogLevel> levels = LogLevels();
  for (size_t i = 1; i < levels.size(); ++i) {
    const std::string until = Until(levels[i]);
    modules.push_back({{"module", levels[i].module},
                       {"level", std::string(LevelOf(levels[i]))},
                       {"own", levels[i].own},
                       {"until", until.empty() ? Json(nullptr) : Json(until)}});
  }
  const std::string until = Until(levels[0]);
  return Json({{"level", std::string(LevelOf(levels[0]))},
               {"until", until.empty() ? Json(nullptr) : Json(until)},
               {"modules", std::move(modules)},
               {"token", token_.text()}})
             .dump(2) +
         "\n";
}

std::string LogPages::AsHtml() const {
  HtmlTable table({"Module", "Level", "Whose"});
  std::string names;
  for (const ModuleLogLevel& level : LogLevels()) {
    table.AddRow({EscapeHtml(NameOf(level)), std::string(LevelOf(level)), Source(level)});
    if (!level.module.empty()) {
      absl::StrAppend(&names, "<option value=\"", EscapeHtml(level.module), "\">");
    }
  }
  const std::string form = absl::StrCat(
      "<form method=\"post\" action=\"/debug/log/set\">"
      "<input type=\"hidden\" name=\"token\" value=\"",
      token_.text(),
      "\"><label>Module (empty: all others)<input name=\"module\" list=\"modules\" "
      "autocomplete=\"off\"></label><datalist id=\"modules\">",
      names, "</datalist><label>Level<select name=\"level\">", Options("debug"),
      "</select></label><label>For (empty: for good)<input name=\"for\" value=\"10m\" size=\"6\">"
      "</label><button>Set</button></form>\n");
  return HtmlPage("Log levels",
                  absl::StrCat("<p>The least severe lines that are written. A module is what "
                               "stands in a line as <code>module</code>; it shows up with its "
                               "first line.\n",
                               form, table.Finish()),
                  kPath);
}

}  // namespace weft::app
