#include "services/storefront/storefront_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/fiber/fiber.h"
#include "platform/fiber/latch.h"
#include "platform/rpc/testing/in_process_server.h"

namespace storefront {
namespace {

constexpr absl::Duration kTooLong = absl::Hours(1);

// Knows SKU-0 to SKU-49, all of the category "all".
class FakeCatalog final : public catalog::v1::CatalogHandler {
 public:
  absl::StatusOr<catalog::v1::GetProductResponse> GetProduct(
      weft::CallContext&, const catalog::v1::GetProductRequest& request) override {
    if (meeting != nullptr) {
      if (absl::Status s = meeting->ArriveAndWait(); !s.ok()) return s;
    }
    if (!failure.ok()) return failure;
    catalog::v1::GetProductResponse response;
    *response.mutable_product() = Product(request.sku());
    return response;
  }

  absl::StatusOr<catalog::v1::ListProductsResponse> ListProducts(
      weft::CallContext&, const catalog::v1::ListProductsRequest& request) override {
    if (!failure.ok()) return failure;
    const int first = request.page_token().empty() ? 0 : std::stoi(request.page_token());
    catalog::v1::ListProductsResponse response;
    for (int i = first; i < 50 && i < first + request.page_size(); ++i) {
      *response.add_products() = Product(absl::StrCat("SKU-", i));
    }
    if (first + request.page_size() < 50) {
      response.set_next_page_token(absl::StrCat(first + request.page_size()));
    }
    return response;
  }

  absl::Status failure;
  weft::Latch* meeting = nullptr;

 private:
  static catalog::v1::Product Product(const std::string& sku) {
    catalog::v1::Product product;
    product.set_sku(sku);
    product.set_name("Name of " + sku);
    product.set_category("all");
    return product;
  }
};

// One euro a piece.
class FakePricing final : public pricing::v1::PricingHandler {
 public:
  absl::StatusOr<pricing::v1::GetPriceResponse> GetPrice(
      weft::CallContext&, const pricing::v1::GetPriceRequest& request) override {
    if (!failure.ok()) return failure;
    absl::Status waited = meeting == nullptr ? absl::OkStatus() : meeting->ArriveAndWait();
    if (waited.ok()) waited = weft::SleepFor(delay);
    if (!waited.ok()) {
      ++given_up;
      return waited;
    }
    pricing::v1::GetPriceResponse response;
    *response.mutable_price() = Price(request.sku(), request.quantity());
    return response;
  }

  absl::StatusOr<pricing::v1::PriceBasketResponse> PriceBasket(
      weft::CallContext&,
      weft::rpc::ServerReader<pricing::v1::PriceBasketRequest>& requests) override {
    if (!failure.ok()) return failure;
    pricing::v1::PriceBasketResponse response;
    for (pricing::v1::PriceBasketRequest request; requests.Read(&request);) {
      *response.add_lines() = Price(request.sku(), request.quantity());
    }
    if (lose_a_line) response.mutable_lines()->RemoveLast();
    return response;
  }

  absl::Status failure;
  weft::Latch* meeting = nullptr;
  absl::Duration delay;
  int given_up = 0;
  bool lose_a_line = false;

 private:
  static pricing::v1::Price Price(const std::string& sku, int32_t quantity) {
    pricing::v1::Price price;
    price.set_sku(sku);
    price.set_quantity(quantity);
    price.mutable_unit_price()->set_currency_code("EUR");
    price.mutable_unit_price()->set_minor_units(100);
    price.mutable_total()->set_currency_code("EUR");
    price.mutable_total()->set_minor_units(100 * quantity);
    return price;
  }
};

class StorefrontServiceTest : public testing::Test {
 protected:
  absl::StatusOr<v1::GetOfferResponse> GetOffer(const std::string& sku, int quantity,
                                                const weft::rpc::CallOptions& options = {}) {
    v1::GetOfferRequest request;
    request.set_sku(sku);
    request.set_quantity(quantity);
    return server_.Run([&] { return client_.GetOffer(request, options); });
  }

  absl::Status ListOffers(const std::string& category, int limit) {
    v1::ListOffersRequest request;
    request.set_category(category);
    request.set_limit(limit);
    return server_.Run([&] {
      auto replies = client_.ListOffers(request);
      for (v1::ListOffersResponse reply; replies.Read(&reply);) offers_.push_back(reply.offer());
      return replies.Finish();
    });
  }

