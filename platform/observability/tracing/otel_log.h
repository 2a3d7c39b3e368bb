// OpenTelemetry's own complaints ("cannot export to …"), through Log() as module "opentelemetry".
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_OTEL_LOG_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_OTEL_LOG_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "opentelemetry/sdk/common/global_log_handler.h"
#include "platform/base/clock.h"

namespace weft::observability {

// At most kLines lines each kInterval: a collector that is away would fill the log otherwise. The
// first line of the next interval says how many were left out. Thread-safe.
class OtelLogHandler final : public opentelemetry::sdk::common::internal_log::LogHandler {
 public:
  static constexpr int kLines = 5;
  static constexpr absl::Duration kInterval = absl::Seconds(30);

  explicit OtelLogHandler(const Clock& clock = Clock::Real()) : clock_(clock) {}
  void Handle(opentelemetry::sdk::common::internal_log::LogLevel level, const char* file, int line,
              const char* message,
              const opentelemetry::sdk::common::AttributeMap& attributes) noexcept override;

 private:
  const Clock& clock_;
  absl::Mutex mutex_;
  int64_t interval_end_nanos_ ABSL_GUARDED_BY(mutex_) = 0;
  int lines_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

// For the rest of the process; idempotent.
void RouteOtelLog();

// Warnings and errors since the start of the process, logged or left out:
// weft_telemetry_errors_total.
uint64_t OtelErrorsTotal();

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_OTEL_LOG_H_
