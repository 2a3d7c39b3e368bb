// SqliteProductStore: the catalog's products in an SQLite file.
//
// SQLite blocks the thread, so each question runs on a thread of a bounded pool, with the fiber
// parked; see platform/data/sqlite/sqlite_pool.h.
#ifndef SERVICES_CATALOG_SQLITE_PRODUCT_STORE_H_
#define SERVICES_CATALOG_SQLITE_PRODUCT_STORE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "platform/data/sqlite/sqlite_pool.h"
#include "proto/catalog/v1/catalog.pb.h"
#include "services/catalog/product_store.h"

namespace catalog {

struct SqliteProductStoreOptions {
  std::string path;
  int products = 1000;  // 1 to kMaxSeedProducts: those of seed.h that must be there
  int threads = 4;      // that use the database at once
  size_t queue = 64;    // calls that wait for one of them; more are refused
};

class SqliteProductStore final : public ProductStore {
 public:
  // Makes the file and its table if they do not exist, adds the products of the data set that are
  // missing, all or none, and opens the pool. What is there already stays as it is. Blocks the
  // thread: 1,000 products take some 10 ms. Errors: those of sqlite_status.h, naming the file.
  static absl::StatusOr<std::unique_ptr<SqliteProductStore>> Open(
      const SqliteProductStoreOptions& options);

  absl::StatusOr<v1::Product> Find(absl::string_view sku) override;
  absl::StatusOr<std::vector<v1::Product>> List(absl::string_view category,
                                                absl::string_view after_sku, int limit) override;

  // For its metrics.
  const weft::BlockingPool& blocking_pool() const { return pool_->blocking_pool(); }

 private:
  explicit SqliteProductStore(std::unique_ptr<weft::data::SqlitePool> pool)
      : pool_(std::move(pool)) {}

  const std::unique_ptr<weft::data::SqlitePool> pool_;
};

}  // namespace catalog

#endif  // SERVICES_CATALOG_SQLITE_PRODUCT_STORE_H_
