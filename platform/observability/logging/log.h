// Structured logs: one JSON object a line, on stderr.
//
//   Log(Severity::kInfo, "listening", {{"port", port}, {"tls", false}});
//   constexpr Logger kLog("catalog");                    // adds "module":"catalog"
//   kLog.Warning("slow query", {{"sku", sku}, {"seconds", 1.5}});
//
//   {"ts":"2024-05-01T12:00:00.123456Z","level":"info","msg":"listening","shard":0,
//    "trace_id":"4bf9…","span_id":"00f0…","port":50051,"tls":false}
//
// `trace_id` and `span_id` are those of the fiber's current span, `shard` that of the caller; each
// is left out where there is none. A line from no shard and no trace may be about one: then fields
// of these names take their places, empty ones left out.
//
// A call never waits for the output: it builds the line and puts it into a bounded queue, whose
// oldest line is dropped, and counted, when it is full (spdlog's asynchronous logger; one thread
// writes). The queue has a mutex that is held for the move of one line. Before InitLogging() and
// after ShutdownLogging() lines are written by the caller itself, which then may block the thread.
//
// Nothing here parks the fiber. Any thread.
#ifndef WEFT_PLATFORM_OBSERVABILITY_LOGGING_LOG_H_
#define WEFT_PLATFORM_OBSERVABILITY_LOGGING_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/variant.h"

namespace weft::observability {

enum class Severity { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning", "error".
absl::string_view SeverityName(Severity severity);
// INVALID_ARGUMENT, listing the names, for any other text.
absl::StatusOr<Severity> ParseSeverity(absl::string_view name);

// A key and its value. Views: valid during the call they are made for. The keys of the line itself
// (ts, level, msg, module; shard, trace_id, span_id where the caller has a shard or a trace) are
// taken: a field of such a name gets '_' appended.
class Field {
 public:
  using Value = absl::variant<bool, int64_t, uint64_t, double, absl::string_view>;

  template <typename T>
  Field(absl::string_view key, const T& value) : key_(key), value_(ToValue(value)) {}

  absl::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  template <typename T>
  static Value ToValue(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value;
    } else if constexpr (std::is_floating_point_v<T>) {
      return static_cast<double>(value);
    } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      return static_cast<int64_t>(value);
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<uint64_t>(value);
    } else if constexpr (std::is_constructible_v<absl::string_view, const T&>) {
      return absl::string_view(value);
    } else {
      return absl::string_view(value.data(), value.size());  // std::string_view and its like
    }
  }

  absl::string_view key_;
  Value value_;
};
using Fields = std::initializer_list<Field>;

// A place in the code that logs. One that writes the same line again and again is slowed:
// LoggingOptions::repeats_per_second.
struct LogStatement {
  const char* file = nullptr;  // null: as many lines as it wants
  uint32_t line = 0;

  // The caller's, as a default argument.
  static constexpr LogStatement Here(const char* file = __builtin_FILE(),
                                     uint32_t line = __builtin_LINE()) {
    return {file, line};
  }
};
// For a line that tells something else each time, and whose number is bounded otherwise.
inline constexpr LogStatement kNoLogLimit = {};

namespace internal {

// What of a module all its loggers look at. Never destroyed.
struct LogModule {
  std::atomic<Severity> level{Severity::kInfo};
};
extern LogModule all_modules;  // that have no level of their own, and lines without a module
const LogModule& FindLogModule(absl::string_view name);

// Writes a line, whatever its severity, unless the statement has written too many.
void WriteLine(Severity severity, absl::string_view message, Fields fields,
               absl::string_view module, const LogStatement& statement);

inline bool Writes(const LogModule& module, Severity severity) {
  return severity >= module.level.load(std::memory_order_relaxed);
}

}  // namespace internal

// Whether a line of that severity and without a module is written: one relaxed load. For work done
// only to be logged.
inline bool LogEnabled(Severity severity) {
  return internal::Writes(internal::all_modules, severity);
}

// A line without a module.
inline void Log(Severity severity, absl::string_view message, Fields fields = {},
                LogStatement statement = LogStatement::Here()) {
  if (LogEnabled(severity)) internal::WriteLine(severity, message, fields, {}, statement);
}

// Logs in the name of a module, which may have a level of its own (log_levels.h). What is not
// written costs two loads and a comparison.
class Logger {
 public:
  // `module` is static, such as a literal.
  explicit constexpr Logger(absl::string_view module) : module_(module) {}
  // Whether a line of that severity is written. For work done only to be logged.
  bool Enabled(Severity severity) const {
    const internal::LogModule* found = found_.load(std::memory_order_acquire);
    if (found == nullptr) found = Find();
    return internal::Writes(*found, severity);
  }
  void Log(Severity severity, absl::string_view message, Fields fields = {},
           LogStatement statement = LogStatement::Here()) const {
    if (Enabled(severity)) {
      internal::WriteLine(severity, message, fields, module_, statement);
    }
  }
  void Debug(absl::string_view message, Fields fields = {},
             LogStatement statement = LogStatement::Here()) const {
    Log(Severity::kDebug, message, fields, statement);
  }
  void Info(absl::string_view message, Fields fields = {},
            LogStatement statement = LogStatement::Here()) const {
    Log(Severity::kInfo, message, fields, statement);
  }
  void Warning(absl::string_view message, Fields fields = {},
               LogStatement statement = LogStatement::Here()) const {
    Log(Severity::kWarning, message, fields, statement);
  }
  void Error(absl::string_view message, Fields fields = {},
             LogStatement statement = LogStatement::Here()) const {
    Log(Severity::kError, message, fields, statement);
  }

 private:
  const internal::LogModule* Find() const;

  absl::string_view module_;
  // Looked up at the first line; several threads find the same.
  mutable std::atomic<const internal::LogModule*> found_{nullptr};
};

struct LoggingOptions {
  Severity level = Severity::kInfo;
  // Lines that wait for the writer; about half a kilobyte each.
  size_t queue_lines = 8192;
  // Of one statement of the code, after 200 at once; further lines are left out, and the
  // statement's next one tells how many, as "repeats_left_out". 0: no limit.
  int64_t repeats_per_second = 20;
  // Gets each line, without its newline, on the writer's thread. Empty: stderr.
  absl::AnyInvocable<void(absl::string_view line)> write = {};
};

// Starts the writer, and has it flushed at exit. Again: ends the previous one first.
void InitLogging(LoggingOptions options);
// What is least severe of what is written, of all modules without a level of their own. Any time.
void SetLogLevel(Severity level);

// Blocks the thread until what was logged before has been written; false after `timeout`.
bool FlushLogs(absl::Duration timeout);
// Flushes, for at most `timeout`, and ends the writer. Idempotent.
void ShutdownLogging(absl::Duration timeout = absl::Seconds(2));

// Lines dropped since the start of the process: weft_log_dropped_total.
uint64_t LogDroppedTotal();
// Lines left out because their statement wrote too many: weft_log_repeats_left_out_total.
uint64_t LogRepeatsLeftOutTotal();

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_LOGGING_LOG_H_
