#include "services/pricing/price_rules.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace pricing {
namespace {

int64_t UnitCents(std::string_view sku, int32_t quantity, int64_t price_list = 1) {
  return MakePrice(sku, quantity, price_list).unit_price().minor_units();
}

TEST(ValidateLine, GoodLineIsOk) {
  EXPECT_TRUE(ValidateLine("SKU-000001", 1).ok());
  EXPECT_TRUE(ValidateLine(std::string(kMaxSkuLength, 'A'), kMaxQuantity).ok());
}

TEST(ValidateLine, BadSkuIsNamed) {
  for (const std::string& sku : {std::string(), std::string("sku-1"), std::string("A B"),
                                 std::string("A\0B", 3), std::string(kMaxSkuLength + 1, 'A')}) {
    const absl::Status status = ValidateLine(sku, 1);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << sku;
    EXPECT_EQ(status.message().find("sku"), 0u) << status;
  }
}

TEST(ValidateLine, QuantityOutOfRangeIsNamed) {
  for (const int32_t quantity : {-1, 0, kMaxQuantity + 1}) {
    const absl::Status status = ValidateLine("SKU-1", quantity);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << quantity;
    EXPECT_NE(status.message().find(std::to_string(quantity)), std::string::npos) << status;
  }
}

TEST(MakePrice, SameLineSamePrice) {
  EXPECT_EQ(MakePrice("SKU-000007", 3, 12).SerializeAsString(),
            MakePrice("SKU-000007", 3, 12).SerializeAsString());
}

// Clients may have stored prices: a change of the rules must be one on purpose.
TEST(MakePrice, PricesAreThoseOfTheFirstRelease) {
  EXPECT_EQ(UnitCents("SKU-000001", 1), 19499);
  EXPECT_EQ(UnitCents("SKU-000002", 1), 48399);
}

TEST(MakePrice, TotalIsUnitPriceTimesQuantity) {
  const v1::Price price = MakePrice("SKU-000042", 250, 1);
  EXPECT_EQ(price.sku(), "SKU-000042");
  EXPECT_EQ(price.quantity(), 250);
  EXPECT_EQ(price.total().minor_units(), price.unit_price().minor_units() * 250);
  EXPECT_EQ(price.total().currency_code(), "EUR");
  EXPECT_EQ(price.discount_percent(), 10);
}

TEST(MakePrice, MorePiecesAreNeverDearerEach) {
  int64_t last = UnitCents("SKU-000042", 1);
  for (const int32_t quantity : {9, 10, 99, 100, 999, 1000, kMaxQuantity}) {
    const int64_t now = UnitCents("SKU-000042", quantity);
    EXPECT_LE(now, last) << quantity;
    last = now;
  }
  EXPECT_LT(last, UnitCents("SKU-000042", 1));
}

TEST(MakePrice, DiscountIsRoundedToTheNearestCent) {
  const int64_t one = UnitCents("SKU-000001", 1);
  EXPECT_EQ(UnitCents("SKU-000001", 10), (one * 95 + 50) / 100);
}

TEST(MakePrice, ListsMovePricesWithinThreePercent) {
  const int64_t base = UnitCents("SKU-000001", 1);
  std::set<int64_t> seen;
  for (int64_t list = 2; list < 200; ++list) {
    const int64_t cents = UnitCents("SKU-000001", 1, list);
    EXPECT_GE(cents * 1000, base * 970 - 1000) << list;
    EXPECT_LE(cents * 1000, base * 1030 + 1000) << list;
    seen.insert(cents);
  }
  EXPECT_GT(seen.size(), 20u);
}

TEST(PriceList, GrowsByOneAtEachPeriod) {
  const absl::Duration period = absl::Seconds(60);
  const absl::Time start = absl::UnixEpoch() + 1000 * period;
  EXPECT_EQ(PriceListAt(start, period), 1000);
  EXPECT_EQ(PriceListAt(start + period - absl::Nanoseconds(1), period), 1000);
  EXPECT_EQ(PriceListAt(start + period, period), 1001);
  EXPECT_EQ(NextPriceListAt(start, period), start + period);
  EXPECT_EQ(NextPriceListAt(start + period / 2, period), start + period);
}

TEST(PriceList, WithoutAPeriodThereIsOne) {
  const absl::Time now = absl::UnixEpoch() + absl::Hours(400'000);
  EXPECT_EQ(PriceListAt(now, absl::ZeroDuration()), 1);
  EXPECT_EQ(NextPriceListAt(now, absl::ZeroDuration()), absl::InfiniteFuture());
}

}  // namespace
}  // namespace pricing
