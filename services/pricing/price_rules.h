// The rules that prices follow. Plain functions: no I/O, no clock, no state.
//
// A product's base price is derived from its SKU, so that every replica names the same price
// without a database. Price lists, numbered one after the other, move it a little; buying more
// makes a piece cheaper. All amounts are whole cents.
#ifndef SERVICES_PRICING_PRICE_RULES_H_
#define SERVICES_PRICING_PRICE_RULES_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/pricing/v1/pricing.pb.h"

namespace pricing {

inline constexpr char kCurrency[] = "EUR";
inline constexpr size_t kMaxSkuLength = 32;
inline constexpr int32_t kMaxQuantity = 10'000;

// OK, or INVALID_ARGUMENT naming the field and what it may be.
absl::Status ValidateLine(std::string_view sku, int32_t quantity);

// The number of the price list in force at `now` when a new one begins each `period`, counted from
// the Unix epoch; always 1 for a period of zero.
int64_t PriceListAt(absl::Time now, absl::Duration period);

// When the list after the one in force at `now` begins; never (InfiniteFuture) for a period of
// zero.
absl::Time NextPriceListAt(absl::Time now, absl::Duration period);

// 0, 5, 10 or 15, from 1, 10, 100 and 1,000 pieces on.
int32_t DiscountPercent(int32_t quantity);

// Requires: ValidateLine(sku, quantity).ok(). At most 52,000 cents a piece, so sums of valid lines
// stay far below the range of int64.
v1::Price MakePrice(std::string_view sku, int32_t quantity, int64_t price_list);

}  // namespace pricing

#endif  // SERVICES_PRICING_PRICE_RULES_H_
