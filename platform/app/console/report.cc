#include "platform/app/console/report.h"

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "platform/app/console/format.h"
#include "platform/app/console/html_table.h"
#include "platform/app/html.h"
#include "platform/base/check.h"

namespace weft::app {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const ReportTable& table, const ReportRow& row) {
  Check(row.cells.size() == table.columns.size(), "a row has a cell for each column");
  Json json = Json::object();
  for (size_t i = 0; i < row.cells.size(); ++i) {
    const ReportCell& cell = row.cells[i];
    json[table.columns[i].key] = cell.number.has_value() ? Json(*cell.number) : Json(cell.text);
  }
  if (!table.details_key.empty()) json[table.details_key] = row.details;
  return json;
}

void AppendText(const ReportTable& table, std::string* text) {
  absl::StrAppend(text, "\n", table.title, "\n");
  if (table.rows.empty()) {
    absl::StrAppend(text, table.none, "\n");
    return;
  }
  std::vector<std::vector<std::string>> rows(1);
  for (const ReportColumn& column : table.columns) rows[0].push_back(column.title);
  for (const ReportRow& row : table.rows) {
    std::vector<std::string>& cells = rows.emplace_back();
    for (const ReportCell& cell : row.cells) cells.push_back(cell.text.empty() ? "-" : cell.text);
  }
  std::string aligned;
  AppendTextTable(rows, &aligned);
  const std::vector<std::string> lines = absl::StrSplit(aligned, '\n');
  absl::StrAppend(text, lines[0], "\n");
  for (size_t i = 0; i < table.rows.size(); ++i) {
    absl::StrAppend(text, lines[i + 1], "\n");
    for (const std::string& line : table.rows[i].details) absl::StrAppend(text, "    ", line, "\n");
  }
}

std::string TableAsHtml(const ReportTable& table) {
  std::string html = absl::StrCat("<h2>", EscapeHtml(table.title), "</h2>\n");
  if (table.rows.empty()) return absl::StrCat(html, "<p>", EscapeHtml(table.none), "</p>\n");
  std::vector<std::string> titles;
  for (const ReportColumn& column : table.columns) titles.push_back(column.title);
  HtmlTable rows(std::move(titles));
  for (const ReportRow& row : table.rows) {
    std::vector<std::string> cells;
    for (const ReportCell& cell : row.cells) cells.push_back(EscapeHtml(cell.text));
    if (!row.details.empty()) {
      std::string& name = cells[0];
      name = absl::StrCat("<details><summary>", name, "</summary><pre>");
      for (const std::string& line : row.details) absl::StrAppend(&name, EscapeHtml(line), "\n");
      name += "</pre></details>";
    }
    rows.AddRow(cells);
  }
  return html + rows.Finish();
}

}  // namespace

ReportCell::ReportCell(double value) : text(absl::StrFormat("%.0f", value)), number(value) {}

std::string ReportAsText(const Report& report) {
  std::string text;
  for (const std::string& line : report.alarms) absl::StrAppend(&text, "ALARM: ", line, "\n");
  for (const std::string& line : report.lines) absl::StrAppend(&text, line, "\n");
  for (const ReportTable& table : report.tables) AppendText(table, &text);
  return text;
}

std::string ReportAsJson(const Report& report) {
  Json json = {{"alarms", report.alarms}, {"lines", report.lines}};
  for (const ReportTable& table : report.tables) {
    Json& rows = json[table.key] = Json::array();
    for (const ReportRow& row : table.rows) rows.push_back(ToJson(table, row));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ReportAsHtml(const Report& report) {
  std::string body;
  for (const std::string& line : report.alarms) {
    absl::StrAppend(&body, "<p class=\"alarm\">", EscapeHtml(line), "</p>\n");
  }
  for (const std::string& line : report.lines) {
    absl::StrAppend(&body, "<p>", EscapeHtml(line), "</p>\n");
  }
  for (const ReportTable& table : report.tables) body += TableAsHtml(table);
  return HtmlPage(report.title, body, report.path);
}

AdminReply ShowReport(const AdminRequest& request, const Report& report) {
  const absl::StatusOr<PageFormat> format = ParsePageFormat(request);
  if (!format.ok()) return ErrorReply(400, format.status().message());
  switch (*format) {
    case PageFormat::kJson:
      return {.content_type = "application/json", .body = ReportAsJson(report)};
    case PageFormat::kHtml:
      return {.content_type = kHtmlContentType, .body = ReportAsHtml(report)};
    case PageFormat::kText:
      break;
  }
  return {.body = ReportAsText(report)};
}

}  // namespace weft::app
