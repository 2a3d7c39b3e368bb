#include "platform/observability/metrics/client_calls.h"

#include <string>
#include <utility>

#include "platform/observability/metrics/families.h"

namespace weft::observability {
namespace {

constexpr const Metric& kStarted = CataloguedMetric("grpc_client_attempt_started_total");
constexpr const Metric& kAttempt = CataloguedMetric("grpc_client_attempt_duration_seconds");
constexpr const Metric& kSent =
    CataloguedMetric("grpc_client_attempt_sent_total_compressed_message_size_bytes");
constexpr const Metric& kReceived =
    CataloguedMetric("grpc_client_attempt_rcvd_total_compressed_message_size_bytes");
constexpr const Metric& kCall = CataloguedMetric("grpc_client_call_duration_seconds");

// Made and ended on one fiber, hence on one shard.
class Tracker final : public rpc::ClientCallTracker {
 public:
  Tracker(CallCounters& counters, absl::Mutex* mutex, const Clock& clock)
      : counters_(counters), mutex_(mutex), clock_(clock), start_nanos_(clock.MonotonicNanos()) {}

  void End(const rpc::EndedCall& ended) override {
    const int64_t duration_nanos = clock_.MonotonicNanos() - start_nanos_;
    OptionalLock lock(mutex_);
    counters_.Ended(ended.status.code(), duration_nanos, ended.sent_bytes, ended.received_bytes);
  }

 private:
  CallCounters& counters_;
  absl::Mutex* const mutex_;
  const Clock& clock_;
  const int64_t start_nanos_;
};

}  // namespace

std::unique_ptr<rpc::ClientCallTracker> MetricsClientInterceptor::Start(rpc::OutgoingCall& call) {
  const PerShard<CallTable>::Access access = tables_.Get();
  OptionalLock lock(access.mutex);
  CallCounters& counters = access.value.Find(call.method, call.target);
  counters.Started();
  return std::make_unique<Tracker>(counters, access.mutex, access.clock());
}

std::vector<prometheus::MetricFamily> MetricsClientInterceptor::Collect() const {
  CallTotalsMap totals;
  tables_.ForEach([&](const CallTable& table) { AddTotals(table, totals); });

  prometheus::MetricFamily started = MakeFamily(kStarted);
  prometheus::MetricFamily attempt = MakeFamily(kAttempt);
  prometheus::MetricFamily sent = MakeFamily(kSent);
  prometheus::MetricFamily received = MakeFamily(kReceived);
  prometheus::MetricFamily call = MakeFamily(kCall);
  for (const auto& [key, calls] : totals) {
    const auto& [method, target] = key;
    AddSample(started, kStarted, {method, target}, static_cast<double>(calls.started));
    for (const auto& [code, ended] : calls.ended) {
      const std::string status = StatusLabel(code);
      const double seconds = 1e-9 * static_cast<double>(ended.duration_nanos);
      AddHistogram(attempt, kAttempt, {method, target, status}, ended.duration, seconds);
      AddHistogram(sent, kSent, {method, target, status}, ended.sent,
                   static_cast<double>(ended.sent_bytes));
      AddHistogram(received, kReceived, {method, target, status}, ended.received,
                   static_cast<double>(ended.received_bytes));
      AddHistogram(call, kCall, {method, target, status}, ended.duration, seconds);
    }
  }
  return {std::move(started), std::move(attempt), std::move(sent), std::move(received),
          std::move(call)};
}

}  // namespace weft::observability
