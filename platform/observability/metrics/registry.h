// MetricsRegistry: the collectors of a process, and the text that /metrics serves.
//
//   MetricsRegistry registry;
//   prometheus::Registry own;                     // a service's own metrics, prometheus-cpp's way
//   auto registration = registry.Add(own);        // until it is destroyed
//   std::string text = RenderMetrics(registry);
//
// prometheus-cpp's own counters cost an atomic operation; its histograms lock a mutex: on the path
// of every call use neither but per_shard.h.
#ifndef WEFT_PLATFORM_OBSERVABILITY_METRICS_REGISTRY_H_
#define WEFT_PLATFORM_OBSERVABILITY_METRICS_REGISTRY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace weft::observability {

// Thread-safe.
class MetricsRegistry final : public prometheus::Collectable {
  struct State;

 public:
  // Keeps a collector registered. Once it is destroyed or reset no scrape reads the collector.
  // May outlive the registry.
  class [[nodiscard]] Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration() { Reset(); }
    // Waits for a scrape that is under way.
    void Reset();

   private:
    friend class MetricsRegistry;
    Registration(std::shared_ptr<State> state, const prometheus::Collectable* collector)
        : state_(std::move(state)), collector_(collector) {}
    std::shared_ptr<State> state_;
    const prometheus::Collectable* collector_ = nullptr;
  };

  MetricsRegistry() : state_(std::make_shared<State>()) {}

  // `collector` outlives the registration.
  Registration Add(const prometheus::Collectable& collector);

  // All families, sorted by name; those of one name, from several collectors, merged into one; none
  // without samples. Blocks the thread while collectors read files: not on a fiber.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  // Shared with the registrations, so that either side may go first.
  struct State {
    absl::Mutex mutex;
    std::vector<const prometheus::Collectable*> collectors ABSL_GUARDED_BY(mutex);
  };
  const std::shared_ptr<State> state_;
};

// Prometheus' text format 0.0.4; serve it as "text/plain; version=0.0.4; charset=utf-8".
inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";
std::string RenderMetrics(const prometheus::Collectable& collectable);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_METRICS_REGISTRY_H_
