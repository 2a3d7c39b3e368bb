#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "platform/app/app.h"
#include "services/catalog/catalog_service.h"
#include "services/catalog/seed.h"
#include "services/catalog/sqlite_product_store.h"

namespace {

absl::Status SetUp(weft::app::App& app) {
  absl::StatusOr<std::unique_ptr<catalog::SqliteProductStore>> store =
      catalog::SqliteProductStore::Open({.path = app.config().String("catalog.database"),
                                         .products = app.config().Int("catalog.products"),
                                         .threads = app.config().Int("catalog.threads"),
                                         .queue = app.config().Int<size_t>("catalog.queue")});
  if (!store.ok()) {
    return absl::Status(store.status().code(),
                        absl::StrCat("catalog.database: ", store.status().message()));
  }
  catalog::SqliteProductStore& products = app.Keep(*std::move(store));
  app.Watch(products.blocking_pool());
  app.Serve(std::make_unique<catalog::CatalogService>(products));
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return weft::app::Main(
      argc, argv,
      {.name = "catalog",
       .version = "1.0.0",
       .config = {{.name = "catalog.database",
                   .value = "/var/lib/weft/catalog.db",
                   .help = "the SQLite file with the products; made if it does not exist"},
                  {.name = "catalog.products",
                   .value = 1000,
                   .help = "products of the made-up data set that must be there",
                   .min = 1,
                   .max = catalog::kMaxSeedProducts},
                  {.name = "catalog.threads",
                   .value = 4,
                   .help = "threads that use the database at once",
                   .min = 1,
                   .max = 256},
                  {.name = "catalog.queue",
                   .value = 64,
                   .help = "calls that wait for one of them; more are refused",
                   .max = 100'000}}},
      SetUp);
}
