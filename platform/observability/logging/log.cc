#include "platform/observability/logging/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "platform/base/clock.h"
#include "platform/fiber/runtime.h"
#include "platform/observability/logging/json_line.h"
#include "platform/observability/logging/log_levels.h"
#include "platform/observability/logging/log_writer.h"
#include "platform/observability/logging/repeat_limit.h"
#include "platform/observability/tracing/fiber_context.h"

namespace weft::observability {
namespace {

using internal::LogWriter;

struct Writers {
  absl::Mutex mutex;
  // All that there ever were, the current one last: a caller may still hold any of them.
  std::vector<LogWriter*> all ABSL_GUARDED_BY(mutex);
};

Writers& AllWriters() {
  static auto* writers = new Writers;
  return *writers;
}

std::atomic<LogWriter*> current_writer{nullptr};

internal::RepeatLimit& Repeats() {
  static auto* const repeats = new internal::RepeatLimit;
  return *repeats;
}

// One write(2) for a whole line: lines of several threads do not mix.
void WriteToStderr(absl::string_view line) {
  std::string text(line);
  text += '\n';
  absl::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = write(STDERR_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody is there to be told
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

bool IsTaken(absl::string_view key) {
  for (const char* taken : {"ts", "level", "msg", "module"}) {
    if (key == taken) return true;
  }
  return false;
}

// The keys that tell where the caller is.
bool IsPlace(absl::string_view key) {
  return key == "shard" || key == "trace_id" || key == "span_id";
}

bool IsEmptyText(const Field& field) {
  const auto* const text = absl::get_if<absl::string_view>(&field.value());
  return text != nullptr && text->empty();
}

template <size_t N>
absl::string_view AsView(const std::array<char, N>& text) {
  return {text.data(), text.size()};
}

std::string MakeLine(absl::Time now, Severity severity, absl::string_view message, Fields fields,
                     absl::string_view module, uint64_t left_out) {
  JsonLine line;
  line.Add("ts", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", now, absl::UTCTimeZone()));
  line.Add("level", SeverityName(severity));
  line.Add("msg", message);
  if (!module.empty()) line.Add("module", module);
  bool has_place = false;
  if (const int shard = Runtime::CurrentShard(); shard >= 0) {
    has_place = true;
    line.Add("shard", static_cast<int64_t>(shard));
  }
  if (const TraceIds ids = CurrentTraceIds(); ids.valid()) {
    has_place = true;
    line.Add("trace_id", AsView(ToHex(ids.trace_id)));
    line.Add("span_id", AsView(ToHex(ids.span_id)));
  }
  for (const Field& field : fields) {
    const auto add = [&](absl::string_view key) {
      absl::visit([&](auto value) { line.Add(key, value); }, field.value());
    };
    const bool is_place = IsPlace(field.key());
    if (is_place && !has_place && IsEmptyText(field)) continue;
    if (IsTaken(field.key()) || (is_place && has_place)) {
      add(absl::StrCat(field.key(), "_"));
    } else {
      add(field.key());
    }
  }
  if (left_out > 0) line.Add("repeats_left_out", left_out);
  return std::move(line).Finish();
}

}  // namespace

absl::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "debug";
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "";
}

absl::StatusOr<Severity> ParseSeverity(absl::string_view name) {
  for (Severity severity :
       {Severity::kDebug, Severity::kInfo, Severity::kWarning, Severity::kError}) {
    if (name == SeverityName(severity)) return severity;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "log level \"", name, "\" is none of \"debug\", \"info\", \"warning\" and \"error\""));
}

const internal::LogModule* Logger::Find() const {
  const internal::LogModule* const found = &internal::FindLogModule(module_);
  found_.store(found, std::memory_order_release);
  return found;
}

void internal::WriteLine(Severity severity, absl::string_view message, Fields fields,
                         absl::string_view module, const LogStatement& statement) {
  const std::optional<uint64_t> left_out =
      Repeats().Admit(statement, Clock::Real().MonotonicNanos());
  if (!left_out.has_value()) return;
  const absl::Time now = Clock::Real().Now();
  RestoreLogLevels(now);
  const std::string line = MakeLine(now, severity, message, fields, module, *left_out);
  if (LogWriter* writer = current_writer.load(std::memory_order_acquire)) {
    writer->Add(line);
  } else {
    WriteToStderr(line);
  }
}

void InitLogging(LoggingOptions options) {
  static const int at_exit = std::atexit([] { ShutdownLogging(); });
  static_cast<void>(at_exit);
  ShutdownLogging();
  SetLogLevel(options.level);
  Repeats().SetLinesPerSecond(options.repeats_per_second);
  if (!options.write) options.write = WriteToStderr;
  auto* writer = new LogWriter(options.queue_lines, std::move(options.write));
  Writers& writers = AllWriters();
  absl::MutexLock lock(&writers.mutex);
  writers.all.push_back(writer);
  current_writer.store(writer, std::memory_order_release);
}

void SetLogLevel(Severity level) { SetModuleLogLevel({}, level).IgnoreError(); }

bool FlushLogs(absl::Duration timeout) {
  LogWriter* writer = current_writer.load(std::memory_order_acquire);
  return writer == nullptr || writer->Flush(timeout);
}

void ShutdownLogging(absl::Duration timeout) {
  LogWriter* writer = current_writer.exchange(nullptr, std::memory_order_acq_rel);
  if (writer != nullptr) writer->Stop(timeout);
}

uint64_t LogRepeatsLeftOutTotal() { return Repeats().left_out_total(); }

uint64_t LogDroppedTotal() {
  Writers& writers = AllWriters();
  absl::MutexLock lock(&writers.mutex);
  uint64_t dropped = 0;
  for (const LogWriter* writer : writers.all) dropped += writer->dropped();
  return dropped;
}

}  // namespace weft::observability
