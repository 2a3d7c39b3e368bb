// PricingService: pricing.v1.Pricing over the rules of price_rules.h.
//
// It stands for any service that needs a while for its answer: each answer waits for `think_time`
// first, parked, as a handler would that computes elsewhere or asks a slow system.
#ifndef SERVICES_PRICING_PRICING_SERVICE_H_
#define SERVICES_PRICING_PRICING_SERVICE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/pricing/v1/pricing.weft.h"

namespace pricing {

inline constexpr int kMaxBasketLines = 500;
inline constexpr int kMaxWatchedLines = 100;

struct PricingOptions {
  // Before the answer of a GetPrice or PriceBasket, and before the first price of a watched line.
  absl::Duration think_time = absl::Milliseconds(5);
  // How long a price list is in force; zero: for ever.
  absl::Duration price_list_period = absl::Minutes(1);
};

// Stateless; used by all shards at once. Every method parks the call's fiber.
class PricingService final : public v1::PricingHandler {
 public:
  explicit PricingService(const PricingOptions& options) : options_(options) {}

  absl::StatusOr<v1::GetPriceResponse> GetPrice(weft::CallContext& call,
                                                const v1::GetPriceRequest& request) override;

  absl::StatusOr<v1::PriceBasketResponse> PriceBasket(
      weft::CallContext& call, weft::rpc::ServerReader<v1::PriceBasketRequest>& requests) override;

  absl::Status WatchPrices(
      weft::CallContext& call,
      weft::rpc::ServerStream<v1::WatchPricesRequest, v1::WatchPricesResponse>& stream) override;

 private:
  const PricingOptions options_;
};

}  // namespace pricing

#endif  // SERVICES_PRICING_PRICING_SERVICE_H_
