// Metrics of the process, from /proc/self, under the names that Prometheus' own clients use; and
// what runs in it.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_PROCESS_METRICS_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_PROCESS_METRICS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "prometheus/collectable.h"

namespace weft::observability {

// What /proc/<pid>/stat tells (proc(5)).
struct ProcessStat {
  int64_t user_ticks = 0;
  int64_t system_ticks = 0;
  int64_t threads = 0;
  int64_t start_ticks = 0;  // since boot
  int64_t virtual_bytes = 0;
  int64_t resident_pages = 0;
};

// INVALID_ARGUMENT for a text that is no such line.
absl::StatusOr<ProcessStat> ParseProcessStat(absl::string_view text);

// Collect() reads three small files and a folder: any thread but a shard's, since file I/O blocks
// the thread. What cannot be read is left out.
class ProcessMetrics final : public prometheus::Collectable {
 public:
  ProcessMetrics();
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  double boot_time_seconds_ = 0;  // Unix time; 0 if unknown
};

// weft_build_info.
class BuildInfo final : public prometheus::Collectable {
 public:
  BuildInfo(std::string service, std::string version)
      : service_(std::move(service)), version_(std::move(version)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string service_;
  const std::string version_;
};

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_PROCESS_METRICS_H_
