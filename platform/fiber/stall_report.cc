#include "platform/fiber/stall_report.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weft {

absl::string_view StallCauseName(StallCause cause) {
  switch (cause) {
    case StallCause::kComputes:
      return "computes";
    case StallCause::kBlocks:
      return "blocks its thread";
    case StallCause::kGetsNoCpu:
      return "gets no CPU";
  }
  return "unknown";
}

std::string ToString(const StallReport& report) {
  std::string text = report.fiber_id == 0
                         ? "the loop"
                         : absl::StrCat("fiber ", report.fiber_id, " '", report.fiber_name, "'");
  if (!report.trace_id.empty()) absl::StrAppend(&text, " (trace ", report.trace_id, ")");
  absl::StrAppend(&text, " on shard ", report.shard, " ", StallCauseName(report.cause), " for ",
                  absl::FormatDuration(absl::Microseconds(report.nanos / 1000)),
                  " without a park:");
  for (const std::string& name : report.stack) absl::StrAppend(&text, "\n    ", name);
  if (report.stack.empty()) absl::StrAppend(&text, "\n    no stack: ", report.no_stack);
  return text;
}

}  // namespace weft
