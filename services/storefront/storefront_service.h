// StorefrontService: storefront.v1.Storefront, which asks catalog.v1 and pricing.v1.
//
// Both are asked at once, in a task group: an answer takes as long as the slower of the two, and
// the first failure cancels the other question.
#ifndef SERVICES_STOREFRONT_STOREFRONT_SERVICE_H_
#define SERVICES_STOREFRONT_STOREFRONT_SERVICE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "platform/rpc/client/channel.h"
#include "proto/catalog/v1/catalog.weft.h"
#include "proto/pricing/v1/pricing.weft.h"
#include "proto/storefront/v1/storefront.weft.h"

namespace storefront {

inline constexpr int kMaxQuantity = 10'000;
inline constexpr int kDefaultListLimit = 20;
inline constexpr int kMaxListLimit = 1000;

// How a service that was asked failed, as the storefront's own caller should hear it. NOT_FOUND is
// an answer and stays as it is. Otherwise the text names the service and its target; UNAVAILABLE,
// DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED and CANCELLED keep their code, since the caller can act on
// them; any other becomes INTERNAL, since it tells of a fault between the services and not of the
// caller's request. Requires: !status.ok().
absl::Status DependencyError(absl::string_view service, const absl::Status& status);

struct StorefrontOptions {
  // The longest that one question to catalog or pricing may take. A caller's earlier deadline
  // counts as well.
  absl::Duration deadline = absl::Seconds(1);
};

// Used by all shards at once. Every method parks the call's fiber.
class StorefrontService final : public v1::StorefrontHandler {
 public:
  StorefrontService(std::shared_ptr<weft::rpc::Channel> catalog,
                    std::shared_ptr<weft::rpc::Channel> pricing, const StorefrontOptions& options);

  absl::StatusOr<v1::GetOfferResponse> GetOffer(weft::CallContext& call,
                                                const v1::GetOfferRequest& request) override;

  absl::Status ListOffers(weft::CallContext& call, const v1::ListOffersRequest& request,
                          weft::rpc::ServerWriter<v1::ListOffersResponse>& replies) override;

 private:
  absl::StatusOr<catalog::v1::Product> AskForProduct(const std::string& sku);
  absl::StatusOr<pricing::v1::Price> AskForPrice(const std::string& sku, int quantity);
  absl::StatusOr<catalog::v1::ListProductsResponse> AskForPage(const std::string& category,
                                                               int page_size,
                                                               const std::string& page_token);
  // The prices for one piece of each product of the page, in its order.
  absl::StatusOr<pricing::v1::PriceBasketResponse> AskForPrices(
      const catalog::v1::ListProductsResponse& page);

  const weft::rpc::CallOptions call_options_;
  catalog::v1::CatalogClient catalog_;
  pricing::v1::PricingClient pricing_;
};

}  // namespace storefront

#endif  // SERVICES_STOREFRONT_STOREFRONT_SERVICE_H_
