#include "services/catalog/sqlite_product_store.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/catalog/seed.h"

namespace catalog {
namespace {

using weft::data::SqliteDatabase;
using weft::data::SqliteStatement;

// Another replica may be adding its products to the same file.
constexpr absl::Duration kSeedBusyTimeout = absl::Seconds(60);

constexpr char kSchema[] = R"sql(
  CREATE TABLE IF NOT EXISTS products (
    sku TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    description TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS products_by_category ON products (category, sku);
)sql";

// SKUs of the data set's form only: other products may stand between them.
constexpr char kCountSeeded[] =
    "SELECT count(*) FROM products WHERE sku BETWEEN ? AND ? "
    "AND sku GLOB 'SKU-[0-9][0-9][0-9][0-9][0-9][0-9]'";

constexpr char kInsert[] =
    "INSERT OR IGNORE INTO products (sku, name, category, description) VALUES (?, ?, ?, ?)";

constexpr char kFind[] = "SELECT sku, name, category, description FROM products WHERE sku = ?";

constexpr char kList[] =
    "SELECT sku, name, category, description FROM products "
    "WHERE category = ? AND sku > ? ORDER BY sku LIMIT ?";

absl::StatusOr<bool> IsSeeded(SqliteDatabase& database, int products) {
  absl::StatusOr<SqliteStatement> count = database.Prepare(kCountSeeded);
  if (!count.ok()) return count.status();
  if (absl::Status s = count->Bind(SeedSku(1), SeedSku(products)); !s.ok()) return s;
  absl::StatusOr<bool> row = count->Step();
  if (!row.ok()) return row.status();
  return *row && count->Int(0) == products;
}

absl::Status InsertMissing(SqliteDatabase& database, int products) {
  absl::StatusOr<SqliteStatement> insert = database.Prepare(kInsert);
  if (!insert.ok()) return insert.status();
  for (int number = 1; number <= products; ++number) {
    const v1::Product product = SeedProduct(number);
    absl::Status status =
        insert->Bind(product.sku(), product.name(), product.category(), product.description());
    if (status.ok()) status = insert->Run();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Seed(const SqliteProductStoreOptions& options) {
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> database =
      SqliteDatabase::Open({.path = options.path, .busy_timeout = kSeedBusyTimeout});
  if (!database.ok()) return database.status();
  if (absl::Status s = (*database)->Execute(kSchema); !s.ok()) return s;
  absl::StatusOr<bool> seeded = IsSeeded(**database, options.products);
  if (!seeded.ok()) return seeded.status();
  if (*seeded) return absl::OkStatus();
  return (*database)->Transaction([&] { return InsertMissing(**database, options.products); });
}

v1::Product ReadProduct(const SqliteStatement& row) {
  v1::Product product;
  product.set_sku(std::string(row.Text(0)));
  product.set_name(std::string(row.Text(1)));
  product.set_category(std::string(row.Text(2)));
  product.set_description(std::string(row.Text(3)));
  return product;
}

// What a caller should hear of a database that fails. A code such as NOT_FOUND or PERMISSION_DENIED
// is about the file, and a caller would take it for an answer about the product.
absl::Status CallError(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
      return absl::InternalError(status.message());
    default:
      return status;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteProductStore>> SqliteProductStore::Open(
    const SqliteProductStoreOptions& options) {
  if (absl::Status s = Seed(options); !s.ok()) return s;
  absl::StatusOr<std::unique_ptr<weft::data::SqlitePool>> pool = weft::data::SqlitePool::Open(
      {.database = {.path = options.path, .mode = weft::data::SqliteMode::kReadWrite},
       .name = "catalog",
       .threads = options.threads,
       .queue = options.queue});
  if (!pool.ok()) return pool.status();
  return std::unique_ptr<SqliteProductStore>(new SqliteProductStore(*std::move(pool)));
}

absl::StatusOr<v1::Product> SqliteProductStore::Find(absl::string_view sku) {
  bool found = false;
  absl::StatusOr<v1::Product> product =
      pool_->Run("find product", [&](SqliteDatabase& database) -> absl::StatusOr<v1::Product> {
        absl::StatusOr<SqliteStatement> find = database.Prepare(kFind);
        if (!find.ok()) return find.status();
        if (absl::Status s = find->Bind(sku); !s.ok()) return s;
        absl::StatusOr<bool> row = find->Step();
        if (!row.ok()) return row.status();
        found = *row;
        return found ? ReadProduct(*find) : v1::Product();
      });
  if (!product.ok()) return CallError(product.status());
  if (!found) return absl::NotFoundError(absl::StrCat("no product \"", sku, "\""));
  return product;
}

absl::StatusOr<std::vector<v1::Product>> SqliteProductStore::List(absl::string_view category,
                                                                  absl::string_view after_sku,
                                                                  int limit) {
  absl::StatusOr<std::vector<v1::Product>> products = pool_->Run(
      "list products", [&](SqliteDatabase& database) -> absl::StatusOr<std::vector<v1::Product>> {
        absl::StatusOr<SqliteStatement> list = database.Prepare(kList);
        if (!list.ok()) return list.status();
        if (absl::Status s = list->Bind(category, after_sku, limit); !s.ok()) return s;
        std::vector<v1::Product> page;
        for (;;) {
          absl::StatusOr<bool> row = list->Step();
          if (!row.ok()) return row.status();
          if (!*row) return page;
          page.push_back(ReadProduct(*list));
        }
      });
  if (!products.ok()) return CallError(products.status());
  return products;
}

}  // namespace catalog
