// What the pages of the admin server have in common: the format they are asked for, and how they
// write times and tables as text.
#ifndef WEFT_PLATFORM_APP_CONSOLE_FORMAT_H_
#define WEFT_PLATFORM_APP_CONSOLE_FORMAT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/app/admin_request.h"

namespace weft::app {

enum class PageFormat { kText, kJson, kHtml };

// The parameter format= (text, json, html); without it HTML where the Accept header names it, else
// text. Error: INVALID_ARGUMENT, naming what it may be.
absl::StatusOr<PageFormat> ParsePageFormat(const AdminRequest& request);

// The parameter as a duration; zero where there is none. Error: INVALID_ARGUMENT naming it.
absl::StatusOr<absl::Duration> ParseDurationParameter(const AdminRequest& request,
                                                      const std::string& name);

// One of several values of a parameter, by its name. Error: INVALID_ARGUMENT naming all.
template <typename Value>
absl::StatusOr<Value> ChooseParameter(absl::string_view parameter, const std::string& value,
                                      const std::map<std::string, Value>& choices) {
  const auto found = choices.find(value);
  if (found != choices.end()) return found->second;
  const auto name = [](std::string* out, const auto& choice) { out->append(choice.first); };
  return absl::InvalidArgumentError(absl::StrCat(
      parameter, "=", value, " is not known; it is one of ", absl::StrJoin(choices, ", ", name)));
}

// "1.204s", "2.3ms": three digits are enough to see what matters, and nine are hard to read.
std::string FormatAge(int64_t nanos);
// "796ms", "over by 5ms", "-" for none (INT64_MAX).
std::string FormatDeadline(int64_t left_nanos);
// "2026-11-21 12:03:04.123", UTC.
std::string FormatInstant(absl::Time time);
// "812 B", "4.0 KiB".
std::string FormatBytes(double bytes);

// Columns as wide as their widest cell, two blanks between; a line for each row. All rows have as
// many cells.
void AppendTextTable(const std::vector<std::vector<std::string>>& rows, std::string* text);

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_CONSOLE_FORMAT_H_
