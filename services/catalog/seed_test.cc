#include "services/catalog/seed.h"

#include <algorithm>
#include <map>
#include <set>

#include "gtest/gtest.h"

namespace catalog {
namespace {

TEST(Seed, SameNumberSameProduct) {
  for (int number = 1; number <= 100; ++number) {
    EXPECT_EQ(SeedProduct(number).SerializeAsString(), SeedProduct(number).SerializeAsString());
  }
}

// The demo, tests and docs name products: another seed or word list is a change on purpose.
TEST(Seed, FirstProductIsKnown) {
  const v1::Product product = SeedProduct(1);
  EXPECT_EQ(product.sku(), "SKU-000001");
  EXPECT_EQ(product.category(), "books");
  EXPECT_EQ(product.name(), "Handmade Cork Novel");
  EXPECT_EQ(product.description(), "For rainy evenings. Model 131.");
}

TEST(Seed, SkusAreOrderedAsTheirNumbers) {
  EXPECT_LT(SeedSku(9), SeedSku(10));
  EXPECT_LT(SeedSku(99'999), SeedSku(100'000));
  EXPECT_LT(SeedSku(kMaxSeedProducts - 1), SeedSku(kMaxSeedProducts));
}

TEST(Seed, CategoriesShareTheProductsEvenly) {
  std::map<std::string, int> products;
  for (int number = 1; number <= 800; ++number) ++products[SeedProduct(number).category()];
  EXPECT_EQ(products.size(), SeedCategories().size());
  for (const std::string& category : SeedCategories()) EXPECT_EQ(products[category], 100);
}

TEST(Seed, CategoriesAreSorted) {
  EXPECT_TRUE(std::is_sorted(SeedCategories().begin(), SeedCategories().end()));
}

TEST(Seed, ProductsDiffer) {
  std::set<std::string> seen;
  for (int number = 1; number <= 1000; ++number) {
    const v1::Product product = SeedProduct(number);
    seen.insert(product.name() + product.description());
    EXPECT_FALSE(product.name().empty());
  }
  EXPECT_GT(seen.size(), 950u);
}

}  // namespace
}  // namespace catalog
