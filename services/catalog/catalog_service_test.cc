#include "services/catalog/catalog_service.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "platform/rpc/testing/in_process_server.h"
#include "services/catalog/seed.h"

namespace catalog {
namespace {

// A store in memory that fails when it is told to.
class FakeStore final : public ProductStore {
 public:
  explicit FakeStore(int products) {
    for (int i = 1; i <= products; ++i) products_[SeedSku(i)] = SeedProduct(i);
  }

  absl::StatusOr<v1::Product> Find(absl::string_view sku) override {
    if (!failure.ok()) return failure;
    const auto found = products_.find(std::string(sku));
    if (found == products_.end()) return absl::NotFoundError(absl::StrCat("no product ", sku));
    return found->second;
  }

  absl::StatusOr<std::vector<v1::Product>> List(absl::string_view category,
                                                absl::string_view after_sku, int limit) override {
    if (!failure.ok()) return failure;
    std::vector<v1::Product> page;
    for (auto it = products_.upper_bound(std::string(after_sku)); it != products_.end(); ++it) {
      if (static_cast<int>(page.size()) == limit) break;
      if (it->second.category() == category) page.push_back(it->second);
    }
    return page;
  }

  absl::Status failure;

 private:
  std::map<std::string, v1::Product> products_;
};

class CatalogServiceTest : public testing::Test {
 protected:
  absl::StatusOr<v1::GetProductResponse> GetProduct(const std::string& sku) {
    v1::GetProductRequest request;
    request.set_sku(sku);
    return server_.Run([&] { return client_.GetProduct(request); });
  }

  absl::StatusOr<v1::ListProductsResponse> ListProducts(const std::string& category, int page_size,
                                                        const std::string& page_token = "") {
    v1::ListProductsRequest request;
    request.set_category(category);
    request.set_page_size(page_size);
    request.set_page_token(page_token);
    return server_.Run([&] { return client_.ListProducts(request); });
  }

  FakeStore store_{/*products=*/80};  // ten in each of eight categories
  CatalogService service_{store_};
  weft::rpc::InProcessServer server_{{&service_}};
  v1::CatalogClient client_{server_.channel()};
};

TEST_F(CatalogServiceTest, KnownProductIsFound) {
  const auto response = GetProduct("SKU-000007");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->product().SerializeAsString(), SeedProduct(7).SerializeAsString());
}

TEST_F(CatalogServiceTest, UnknownProductIsNotFound) {
  const auto response = GetProduct("SKU-000081");
  EXPECT_EQ(response.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(response.status().message(), "no product SKU-000081");
}

TEST_F(CatalogServiceTest, MalformedSkuIsInvalid) {
  for (const std::string& sku : {std::string(), std::string("a'; --"), std::string(33, 'A')}) {
    EXPECT_EQ(GetProduct(sku).status().code(), absl::StatusCode::kInvalidArgument) << sku;
  }
}

TEST_F(CatalogServiceTest, StoreFailureIsTheAnswerAndTheNextCallWorks) {
  store_.failure = absl::DataLossError("the disk is gone");
  EXPECT_EQ(GetProduct("SKU-000001").status(), store_.failure);
  EXPECT_EQ(ListProducts("books", 5).status(), store_.failure);
  store_.failure = absl::OkStatus();
  EXPECT_TRUE(GetProduct("SKU-000001").ok());
}

TEST_F(CatalogServiceTest, PagesHoldEachProductOnce) {
  std::vector<std::string> skus;
  std::string token;
  do {
    const auto page = ListProducts("kitchen", 3, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Product& product : page->products()) skus.push_back(product.sku());
    token = page->next_page_token();
    ASSERT_LE(skus.size(), 10u);
  } while (!token.empty());
  EXPECT_EQ(skus.size(), 10u);
  EXPECT_TRUE(std::is_sorted(skus.begin(), skus.end()));
}

TEST_F(CatalogServiceTest, PageThatEndsWithTheCategoryHasNoToken) {
  const auto page = ListProducts("kitchen", 10);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->products_size(), 10);
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(CatalogServiceTest, UnknownCategoryIsNotFound) {
  EXPECT_EQ(ListProducts("unicorns", 0).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CatalogServiceTest, BadListRequestIsInvalid) {
  EXPECT_EQ(ListProducts("", 5).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListProducts("books", -1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListProducts("books", kMaxPageSize + 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListProducts("books", 5, "made up").status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace catalog
