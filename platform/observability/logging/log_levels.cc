#include "platform/observability/logging/log_levels.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "platform/base/clock.h"

namespace weft::observability {
namespace {

using internal::LogModule;

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

struct Entry {
  LogModule module = {};                 // what loggers look at
  std::optional<Severity> own = {};      // for good
  std::optional<Severity> briefly = {};  // for a while: comes before `own`
  absl::Time until = absl::InfiniteFuture();

  std::optional<Severity> Wanted() const { return briefly.has_value() ? briefly : own; }
};

struct Table {
  absl::Mutex mutex;
  Severity all ABSL_GUARDED_BY(mutex) = Severity::kInfo;
  std::optional<Severity> all_briefly ABSL_GUARDED_BY(mutex);
  absl::Time all_until ABSL_GUARDED_BY(mutex) = absl::InfiniteFuture();
  // Never taken away: loggers hold on to them.
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries ABSL_GUARDED_BY(mutex);
};

Table& Levels() {
  static auto* const table = new Table;  // never destroyed: threads outlive statics
  return *table;
}

// When the first level that is for a while ends, in Unix nanoseconds.
std::atomic<int64_t> next_end{kNever};

// Makes the atomics say what the table says.
void Publish(Table& table) ABSL_EXCLUSIVE_LOCKS_REQUIRED(table.mutex) {
  const Severity all = table.all_briefly.value_or(table.all);
  absl::Time end = table.all_briefly.has_value() ? table.all_until : absl::InfiniteFuture();
  internal::all_modules.level.store(all, std::memory_order_relaxed);
  for (const auto& [name, entry] : table.entries) {
    entry->module.level.store(entry->Wanted().value_or(all), std::memory_order_relaxed);
    if (entry->briefly.has_value()) end = std::min(end, entry->until);
  }
  next_end.store(end == absl::InfiniteFuture() ? kNever : absl::ToUnixNanos(end),
                 std::memory_order_relaxed);
}

// Null where there is no room for another.
Entry* FindOrAdd(Table& table, absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(table.mutex) {
  const auto found = table.entries.find(name);
  if (found != table.entries.end()) return found->second.get();
  if (table.entries.size() == kMaxLogModules) return nullptr;
  return table.entries.emplace(std::string(name), std::make_unique<Entry>()).first->second.get();
}

absl::Status CheckName(absl::string_view name) {
  const auto good = [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-' || c == '/';
  };
  if (!name.empty() && name.size() <= kMaxLogModuleBytes &&
      std::all_of(name.begin(), name.end(), good)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", absl::CHexEscape(name.substr(0, kMaxLogModuleBytes)),
      "\" is no name of a module: it is what stands in lines of the log as \"module\""));
}

}  // namespace

namespace internal {

constinit LogModule all_modules;

const LogModule& FindLogModule(absl::string_view name) {
  if (name.empty()) return all_modules;
  Table& table = Levels();
  absl::MutexLock lock(&table.mutex);
  Entry* const entry = FindOrAdd(table, name);
  if (entry == nullptr) return all_modules;
  Publish(table);
  return entry->module;
}

void RestoreLogLevels(absl::Time now) {
  const int64_t nanos = absl::ToUnixNanos(now);
  if (nanos < next_end.load(std::memory_order_relaxed)) return;
  Table& table = Levels();
  absl::MutexLock lock(&table.mutex);
  if (table.all_briefly.has_value() && table.all_until <= now) table.all_briefly.reset();
  for (const auto& [name, entry] : table.entries) {
    if (entry->briefly.has_value() && entry->until <= now) entry->briefly.reset();
  }
  Publish(table);
}

}  // namespace internal

absl::StatusOr<ModuleLevels> ParseLogLevels(absl::string_view text) {
  ModuleLevels levels;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::pair<absl::string_view, absl::string_view> sides =
        absl::StrSplit(absl::StripAsciiWhitespace(part), absl::MaxSplits('=', 1));
    if (absl::Status s = CheckName(sides.first); !s.ok()) return s;
    const absl::StatusOr<Severity> level = ParseSeverity(sides.second);
    if (!level.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("of the module ", sides.first, " the ",
                                                     std::string(level.status().message())));
    }
    const auto is_same = [&](const auto& other) { return other.first == sides.first; };
    if (std::any_of(levels.begin(), levels.end(), is_same)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the module ", sides.first, " is given two levels"));
    }
    levels.emplace_back(std::string(sides.first), *level);
  }
  return levels;
}

absl::Status SetLogLevels(const ModuleLevels& levels) {
  for (const auto& [module, level] : levels) {
    if (absl::Status s = SetModuleLogLevel(module, level); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status SetModuleLogLevel(absl::string_view module, Severity level, absl::Duration duration) {
  if (duration <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("a level can be set for a time above zero, or for good");
  }
  if (!module.empty()) {
    if (absl::Status s = CheckName(module); !s.ok()) return s;
  }
  const bool briefly = duration != absl::InfiniteDuration();
  const absl::Time until = Clock::Real().Now() + duration;
  Table& table = Levels();
  absl::MutexLock lock(&table.mutex);
  if (module.empty()) {
    if (!briefly) table.all = level;
    table.all_briefly = briefly ? std::make_optional(level) : std::nullopt;
    table.all_until = until;
  } else {
    Entry* const entry = FindOrAdd(table, module);
    if (entry == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("there are ", kMaxLogModules, " modules, and no room for another"));
    }
    if (!briefly) entry->own = level;
    entry->briefly = briefly ? std::make_optional(level) : std::nullopt;
    entry->until = until;
  }
  Publish(table);
  return absl::OkStatus();
}

absl::Status ClearModuleLogLevel(absl::string_view module) {
  if (module.empty()) return absl::InvalidArgumentError("all modules together have a level always");
  Table& table = Levels();
  absl::MutexLock lock(&table.mutex);
  const auto found = table.entries.find(module);
  if (found == table.entries.end()) return absl::OkStatus();
  found->second->own.reset();
  found->second->briefly.reset();
  Publish(table);
  return absl::OkStatus();
}

std::vector<ModuleLogLevel> LogLevels() {
  internal::RestoreLogLevels(Clock::Real().Now());
  Table& table = Levels();
  absl::MutexLock lock(&table.mutex);
  std::vector<ModuleLogLevel> levels;
  levels.push_back({.module = "",
                    .level = table.all_briefly.value_or(table.all),
                    .own = true,
                    .until = table.all_briefly ? table.all_until : absl::InfiniteFuture()});
  for (const auto& [name, entry] : table.entries) {
    levels.push_back({.module = name,
                      .level = entry->module.level.load(std::memory_order_relaxed),
                      .own = entry->Wanted().has_value(),
                      .until = entry->briefly ? entry->until : absl::InfiniteFuture()});
  }
  return levels;
}

}  // namespace weft::observability
