#include "platform/observability/metrics/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kCpu = CataloguedMetric("process_cpu_seconds_total");
constexpr const Metric& kResident = CataloguedMetric("process_resident_memory_bytes");
constexpr const Metric& kVirtual = CataloguedMetric("process_virtual_memory_bytes");
constexpr const Metric& kOpenFds = CataloguedMetric("process_open_fds");
constexpr const Metric& kMaxFds = CataloguedMetric("process_max_fds");
constexpr const Metric& kStart = CataloguedMetric("process_start_time_seconds");
constexpr const Metric& kThreads = CataloguedMetric("process_threads");
constexpr const Metric& kBuildInfo = CataloguedMetric("weft_build_info");

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Unix time of the boot, from the btime line of /proc/stat; 0 if there is none.
double BootTimeSeconds() {
  std::ifstream file("/proc/stat");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string key;
    int64_t seconds;
    if (words >> key >> seconds && key == "btime") return static_cast<double>(seconds);
  }
  return 0;
}

// -1 if they cannot be counted.
int CountOpenFds() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return -1;
  int count = 0;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(folder);
  return count - 1;  // the folder's own
}

}  // namespace

absl::StatusOr<ProcessStat> ParseProcessStat(absl::string_view text) {
  // The second field is the program's name in parentheses and may hold blanks and parentheses.
  const size_t name_end = text.rfind(')');
  if (name_end == absl::string_view::npos) {
    return absl::InvalidArgumentError("stat: there is no name in parentheses");
  }
  std::istringstream fields{std::string(text.substr(name_end + 1))};
  ProcessStat stat;
  // Numbers of fields as proc(5) counts them; the first after the name is number 3, and a letter.
  const std::pair<int, int64_t*> wanted[] = {{14, &stat.user_ticks},    {15, &stat.system_ticks},
                                             {20, &stat.threads},       {22, &stat.start_ticks},
                                             {23, &stat.virtual_bytes}, {24, &stat.resident_pages}};
  int number = 3;
  std::string skipped;
  for (const auto& [wanted_number, value] : wanted) {
    for (; number < wanted_number; ++number) fields >> skipped;
    if (!(fields >> *value)) {
      return absl::InvalidArgumentError(absl::StrCat("stat: field ", number, " is no number"));
    }
    ++number;
  }
  return stat;
}

ProcessMetrics::ProcessMetrics() : boot_time_seconds_(BootTimeSeconds()) {}

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  absl::StatusOr<ProcessStat> stat = ParseProcessStat(ReadFile("/proc/self/stat"));
  if (stat.ok()) {
    AddValue(
        families, kResident,
        static_cast<double>(stat->resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
    AddValue(families, kVirtual, static_cast<double>(stat->virtual_bytes));
    AddValue(families, kThreads, static_cast<double>(stat->threads));
    if (boot_time_seconds_ > 0) {
      AddValue(families, kStart,
               boot_time_seconds_ + static_cast<double>(stat->start_ticks) / ticks_per_second);
    }
  }
  rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) == 0) {  // finer than the ticks of stat
    AddValue(families, kCpu,
             static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
  }
  if (const int count = CountOpenFds(); count >= 0) AddValue(families, kOpenFds, count);
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    AddValue(families, kMaxFds, static_cast<double>(limit.rlim_cur));
  }
  return families;
}

std::vector<prometheus::MetricFamily> BuildInfo::Collect() const {
  prometheus::MetricFamily info = MakeFamily(kBuildInfo);
  AddSample(info, kBuildInfo, {version_, service_}, 1);
  return {std::move(info)};
}

}  // namespace weft::observability
