// The data set of the shop: products that are made up, the same ones on every machine.
//
// Product n depends on n and on nothing else: a catalog with more products begins with those of a
// smaller one.
#ifndef SERVICES_CATALOG_SEED_H_
#define SERVICES_CATALOG_SEED_H_

#include <string>
#include <vector>

#include "proto/catalog/v1/catalog.pb.h"

namespace catalog {

// Six digits, so that SKUs are ordered as their numbers.
inline constexpr int kMaxSeedProducts = 999'999;

// "kitchen", "garden" …, in alphabetical order.
const std::vector<std::string>& SeedCategories();

// "SKU-000001" for 1. Requires: 1 ≤ number ≤ kMaxSeedProducts.
std::string SeedSku(int number);

// Requires: 1 ≤ number ≤ kMaxSeedProducts.
v1::Product SeedProduct(int number);

}  // namespace catalog

#endif  // SERVICES_CATALOG_SEED_H_
