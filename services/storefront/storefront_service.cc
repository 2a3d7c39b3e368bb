#include "services/storefront/storefront_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/fiber/task_group.h"

namespace storefront {
namespace {

constexpr size_t kMaxSkuLength = 32;

// Small, so that the first offers of a long list leave soon.
constexpr int kOffersPerPage = 20;

bool IsSkuCharacter(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; }

absl::Status Validate(const v1::GetOfferRequest& request) {
  const std::string& sku = request.sku();
  if (sku.empty()) return absl::InvalidArgumentError("sku is empty: name the product");
  if (sku.size() > kMaxSkuLength || !std::all_of(sku.begin(), sku.end(), IsSkuCharacter)) {
    return absl::InvalidArgumentError(
        absl::StrCat("sku must be 1 to ", kMaxSkuLength, " of A-Z, 0-9 and '-'"));
  }
  if (request.quantity() < 0 || request.quantity() > kMaxQuantity) {
    return absl::InvalidArgumentError(absl::StrCat("quantity is ", request.quantity(),
                                                   ": it must be 1 to ", kMaxQuantity,
                                                   ", or 0 for one piece"));
  }
  return absl::OkStatus();
}

absl::Status Validate(const v1::ListOffersRequest& request) {
  if (request.category().empty()) {
    return absl::InvalidArgumentError("category is empty: name one, such as \"kitchen\"");
  }
  if (request.limit() < 0 || request.limit() > kMaxListLimit) {
    return absl::InvalidArgumentError(absl::StrCat("limit is ", request.limit(),
                                                   ": it must be 1 to ", kMaxListLimit,
                                                   ", or 0 for ", kDefaultListLimit));
  }
  return absl::OkStatus();
}

v1::Offer MakeOffer(const catalog::v1::Product& product, const pricing::v1::Price& price) {
  v1::Offer offer;
  offer.set_sku(product.sku());
  offer.set_name(product.name());
  offer.set_category(product.category());
  offer.set_description(product.description());
  offer.set_quantity(price.quantity());
  *offer.mutable_unit_price() = price.unit_price();
  *offer.mutable_total() = price.total();
  return offer;
}

}  // namespace

absl::Status DependencyError(absl::string_view service, const absl::Status& status) {
  if (absl::IsNotFound(status)) return status;
  const std::string text = absl::StrCat(service, ": ", status.message());
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kCancelled:
      return absl::Status(status.code(), text);
    default:
      return absl::InternalError(
          absl::StrCat(text, " [", absl::StatusCodeToString(status.code()), "]"));
  }
}

StorefrontService::StorefrontService(std::shared_ptr<weft::rpc::Channel> catalog,
                                     std::shared_ptr<weft::rpc::Channel> pricing,
                                     const StorefrontOptions& options)
    : call_options_{.timeout = options.deadline},
      catalog_(std::move(catalog)),
      pricing_(std::move(pricing)) {}

absl::StatusOr<v1::GetOfferResponse> StorefrontService::GetOffer(
    weft::CallContext&, const v1::GetOfferRequest& request) {
  if (absl::Status s = Validate(request); !s.ok()) return s;
  const int quantity = request.quantity() == 0 ? 1 : request.quantity();

  weft::TaskGroup group;
  auto product = group.Spawn("ask catalog", [&] { return AskForProduct(request.sku()); });
  auto price = group.Spawn("ask pricing", [&] { return AskForPrice(request.sku(), quantity); });
  if (absl::Status s = group.Wait(); !s.ok()) return s;

  v1::GetOfferResponse response;
  *response.mutable_offer() = MakeOffer(*product, *price);
  return response;
}

absl::Status StorefrontService::ListOffers(
    weft::CallContext&, const v1::ListOffersRequest& request,
    weft::rpc::ServerWriter<v1::ListOffersResponse>& replies) {
  if (absl::Status s = Validate(request); !s.ok()) return s;
  int left = request.limit() == 0 ? kDefaultListLimit : request.limit();
  std::string page_token;
  do {
    const int page_size = std::min(left, kOffersPerPage);
    absl::StatusOr<catalog::v1::ListProductsResponse> page =
        AskForPage(request.category(), page_size, page_token);
    if (!page.ok()) return std::move(page).status();
    absl::StatusOr<pricing::v1::PriceBasketResponse> prices = AskForPrices(*page);
    if (!prices.ok()) return std::move(prices).status();

    for (int i = 0; i < page->products_size() && left > 0; ++i, --left) {
      v1::ListOffersResponse reply;
      *reply.mutable_offer() = MakeOffer(page->products(i), prices->lines(i));
      if (absl::Status s = replies.Write(reply); !s.ok()) return s;
    }
    page_token = page->next_page_token();
  } while (left > 0 && !page_token.empty());
  return absl::OkStatus();
}

absl::StatusOr<catalog::v1::Product> StorefrontService::AskForProduct(const std::string& sku) {
  catalog::v1::GetProductRequest request;
  request.set_sku(sku);
  absl::StatusOr<catalog::v1::GetProductResponse> response =
      catalog_.GetProduct(request, call_options_);
  if (!response.ok()) return DependencyError("catalog", response.status());
  return std::move(*response->mutable_product());
}

absl::StatusOr<pricing::v1::Price> StorefrontService::AskForPrice(const std::string& sku,
                                                                  int quantity) {
  pricing::v1::GetPriceRequest request;
  request.set_sku(sku);
  request.set_quantity(quantity);
  absl::StatusOr<pricing::v1::GetPriceResponse> response =
      pricing_.GetPrice(request, call_options_);
  if (!response.ok()) return DependencyError("pricing", response.status());
  return std::move(*response->mutable_price());
}

absl::StatusOr<catalog::v1::ListProductsResponse> StorefrontService::AskForPage(
    const std::string& category, int page_size, const std::string& page_token) {
  catalog::v1::ListProductsRequest request;
  request.set_category(category);
  request.set_page_size(page_size);
  request.set_page_token(page_token);
  absl::StatusOr<catalog::v1::ListProductsResponse> response =
      catalog_.ListProducts(request, call_options_);
  if (!response.ok()) return DependencyError("catalog", response.status());
  return response;
}

absl::StatusOr<pricing::v1::PriceBasketResponse> StorefrontService::AskForPrices(
    const catalog::v1::ListProductsResponse& page) {
  if (page.products().empty()) return pricing::v1::PriceBasketResponse();  // a basket has lines
  auto basket = pricing_.PriceBasket(call_options_);
  for (const catalog::v1::Product& product : page.products()) {
    pricing::v1::PriceBasketRequest line;
    line.set_sku(product.sku());
    line.set_quantity(1);
    if (!basket.Write(line)) break;  // Finish() knows why
  }
  absl::StatusOr<pricing::v1::PriceBasketResponse> response = basket.Finish();
  if (!response.ok()) return DependencyError("pricing", response.status());
  if (response->lines_size() != page.products_size()) {
    return DependencyError("pricing",
                           absl::InternalError(absl::StrCat(page.products_size(), " lines asked, ",
                                                            response->lines_size(), " answered")));
  }
  return response;
}

}  // namespace storefront
