// ProductStore: where the catalog's products are kept. The service knows only this interface;
// sqlite_product_store.h is the one that ships, and another database is another class.
#ifndef SERVICES_CATALOG_PRODUCT_STORE_H_
#define SERVICES_CATALOG_PRODUCT_STORE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/catalog/v1/catalog.pb.h"

namespace catalog {

// Used by all shards at once. Every call parks the fiber, is a cancel point, and fails with the
// cancel scope's status, RESOURCE_EXHAUSTED when too many calls wait already, or UNAVAILABLE when
// the database cannot be read now.
class ProductStore {
 public:
  virtual ~ProductStore() = default;

  // NOT_FOUND when no product has this SKU.
  virtual absl::StatusOr<v1::Product> Find(absl::string_view sku) = 0;

  // At most `limit` products of the category whose SKU comes after `after_sku`, ordered by SKU.
  // Empty when there are none.
  virtual absl::StatusOr<std::vector<v1::Product>> List(absl::string_view category,
                                                        absl::string_view after_sku, int limit) = 0;
};

}  // namespace catalog

#endif  // SERVICES_CATALOG_PRODUCT_STORE_H_
