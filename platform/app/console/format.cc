#include "platform/app/console/format.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"

namespace weft::app {
namespace {

// As a reader counts them: UTF-8's further bytes take no column.
size_t Columns(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

}  // namespace

absl::StatusOr<PageFormat> ParsePageFormat(const AdminRequest& request) {
  const std::string& format = request.Parameter("format");
  if (format.empty()) {
    return absl::StrContains(request.accept, "text/html") ? PageFormat::kHtml : PageFormat::kText;
  }
  return ChooseParameter<PageFormat>(
      "format", format,
      {{"text", PageFormat::kText}, {"json", PageFormat::kJson}, {"html", PageFormat::kHtml}});
}

absl::StatusOr<absl::Duration> ParseDurationParameter(const AdminRequest& request,
                                                      const std::string& name) {
  const std::string& text = request.Parameter(name);
  absl::Duration duration;
  if (text.empty() || absl::ParseDuration(text, &duration)) return duration;
  return absl::InvalidArgumentError(
      absl::StrCat(name, "=", text, " is no duration; write one such as 1.5s or 200ms"));
}

std::string FormatAge(int64_t nanos) {
  const absl::Duration age = absl::Nanoseconds(nanos);
  const absl::Duration size = absl::AbsDuration(age);
  const absl::Duration unit = size >= absl::Seconds(1)        ? absl::Milliseconds(1)
                              : size >= absl::Milliseconds(1) ? absl::Microseconds(1)
                                                              : absl::Nanoseconds(1);
  return absl::FormatDuration(absl::Trunc(age, unit));
}

std::string FormatDeadline(int64_t left_nanos) {
  if (left_nanos == INT64_MAX) return "-";
  return left_nanos > 0 ? FormatAge(left_nanos) : absl::StrCat("over by ", FormatAge(-left_nanos));
}

std::string FormatInstant(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%E3S", time, absl::UTCTimeZone());
}

std::string FormatBytes(double bytes) {
  static constexpr absl::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return absl::StrFormat("%.0f B", bytes);
  size_t unit = 0;
  for (bytes /= 1024; bytes >= 1024 && unit + 1 < std::size(kUnits); bytes /= 1024) ++unit;
  return absl::StrFormat("%.1f %s", bytes, kUnits[unit]);
}

void AppendTextTable(const std::vector<std::vector<std::string>>& rows, std::string* text) {
  std::vector<size_t> widths(rows.empty() ? 0 : rows[0].size(), 0);
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Columns(row[i]));
  }
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      absl::StrAppend(text, row[i], std::string(widths[i] - Columns(row[i]) + 2, ' '));
    }
    absl::StrAppend(text, row.back(), "\n");
  }
}

}  // namespace weft::app
