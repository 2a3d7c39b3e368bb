#include "services/catalog/catalog_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace catalog {
namespace {

constexpr size_t kMaxSkuLength = 32;
constexpr size_t kMaxCategoryLength = 64;

bool IsSkuCharacter(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; }

bool IsSku(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxSkuLength &&
         std::all_of(text.begin(), text.end(), IsSkuCharacter);
}

absl::Status Validate(const v1::ListProductsRequest& request) {
  if (request.category().empty()) {
    return absl::InvalidArgumentError("category is empty: name one, such as \"kitchen\"");
  }
  if (request.category().size() > kMaxCategoryLength) {
    return absl::InvalidArgumentError(
        absl::StrCat("category is longer than ", kMaxCategoryLength, " bytes"));
  }
  if (request.page_size() < 0 || request.page_size() > kMaxPageSize) {
    return absl::InvalidArgumentError(absl::StrCat("page_size is ", request.page_size(),
                                                   ": it must be 1 to ", kMaxPageSize,
                                                   ", or 0 for ", kDefaultPageSize));
  }
  if (!request.page_token().empty() && !IsSku(request.page_token())) {
    return absl::InvalidArgumentError("page_token is none that ListProducts gave: start again");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::GetProductResponse> CatalogService::GetProduct(
    weft::CallContext&, const v1::GetProductRequest& request) {
  if (!IsSku(request.sku())) {
    return absl::InvalidArgumentError(
        absl::StrCat("sku must be 1 to ", kMaxSkuLength, " of A-Z, 0-9 and '-'"));
  }
  absl::StatusOr<v1::Product> product = store_.Find(request.sku());
  if (!product.ok()) return std::move(product).status();
  v1::GetProductResponse response;
  *response.mutable_product() = *std::move(product);
  return response;
}

absl::StatusOr<v1::ListProductsResponse> CatalogService::ListProducts(
    weft::CallContext&, const v1::ListProductsRequest& request) {
  if (absl::Status s = Validate(request); !s.ok()) return s;
  const int page_size = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  // One more than the page holds tells whether there is another page.
  absl::StatusOr<std::vector<v1::Product>> products =
      store_.List(request.category(), request.page_token(), page_size + 1);
  if (!products.ok()) return std::move(products).status();
  if (products->empty() && request.page_token().empty()) {
    return absl::NotFoundError(absl::StrCat("no category \"", request.category(), "\""));
  }

  v1::ListProductsResponse response;
  const size_t count = std::min(products->size(), static_cast<size_t>(page_size));
  for (size_t i = 0; i < count; ++i) *response.add_products() = std::move((*products)[i]);
  // The token is the last SKU, not an offset: pages stay right when products come and go.
  if (products->size() > count) response.set_next_page_token(response.products(count - 1).sku());
  return response;
}

}  // namespace catalog
