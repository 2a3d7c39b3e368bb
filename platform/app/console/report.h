// Report: a page that is lines and tables; written once, shown as text, JSON and HTML.
//
//   return ShowReport(request, {.title = "Shards", .path = "/debug/shards", .tables = {…}});
#ifndef WEFT_PLATFORM_APP_CONSOLE_REPORT_H_
#define WEFT_PLATFORM_APP_CONSOLE_REPORT_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/app/admin_request.h"
#include "platform/app/admin_server.h"

namespace weft::app {

// What a person reads, and where it is a number that number for programs.
struct ReportCell {
  ReportCell(std::string shown) : text(std::move(shown)) {}  // NOLINT: rows are lists of cells
  ReportCell(const char* shown) : text(shown) {}             // NOLINT
  // A count, or a number with a text of its own.
  ReportCell(double value);  // NOLINT
  ReportCell(double value, std::string shown) : text(std::move(shown)), number(value) {}

  std::string text;
  std::optional<double> number = std::nullopt;
};

struct ReportColumn {
  std::string key;    // in JSON
  std::string title;  // for people
};

struct ReportRow {
  std::vector<ReportCell> cells;  // as many as there are columns; the first one names the row
  std::vector<std::string> details = {};  // further lines, such as a stack
};

struct ReportTable {
  std::string key;  // in JSON
  std::string title;
  std::vector<ReportColumn> columns;
  std::vector<ReportRow> rows;
  std::string details_key = {};  // in JSON; empty: rows have none
  std::string none = "none";     // instead of an empty table
};

struct Report {
  std::string title;
  std::string path;                      // of the page
  std::vector<std::string> lines = {};   // before the tables
  std::vector<std::string> alarms = {};  // before those
  std::vector<ReportTable> tables = {};
};

// In the format that the request asks for; 400 where there is no such format. Any thread.
AdminReply ShowReport(const AdminRequest& request, const Report& report);

std::string ReportAsText(const Report& report);
std::string ReportAsJson(const Report& report);
std::string ReportAsHtml(const Report& report);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_REPORT_H_
