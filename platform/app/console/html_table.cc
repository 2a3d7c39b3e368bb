#include "platform/app/console/html_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/app/html.h"
#include "platform/base/check.h"

namespace weft::app {

HtmlTable::HtmlTable(std::vector<std::string> columns, size_t name)
    : columns_(std::move(columns)), name_(name) {
  // It can be scrolled by keyboard, too, where it is wider than the window.
  html_ = "<div class=\"scroll\" tabindex=\"0\"><table class=\"cards\">\n<thead><tr>";
  for (const std::string& column : columns_) {
    absl::StrAppend(&html_, "<th scope=\"col\">", EscapeHtml(column), "</th>");
  }
  html_ += "</tr></thead>\n<tbody>\n";
}

// Cells are closed: a blank before the next one would make an empty one show.
void HtmlTable::AddRow(const std::vector<std::string>& cells, absl::string_view attributes) {
  Check(cells.size() == columns_.size(), "a row has a cell for each column");
  absl::StrAppend(&html_, "<tr", attributes.empty() ? "" : " ", attributes, ">");
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i == name_) {
      absl::StrAppend(&html_, "<td class=\"name\">", cells[i], "</td>");
    } else {
      absl::StrAppend(&html_, "<td data-label=\"", EscapeHtml(columns_[i]), "\">", cells[i],
                      "</td>");
    }
  }
  html_ += "</tr>\n";
}

std::string HtmlTable::Finish() { return std::exchange(html_, "") + "</tbody></table></div>\n"; }

}  // namespace weft::app
