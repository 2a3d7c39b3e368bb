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

}  // namespace

// Made and ended on one fiber, hence on one shard.
class MetricsClientInterceptor::Tracker final : public rpc::ClientCallTracker {
 public:
  Tracker(const PerShard<Tables>::Access& access, const rpc::OutgoingCall& call)
      : tables_(access.value),
        mutex_(access.mutex),
        clock_(access.clock()),
        method_(call.method),
        target_(call.target),
        is_first_(call.attempt == 1),
        start_nanos_(clock_.MonotonicNanos()),
        counters_(Find(is_first_ ? tables_.only_attempts : tables_.other_attempts)) {
    OptionalLock lock(mutex_);
    counters_.Started();
  }

  void End(const rpc::EndedCall& ended) override {
    const int64_t nanos = clock_.MonotonicNanos() - start_nanos_;
    CallCounters& counters =
        is_first_ && ended.will_retry ? Find(tables_.other_attempts) : counters_;
    OptionalLock lock(mutex_);
    counters.Ended(ended.status.code(), nanos, ended.sent_bytes, ended.received_bytes);
  }

  void EndRetriedCall(const absl::Status& status) override {
    const int64_t nanos = clock_.MonotonicNanos() - start_nanos_;
    CallCounters& counters = Find(tables_.retried_calls);
    OptionalLock lock(mutex_);
    counters.Ended(status.code(), nanos, 0, 0);
  }

 private:
  CallCounters& Find(CallTable& table) {
    OptionalLock lock(mutex_);
    return table.Find(method_, target_);
  }

  Tables& tables_;
  absl::Mutex* const mutex_;
  const Clock& clock_;
  const rpc::MethodDescriptor& method_;
  const std::string& target_;  // the channel's
  const bool is_first_;
  const int64_t start_nanos_;
  CallCounters& counters_;
};

std::unique_ptr<rpc::ClientCallTracker> MetricsClientInterceptor::Start(rpc::OutgoingCall& call) {
  return std::make_unique<Tracker>(tables_.Get(), call);
}

std::vector<prometheus::MetricFamily> MetricsClientInterceptor::Collect() const {
  CallTotalsMap attempts;
  CallTotalsMap calls;
  tables_.ForEach([&](const Tables& tables) {
    AddTotals(tables.only_attempts, attempts);
    AddTotals(tables.other_attempts, attempts);
    AddTotals(tables.only_attempts, calls);
    AddTotals(tables.retried_calls, calls);
  });

  prometheus::MetricFamily started = MakeFamily(kStarted);
  prometheus::MetricFamily attempt = MakeFamily(kAttempt);
  prometheus::MetricFamily sent = MakeFamily(kSent);
  prometheus::MetricFamily received = MakeFamily(kReceived);
  prometheus::MetricFamily call = MakeFamily(kCall);
  for (const auto& [key, totals] : attempts) {
    const auto& [method, target] = key;
    AddSample(started, kStarted, {method, target}, static_cast<double>(totals.started));
    for (const auto& [code, ended] : totals.ended) {
      const std::string status = StatusLabel(code);
      AddHistogram(attempt, kAttempt, {method, target, status}, ended.duration,
                   1e-9 * static_cast<double>(ended.duration_nanos));
      AddHistogram(sent, kSent, {method, target, status}, ended.sent,
                   static_cast<double>(ended.sent_bytes));
      AddHistogram(received, kReceived, {method, target, status}, ended.received,
                   static_cast<double>(ended.received_bytes));
    }
  }
  for (const auto& [key, totals] : calls) {
    const auto& [method, target] = key;
    for (const auto& [code, ended] : totals.ended) {
      AddHistogram(call, kCall, {method, target, StatusLabel(code)}, ended.duration,
                   1e-9 * static_cast<double>(ended.duration_nanos));
    }
  }
  return {std::move(started), std::move(attempt), std::move(sent), std::move(received),
          std::move(call)};
}

}  // namespace weft::observability
