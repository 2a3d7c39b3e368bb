#include "services/catalog/sqlite_product_store.h"

#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "platform/fiber/blocking_pool.h"
#include "platform/fiber/runtime.h"
#include "platform/fiber/task_group.h"
#include "services/catalog/seed.h"

namespace catalog {
namespace {

class SqliteProductStoreTest : public testing::Test {
 protected:
  SqliteProductStoreTest() {
    std::string path = testing::TempDir() + "/store-XXXXXX";
    folder_ = mkdtemp(path.data());
    path_ = folder_ + "/catalog.db";
  }
  ~SqliteProductStoreTest() override {
    for (const char* end : {"", "-wal", "-shm", "-journal"}) std::remove((path_ + end).c_str());
    std::remove(folder_.c_str());
  }

  absl::StatusOr<std::unique_ptr<SqliteProductStore>> Open(int products) {
    return SqliteProductStore::Open({.path = path_, .products = products, .threads = 2});
  }
  std::unique_ptr<SqliteProductStore> MustOpen(int products) {
    auto store = Open(products);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  void Execute(const std::string& sql) {
    auto database = weft::data::SqliteDatabase::Open({.path = path_});
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = (*database)->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }

  std::string folder_;
  std::string path_;
  weft::Runtime runtime_{{.shards = 1}};
};

TEST_F(SqliteProductStoreTest, SeededProductIsFound) {
  const auto store = MustOpen(20);
  const auto product = runtime_.Run([&] { return store->Find("SKU-000020"); });
  ASSERT_TRUE(product.ok()) << product.status();
  EXPECT_EQ(product->SerializeAsString(), SeedProduct(20).SerializeAsString());
}

TEST_F(SqliteProductStoreTest, UnknownProductIsNotFoundByName) {
  const auto store = MustOpen(20);
  const auto product = runtime_.Run([&] { return store->Find("SKU-000021"); });
  EXPECT_EQ(product.status(), absl::NotFoundError("no product \"SKU-000021\""));
}

TEST_F(SqliteProductStoreTest, QuotesInASkuAreNoSql) {
  const auto store = MustOpen(20);
  const auto product = runtime_.Run([&] { return store->Find("' OR 1=1; DROP TABLE products"); });
  EXPECT_EQ(product.status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(runtime_.Run([&] { return store->Find("SKU-000001"); }).ok());
}

TEST_F(SqliteProductStoreTest, ListIsTheCategoryInOrderAfterASku) {
  const auto store = MustOpen(80);
  runtime_.Run([&] {
    const auto all = store->List("garden", "", 100);
    ASSERT_TRUE(all.ok()) << all.status();
    ASSERT_EQ(all->size(), 10u);
    for (size_t i = 0; i < all->size(); ++i) {
      EXPECT_EQ((*all)[i].category(), "garden");
    }
    for (size_t i = 1; i < all->size(); ++i) EXPECT_LT((*all)[i - 1].sku(), (*all)[i].sku());
    const auto page = store->List("garden", (*all)[3].sku(), 2);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_EQ(page->size(), 2u);
    EXPECT_EQ((*page)[0].sku(), (*all)[4].sku());
  });
}

TEST_F(SqliteProductStoreTest, RestartKeepsWhatIsThereAndAddsWhatIsMissing) {
  MustOpen(20);
  Execute("UPDATE products SET name = 'Mine' WHERE sku = 'SKU-000003'");
  Execute("DELETE FROM products WHERE sku = 'SKU-000004'");
  Execute("INSERT INTO products VALUES ('SKU-000004-B', 'Other', 'books', '')");
  const auto store = MustOpen(20);
  EXPECT_EQ(runtime_.Run([&] { return store->Find("SKU-000003"); })->name(), "Mine");
  EXPECT_TRUE(runtime_.Run([&] { return store->Find("SKU-000004"); }).ok());
  EXPECT_TRUE(runtime_.Run([&] { return store->Find("SKU-000004-B"); }).ok());
}

TEST_F(SqliteProductStoreTest, MoreProductsAfterARestartAreAdded) {
  MustOpen(20);
  const auto store = MustOpen(40);
  EXPECT_TRUE(runtime_.Run([&] { return store->Find("SKU-000040"); }).ok());
}

TEST_F(SqliteProductStoreTest, FewerProductsAfterARestartRemoveNone) {
  MustOpen(40);
  const auto store = MustOpen(20);
  EXPECT_TRUE(runtime_.Run([&] { return store->Find("SKU-000040"); }).ok());
}

TEST_F(SqliteProductStoreTest, MissingFolderFailsNamingTheFile) {
  path_ = folder_ + "/missing/catalog.db";
  const absl::Status status = Open(20).status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(path_), std::string::npos) << status;
}

TEST_F(SqliteProductStoreTest, FileThatIsNoDatabaseFailsNamingTheFile) {
  std::ofstream(path_) << std::string(4096, 'x');
  const absl::Status status = Open(20).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_NE(status.message().find(path_), std::string::npos) << status;
}

// A limit on file sizes stands for a disk that is full: the write fails half way.
TEST_F(SqliteProductStoreTest, FullDiskWhileSeedingFailsAndLeavesNoHalf) {
  ASSERT_NE(MustOpen(20), nullptr);
  signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 256 * 1024;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = Open(100'000).status();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(path_), std::string::npos) << status;

  const auto store = MustOpen(20);
  EXPECT_TRUE(runtime_.Run([&] { return store->Find("SKU-000020"); }).ok());
  EXPECT_FALSE(runtime_.Run([&] { return store->Find("SKU-000021"); }).ok());
}

// The same limit for all files: not a byte can be written. tests/integration/full_disk_test.py
// fills a real disk.
TEST_F(SqliteProductStoreTest, FullDiskWhileServingStopsWritersAndNoReader) {
  const auto store = MustOpen(80);
  auto writer = weft::data::SqliteDatabase::Open({.path = path_});
  ASSERT_TRUE(writer.ok()) << writer.status();
  const std::string write = "UPDATE products SET name = 'Mine' WHERE sku = 'SKU-000001'";
  const std::string before = runtime_.Run([&] { return store->Find("SKU-000001"); })->name();

  signal(SIGXFSZ, SIG_IGN);
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const absl::Status refused = (*writer)->Execute(write);
  const auto product = runtime_.Run([&] { return store->Find("SKU-000001"); });
  const auto list = runtime_.Run([&] { return store->List("garden", "", 100); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_NE(refused.message().find(path_), std::string::npos) << refused;
  ASSERT_TRUE(product.ok()) << product.status();
  EXPECT_EQ(product->name(), before);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->size(), 10u);

  ASSERT_TRUE((*writer)->Execute(write).ok());
  EXPECT_EQ(runtime_.Run([&] { return store->Find("SKU-000001"); })->name(), "Mine");
}

TEST_F(SqliteProductStoreTest, LostTableIsInternalAndTheNextQueryAfterItsReturnWorks) {
  const auto store = MustOpen(20);
  Execute("ALTER TABLE products RENAME TO gone");
  const absl::Status find = runtime_.Run([&] { return store->Find("SKU-000001"); }).status();
  EXPECT_EQ(find.code(), absl::StatusCode::kInternal) << find;
  EXPECT_NE(find.message().find("products"), std::string::npos) << find;
  EXPECT_EQ(runtime_.Run([&] { return store->List("books", "", 1); }).status().code(),
            absl::StatusCode::kInternal);
  Execute("ALTER TABLE gone RENAME TO products");
  EXPECT_TRUE(runtime_.Run([&] { return store->Find("SKU-000001"); }).ok());
}

TEST_F(SqliteProductStoreTest, LockedDatabaseStillAnswersReaders) {
  const auto store = MustOpen(20);
  auto writer = weft::data::SqliteDatabase::Open({.path = path_});
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Execute("BEGIN IMMEDIATE").ok());
  EXPECT_TRUE(runtime_.Run([&] { return store->Find("SKU-000001"); }).ok());
  (*writer)->RollBack();
}

TEST_F(SqliteProductStoreTest, MoreCallsThanThreadsAndQueueAreRefusedAndTheRestAnswered) {
  auto store = SqliteProductStore::Open({.path = path_, .products = 20, .threads = 1, .queue = 2});
  ASSERT_TRUE(store.ok()) << store.status();
  int found = 0;
  int refused = 0;
  runtime_.Run([&] {
    weft::TaskGroup group;
    for (int i = 0; i < 100; ++i) {
      group.Spawn("find", [&] {
        const absl::Status status = (*store)->Find("SKU-000001").status();
        if (status.ok()) ++found;
        if (absl::IsResourceExhausted(status)) ++refused;
      });
    }
    EXPECT_TRUE(group.Wait().ok());
  });
  EXPECT_EQ(found + refused, 100);
  EXPECT_GE(found, 3);
  EXPECT_EQ((*store)->blocking_pool().Stats().rejected_total, static_cast<uint64_t>(refused));
}

}  // namespace
}  // namespace catalog
