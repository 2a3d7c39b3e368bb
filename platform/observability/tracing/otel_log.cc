#include "platform/observability/tracing/otel_log.h"

#include <atomic>
#include <utility>

#include "opentelemetry/nostd/shared_ptr.h"
#include "platform/observability/logging/log.h"

namespace weft::observability {
namespace {

constexpr Logger kLog("opentelemetry");

using opentelemetry::sdk::common::internal_log::GlobalLogHandler;
using opentelemetry::sdk::common::internal_log::LogHandler;
using opentelemetry::sdk::common::internal_log::LogLevel;

std::atomic<uint64_t> errors_total{0};

Severity ToSeverity(LogLevel level) {
  switch (level) {
    case LogLevel::Error:
      return Severity::kError;
    case LogLevel::Warning:
      return Severity::kWarning;
    case LogLevel::Info:
      return Severity::kInfo;
    default:
      return Severity::kDebug;
  }
}

}  // namespace

void OtelLogHandler::Handle(
    LogLevel level, const char* /*file*/, int /*line*/, const char* message,
    const opentelemetry::sdk::common::AttributeMap& /*attributes*/) noexcept {
  if (level == LogLevel::Error || level == LogLevel::Warning) errors_total.fetch_add(1);
  if (!kLog.Enabled(ToSeverity(level))) return;
  uint64_t left_out;
  {
    absl::MutexLock lock(&mutex_);
    const int64_t now = clock_.MonotonicNanos();
    if (now >= interval_end_nanos_) {
      interval_end_nanos_ = now + absl::ToInt64Nanoseconds(kInterval);
      lines_ = 0;
    }
    if (lines_ == kLines) {
      ++left_out_;
      return;
    }
    ++lines_;
    left_out = std::exchange(left_out_, 0);
  }
  const absl::string_view text = message == nullptr ? "" : message;
  if (left_out == 0) {
    kLog.Log(ToSeverity(level), text);
  } else {
    kLog.Log(ToSeverity(level), text, {{"lines_left_out_before", left_out}});
  }
}

void RouteOtelLog() {
  static const bool routed = [] {
    GlobalLogHandler::SetLogHandler(
        opentelemetry::nostd::shared_ptr<LogHandler>(new OtelLogHandler));
    GlobalLogHandler::SetLogLevel(LogLevel::Warning);
    return true;
  }();
  static_cast<void>(routed);
}

uint64_t OtelErrorsTotal() { return errors_total.load(); }

}  // namespace weft::observability