  FakeCatalog fake_catalog_;
  FakePricing fake_pricing_;
  weft::rpc::InProcessServer catalog_{{&fake_catalog_}};
  weft::rpc::InProcessServer pricing_{{&fake_pricing_}};
  StorefrontService service_{
      catalog_.channel(), pricing_.channel(), {.deadline = absl::Seconds(60)}};
  weft::rpc::InProcessServer server_{{&service_}};
  v1::StorefrontClient client_{server_.channel()};
  std::vector<v1::Offer> offers_;
};

TEST_F(StorefrontServiceTest, OfferJoinsBothAnswers) {
  const auto response = GetOffer("SKU-7", 3);
  ASSERT_TRUE(response.ok()) << response.status();
  const v1::Offer& offer = response->offer();
  EXPECT_EQ(offer.sku(), "SKU-7");
  EXPECT_EQ(offer.name(), "Name of SKU-7");
  EXPECT_EQ(offer.quantity(), 3);
  EXPECT_EQ(offer.unit_price().minor_units(), 100);
  EXPECT_EQ(offer.total().minor_units(), 300);
}

TEST_F(StorefrontServiceTest, BothAreAskedAtOnce) {
  weft::Latch meeting(2);  // asked one after the other, the first would wait until its deadline
  fake_catalog_.meeting = &meeting;
  fake_pricing_.meeting = &meeting;
  const auto response = GetOffer("SKU-7", 1);
  EXPECT_TRUE(response.ok()) << response.status();
}

TEST_F(StorefrontServiceTest, BadRequestIsRefusedWithoutAskingAnybody) {
  EXPECT_EQ(GetOffer("", 1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetOffer("sku", 1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetOffer("SKU-1", -1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(GetOffer("SKU-1", kMaxQuantity + 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListOffers("", 1).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListOffers("all", -1).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListOffers("all", kMaxListLimit + 1).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(catalog_.calls().All(), testing::IsEmpty());
  EXPECT_THAT(pricing_.calls().All(), testing::IsEmpty());
}

TEST_F(StorefrontServiceTest, FailureOfOneCancelsTheQuestionToTheOther) {
  weft::Latch meeting(2);  // so that pricing has been asked when the catalog fails
  fake_catalog_.meeting = &meeting;
  fake_pricing_.meeting = &meeting;
  fake_catalog_.failure = absl::NotFoundError("no product SKU-7");
  fake_pricing_.delay = kTooLong;
  const auto response = GetOffer("SKU-7", 1);
  EXPECT_EQ(response.status(), absl::NotFoundError("no product SKU-7"));
  pricing_.Stop();  // returns once the handler has
  EXPECT_EQ(fake_pricing_.given_up, 1);
}

TEST_F(StorefrontServiceTest, ServiceThatIsDownIsNamedWithItsTarget) {
  pricing_.Stop();
  const auto response = GetOffer("SKU-7", 1);
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable) << response.status();
  EXPECT_NE(response.status().message().find("pricing: "), std::string::npos) << response.status();
  EXPECT_NE(response.status().message().find(pricing_.channel()->target()), std::string::npos)
      << response.status();
}

TEST_F(StorefrontServiceTest, CallersDeadlineHoldsForTheQuestions) {
  fake_pricing_.delay = kTooLong;
  const auto response = GetOffer("SKU-7", 1, {.timeout = absl::Milliseconds(30)});
  EXPECT_EQ(response.status().code(), absl::StatusCode::kDeadlineExceeded) << response.status();
}

TEST_F(StorefrontServiceTest, ListStopsAtItsLimitAcrossPages) {
  const absl::Status status = ListOffers("all", 45);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(offers_.size(), 45u);
  EXPECT_EQ(offers_.front().sku(), "SKU-0");
  EXPECT_EQ(offers_.back().sku(), "SKU-44");
  EXPECT_EQ(offers_.back().total().minor_units(), 100);
}

TEST_F(StorefrontServiceTest, ListEndsWithTheCategory) {
  const absl::Status status = ListOffers("all", kMaxListLimit);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(offers_.size(), 50u);
}

TEST_F(StorefrontServiceTest, ListFailsWithItsServices) {
  fake_pricing_.failure = absl::ResourceExhaustedError("too many");
  const absl::Status status = ListOffers("all", 5);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(status.message().find("pricing: "), 0u) << status;
}

TEST_F(StorefrontServiceTest, AnswerThatDoesNotFitTheQuestionIsInternal) {
  fake_pricing_.lose_a_line = true;
  const absl::Status status = ListOffers("all", 5);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
}

TEST(DependencyError, FaultBetweenServicesIsInternalAndKeepsTheText) {
  const absl::Status status = DependencyError("pricing", absl::InvalidArgumentError("sku is bad"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message(), "pricing: sku is bad [INVALID_ARGUMENT]");
}

TEST(DependencyError, WhatTheCallerCanActOnKeepsItsCode) {
  for (const absl::StatusCode code :
       {absl::StatusCode::kUnavailable, absl::StatusCode::kDeadlineExceeded,
        absl::StatusCode::kResourceExhausted, absl::StatusCode::kCancelled}) {
    EXPECT_EQ(DependencyError("catalog", absl::Status(code, "x")),
              absl::Status(code, "catalog: x"));
  }
}

TEST(DependencyError, NotFoundIsTheAnswerAsItIs) {
  EXPECT_EQ(DependencyError("catalog", absl::NotFoundError("no product X")),
            absl::NotFoundError("no product X"));
}

}  // namespace
}  // namespace storefront
