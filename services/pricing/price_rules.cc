#include "services/pricing/price_rules.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"

namespace pricing {
namespace {

// Base prices are 0.99 to 499.99, price lists move them by up to 3 %.
constexpr uint64_t kBasePrices = 500;
constexpr int64_t kListSpreadPermille = 30;

// FNV-1a, 64 bit (RFC draft-eastlake-fnv): the same on every machine and in every release, unlike
// absl::Hash or std::hash.
uint64_t StableHash(std::string_view text, uint64_t hash = 14695981039346656037u) {
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

int64_t BasePriceCents(std::string_view sku) {
  return static_cast<int64_t>(StableHash(sku) % kBasePrices) * 100 + 99;
}

// Per mille by which the list moves the base price of `sku`: -30 to 30; none in list 1.
int64_t ListShiftPermille(std::string_view sku, int64_t price_list) {
  if (price_list == 1) return 0;
  const uint64_t hash = StableHash(std::to_string(price_list), StableHash(sku));
  constexpr uint64_t kValues = 2 * kListSpreadPermille + 1;
  return static_cast<int64_t>((hash >> 32) % kValues) - kListSpreadPermille;
}

// Commercial rounding. Requires: both positive.
int64_t DivideRounded(int64_t amount, int64_t divisor) { return (amount + divisor / 2) / divisor; }

bool IsSkuCharacter(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; }

}  // namespace

absl::Status ValidateLine(std::string_view sku, int32_t quantity) {
  if (sku.empty()) return absl::InvalidArgumentError("sku is empty: name the product");
  if (sku.size() > kMaxSkuLength || !std::all_of(sku.begin(), sku.end(), IsSkuCharacter)) {
    return absl::InvalidArgumentError(
        absl::StrCat("sku must be 1 to ", kMaxSkuLength, " of A-Z, 0-9 and '-'"));
  }
  if (quantity < 1 || quantity > kMaxQuantity) {
    return absl::InvalidArgumentError(
        absl::StrCat("quantity is ", quantity, ": it must be 1 to ", kMaxQuantity));
  }
  return absl::OkStatus();
}

int64_t PriceListAt(absl::Time now, absl::Duration period) {
  if (period <= absl::ZeroDuration()) return 1;
  absl::Duration rest;
  return absl::IDivDuration(now - absl::UnixEpoch(), period, &rest);
}

absl::Time NextPriceListAt(absl::Time now, absl::Duration period) {
  if (period <= absl::ZeroDuration()) return absl::InfiniteFuture();
  return absl::UnixEpoch() + period * (PriceListAt(now, period) + 1);
}

int32_t DiscountPercent(int32_t quantity) {
  if (quantity >= 1000) return 15;
  if (quantity >= 100) return 10;
  if (quantity >= 10) return 5;
  return 0;
}

v1::Price MakePrice(std::string_view sku, int32_t quantity, int64_t price_list) {
  const int64_t list_cents =
      DivideRounded(BasePriceCents(sku) * (1000 + ListShiftPermille(sku, price_list)), 1000);
  const int32_t discount = DiscountPercent(quantity);
  const int64_t unit_cents = DivideRounded(list_cents * (100 - discount), 100);

  v1::Price price;
  price.set_sku(std::string(sku));
  price.set_quantity(quantity);
  price.mutable_unit_price()->set_currency_code(kCurrency);
  price.mutable_unit_price()->set_minor_units(unit_cents);
  price.mutable_total()->set_currency_code(kCurrency);
  price.mutable_total()->set_minor_units(unit_cents * quantity);
  price.set_discount_percent(discount);
  price.set_price_list(price_list);
  return price;
}

}  // namespace pricing
