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
constexpr const Metric& kRetries = CataloguedMetric("weft_client_retries_total");
constexpr const Metric& kHedges = CataloguedMetric("weft_client_hedges_total");

double StartedOf(const CallTotalsMap& totals, const CallTotalsMap::key_type& key) {
  const auto found = totals.find(key);
  return found == totals.end() ? 0 : static_cast<double>(found->second.started);
}

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
        counters_(Find(is_first_    ? tables_.only_attempts
                       : call.hedge ? tables_.hedges
                                    : tables_.retries)) {
    OptionalLock lock(mutex_);
    counters_.Started();
  }

  void End(const rpc::EndedCall& ended) override {
    const int64_t nanos = clock_.MonotonicNanos() - start_nanos_;
    CallCounters& counters = is_first_ && ended.will_retry ? Find(tables_.retried) : counters_;
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
  CallTotalsMap retries;
  CallTotalsMap hedges;
  tables_.ForEach([&](const Tables& tables) {
    for (const CallTable* table :
         {&tables.only_attempts, &tables.retried, &tables.retries, &tables.hedges}) {
      AddTotals(*table, attempts);
    }
    AddTotals(tables.retries, retries);
    AddTotals(tables.hedges, hedges);
    AddTotals(tables.only_attempts, calls);
    AddTotals(tables.retried_calls, calls);
  });

  prometheus::MetricFamily started = MakeFamily(kStarted);
  prometheus::MetricFamily attempt = MakeFamily(kAttempt);
  prometheus::MetricFamily sent = MakeFamily(kSent);
  prometheus::MetricFamily received = MakeFamily(kReceived);
  prometheus::MetricFamily call = MakeFamily(kCall);
  prometheus::MetricFamily retries_family = MakeFamily(kRetries);
  prometheus::MetricFamily hedges_family = MakeFamily(kHedges);
  for (const auto& [key, totals] : attempts) {
    const auto& [method, target] = key;
    AddSample(started, kStarted, {method, target}, static_cast<double>(totals.started));
    // Zero too: a rate needs a value from before the first one.
    AddSample(retries_family, kRetries, {method, target}, StartedOf(retries, key));
    AddSample(hedges_family, kHedges, {method, target}, StartedOf(hedges, key));
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
  return {std::move(started),      std::move(attempt), std::move(sent),
          std::move(received),     std::move(call),    std::move(retries_family),
          std::move(hedges_family)};
}

}  // namespace weft::observability
