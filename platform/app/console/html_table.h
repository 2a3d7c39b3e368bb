// HtmlTable: a table that is one on a wide screen, and on a phone a list of blocks in which each
// value says what it is (the style is platform/app/html.cc's "cards").
//
//   HtmlTable table({"Name", "Age"});   // the first column names the row
//   table.AddRow({EscapeHtml(name), "12s"});
//   body += table.Finish();
#ifndef WEFT_PLATFORM_APP_CONSOLE_HTML_TABLE_H_
#define WEFT_PLATFORM_APP_CONSOLE_HTML_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weft::app {

class HtmlTable {
 public:
  // `columns` are plain text. The cells of column `name` are what a block is called by.
  explicit HtmlTable(std::vector<std::string> columns, size_t name = 0);

  // `cells` are HTML, as many as there are columns; `attributes` go into the row's tag.
  void AddRow(const std::vector<std::string>& cells, absl::string_view attributes = "");
  std::string Finish();

 private:
  const std::vector<std::string> columns_;
  const size_t name_;
  std::string html_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_HTML_TABLE_H_
