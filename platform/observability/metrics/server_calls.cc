#include "platform/observability/metrics/server_calls.h"

#include <utility>

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
  OptionalLock lock(access.mutex);
  counters->Ended(status.code(), now_nanos - call.accepted_nanos(), call.sent_bytes(),
                  call.received_bytes());
  if (cause != CancelCause::kNone) counters->Cancelled(cause);
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
  for (const auto& [key, calls] : totals) {
    const std::string& method = key.first;
    AddSample(started, kStarted, {method}, static_cast<double>(calls.started));
    for (const auto& [cause, count] : calls.cancelled) {
      AddSample(cancelled, kCancelled,
                {method, std::string(CancelCauseLabel(static_cast<CancelCause>(cause)))},
                static_cast<double>(count));
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
  return {std::move(started), std::move(duration), std::move(sent), std::move(received),
          std::move(cancelled)};
}

}  // namespace weft::observability
