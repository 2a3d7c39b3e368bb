#include "platform/observability/metrics/server_calls.h"

#include <utility>
#include <vector>

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kStarted = CataloguedMetric("grpc_server_call_started_total");
constexpr const Metric& kDuration = CataloguedMetric("grpc_server_call_duration_seconds");
constexpr const Metric& kSent =
    CataloguedMetric("grpc_server_call_sent_total_compressed_message_size_bytes");
constexpr const Metric& kReceived =
    CataloguedMetric("grpc_server_call_rcvd_total_compressed_message_size_bytes");
constexpr const Metric& kCancelled = CataloguedMetric("weft_calls_cancelled_total");
constexpr const Metric& kWasted = CataloguedMetric("weft_wasted_call_seconds_total");

// How long ago a call in this scope ceased to be of use.
int64_t WastedNanos(const CancelScope& scope, const Clock& clock, int64_t now_nanos) {
  const std::vector<CancelReason> chain = scope.chain();
  return chain.empty() ? 0 : now_nanos - clock.ToMonotonicNanos(chain.front().when);
}

}  // namespace

void MetricsServerInterceptor::RegisterService(const rpc::Service& service) {
  absl::MutexLock lock(&mutex_);
  for (const rpc::Service::Method& method : service.methods()) {
    registered_methods_.insert(method.descriptor->name());
  }
}

absl::Status MetricsServerInterceptor::Intercept(CallContext& call, Next next) {
  const PerShard<CallTable>::Access access = tables_.Get();
  CallCounters* counters;
  {
    OptionalLock lock(access.mutex);
    counters = &access.value.Find(call.method(), {});
    counters->Started();
  }
  absl::Status status = next();
  const int64_t now_nanos = access.clock().MonotonicNanos();
  const CancelCause cause = call.scope().CauseAt(now_nanos);
  const int64_t wasted_nanos =
      cause == CancelCause::kNone ? 0 : WastedNanos(call.scope(), access.clock(), now_nanos);
  OptionalLock lock(access.mutex);
  counters->Ended(status.code(), now_nanos - call.accepted_nanos(), call.sent_bytes(),
                  call.received_bytes());
  if (cause != CancelCause::kNone) counters->Cancelled(cause, wasted_nanos);
  return status;
}

std::vector<prometheus::MetricFamily> MetricsServerInterceptor::Collect() const {
  CallTotalsMap totals;
  {
    absl::MutexLock lock(&mutex_);
    for (const std::string& method : registered_methods_) totals[{method, ""}];
  }
  tables_.ForEach([&](const CallTable& table) { AddTotals(table, totals); });

  prometheus::MetricFamily started = MakeFamily(kStarted);
  prometheus::MetricFamily duration = MakeFamily(kDuration);
  prometheus::MetricFamily sent = MakeFamily(kSent);
  prometheus::MetricFamily received = MakeFamily(kReceived);
  prometheus::MetricFamily cancelled = MakeFamily(kCancelled);
  prometheus::MetricFamily wasted = MakeFamily(kWasted);
  for (const auto& [key, calls] : totals) {
    const std::string& method = key.first;
    AddSample(started, kStarted, {method}, static_cast<double>(calls.started));
    for (const auto& [cause, total] : calls.cancelled) {
      const std::string label(CancelCauseLabel(static_cast<CancelCause>(cause)));
      AddSample(cancelled, kCancelled, {method, label}, static_cast<double>(total.calls));
      AddSample(wasted, kWasted, {method, label}, 1e-9 * static_cast<double>(total.wasted_nanos));
    }
    for (const auto& [code, ended] : calls.ended) {
      const std::string status = StatusLabel(code);
      AddHistogram(duration, kDuration, {method, status}, ended.duration,
                   1e-9 * static_cast<double>(ended.duration_nanos));
      AddHistogram(sent, kSent, {method, status}, ended.sent,
                   static_cast<double>(ended.sent_bytes));
      AddHistogram(received, kReceived, {method, status}, ended.received,
                   static_cast<double>(ended.received_bytes));
    }
  }
  return {std::move(started),  std::move(duration),  std::move(sent),
          std::move(received), std::move(cancelled), std::move(wasted)};
}

}  // namespace weft::observability
