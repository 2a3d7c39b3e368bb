// Rehearses a drain many times in a row and prints what became of the calls.
// Exit status 1 if a call was lost or a drain took longer than it may.
//
//   bazel run --config=opt //tests/drain:rehearse -- --times=100
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/drain/rehearsal.h"

ABSL_FLAG(int, times, 100, "rehearsals in a row");
ABSL_FLAG(int, shards, 2, "of the server");
ABSL_FLAG(int, connections, 4, "that calls come on");
ABSL_FLAG(int, unary_loops, 8, "unary calls in flight on each connection");

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const weft::drain::RehearsalOptions options = {.shards = absl::GetFlag(FLAGS_shards),
                                                 .connections = absl::GetFlag(FLAGS_connections),
                                                 .unary_loops = absl::GetFlag(FLAGS_unary_loops)};
  weft::drain::RehearsalReport sum;
  std::vector<absl::Duration> drains;
  for (int i = 0; i < absl::GetFlag(FLAGS_times); ++i) {
    const weft::drain::RehearsalReport report = weft::drain::Rehearse(options);
    sum.accepted += report.accepted;
    sum.answered += report.answered;
    sum.cancelled += report.cancelled;
    sum.in_flight += report.in_flight;
    sum.begun_in_grace += report.begun_in_grace;
    for (const auto& [code, calls] : report.refused) sum.refused[code] += calls;
    sum.slowest_refusal = std::max(sum.slowest_refusal, report.slowest_refusal);
    drains.push_back(report.drain);
    for (const std::string& fault : report.faults) {
      std::printf("rehearsal %d: %s\n", i + 1, fault.c_str());
      sum.faults.push_back(fault);
    }
  }
  if (drains.empty()) return 0;
  std::sort(drains.begin(), drains.end());
  const auto line = [](const std::string& name, const std::string& value) {
    std::printf("%-46s %s\n", name.c_str(), value.c_str());
  };
  line("rehearsals", absl::StrCat(drains.size()));
  line("calls accepted", absl::StrCat(sum.accepted));
  line("  ended with OK", absl::StrCat(sum.answered));
  line("  of these begun in the grace interval", absl::StrCat(sum.begun_in_grace));
  line("  streams that ignored the drain, cancelled", absl::StrCat(sum.cancelled));
  line("  in flight when no more calls were taken", absl::StrCat(sum.in_flight));
  for (const auto& [code, calls] : sum.refused) {
    line(absl::StrCat("calls refused with ", code), absl::StrCat(calls));
  }
  line("slowest refusal", absl::FormatDuration(sum.slowest_refusal));
  line("drain, median", absl::FormatDuration(drains[drains.size() / 2]));
  line("drain, longest",
       absl::StrCat(absl::FormatDuration(drains.back()), " of ",
                    absl::FormatDuration(options.timeout + options.after_cancel), " allowed"));
  line("faults", absl::StrCat(sum.faults.size()));
  return sum.faults.empty() && drains.back() <= options.timeout + options.after_cancel ? 0 : 1;
}
