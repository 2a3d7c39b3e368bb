// OfferLoad: many fibers that ask a storefront for offers, one call after the other.
//
// With a rate, calls are planned at fixed times, spread over the fibers, and a latency counts from
// the planned time: a server that holds up the load cannot hide that (no "coordinated omission").
// Without, each fiber asks again as soon as it has its answer.
#ifndef SERVICES_STOREFRONT_LOAD_OFFER_LOAD_H_
#define SERVICES_STOREFRONT_LOAD_OFFER_LOAD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/fiber/cancel_scope.h"
#include "platform/rpc/client/channel.h"
#include "proto/storefront/v1/storefront.weft.h"
#include "services/storefront/load/quantiles.h"

namespace storefront {

struct OfferLoadOptions {
  int concurrency = 32;         // fibers, and so calls in flight at most
  double calls_per_second = 0;  // 0: as fast as the answers come
  int products = 1000;          // SKUs to choose from, as services/catalog/seed.h numbers them
  absl::Duration duration = absl::InfiniteDuration();
  absl::Duration call_timeout = absl::Seconds(5);
  absl::Duration report_interval = absl::Seconds(1);
  uint64_t seed = 1;
};

// What happened in some span of time.
struct LoadCounts {
  uint64_t calls = 0;
  uint64_t errors = 0;
  Quantiles latency;  // of successful calls
  std::map<std::string, uint64_t> statuses;

  void Add(const LoadCounts& other);
};

// Made anywhere; run once, on a fiber. All its fibers are of one shard, so it needs no locks.
class OfferLoad {
 public:
  // Told what happened since the last report, `span` ago; on a fiber of the load.
  using Report = std::function<void(absl::Duration span, const LoadCounts& counts)>;

  OfferLoad(std::shared_ptr<weft::rpc::Channel> storefront, const OfferLoadOptions& options,
            Report report);

  // Parks until the duration is over or Stop() was called, and the calls under way have ended.
  void Run();

  // Ends Run() early. On the loop or a fiber of its shard; never parks.
  void Stop();

  const LoadCounts& total() const { return total_; }
  absl::Duration elapsed() const { return elapsed_; }
  const absl::Status& first_error() const { return first_error_; }

 private:
  void Work(int worker, absl::Time start);
  void ReportAll(absl::Time start);
  absl::Status Ask(std::mt19937_64& random, absl::Time planned);

  const OfferLoadOptions options_;
  const Report report_;
  const weft::rpc::CallOptions call_options_;
  v1::StorefrontClient storefront_;
  weft::CancelScope* scope_ = nullptr;  // while Run() runs
  bool stopped_ = false;
  LoadCounts unreported_;
  LoadCounts total_;
  absl::Duration elapsed_;
  absl::Status first_error_;
};

}  // namespace storefront

#endif  // SERVICES_STOREFRONT_LOAD_OFFER_LOAD_H_
