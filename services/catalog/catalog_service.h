// CatalogService: catalog.v1.Catalog over a ProductStore.
#ifndef SERVICES_CATALOG_CATALOG_SERVICE_H_
#define SERVICES_CATALOG_CATALOG_SERVICE_H_

#include "absl/status/statusor.h"
#include "proto/catalog/v1/catalog.weft.h"
#include "services/catalog/product_store.h"

namespace catalog {

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 200;

// Stateless; used by all shards at once. Every method parks the call's fiber.
class CatalogService final : public v1::CatalogHandler {
 public:
  // `store` outlives the service.
  explicit CatalogService(ProductStore& store) : store_(store) {}

  absl::StatusOr<v1::GetProductResponse> GetProduct(weft::CallContext& call,
                                                    const v1::GetProductRequest& request) override;

  absl::StatusOr<v1::ListProductsResponse> ListProducts(
      weft::CallContext& call, const v1::ListProductsRequest& request) override;

 private:
  ProductStore& store_;
};

}  // namespace catalog

#endif  // SERVICES_CATALOG_CATALOG_SERVICE_H_
