#include "services/catalog/seed.h"

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace catalog {
namespace {

// Another seed makes another shop; tests name products of this one.
constexpr uint64_t kSeed = 2;

struct Category {
  absl::string_view name;
  std::array<absl::string_view, 6> things;
  absl::string_view purpose;
};

constexpr std::array<Category, 8> kCategories = {{
    {"books", {"Atlas", "Cookbook", "Diary", "Dictionary", "Novel", "Songbook"}, "rainy evenings"},
    {"garden", {"Bench", "Lantern", "Rake", "Shears", "Trellis", "Watering Can"}, "small gardens"},
    {"kitchen", {"Grater", "Kettle", "Ladle", "Pan", "Teapot", "Whisk"}, "cooks in a hurry"},
    {"music", {"Drum", "Flute", "Guitar", "Harmonica", "Metronome", "Ukulele"}, "late beginners"},
    {"office", {"Binder", "Desk Lamp", "Inkwell", "Pencil", "Ruler", "Stapler"}, "tidy desks"},
    {"sports", {"Dumbbell", "Football", "Racket", "Rope", "Sledge", "Whistle"}, "Sunday sports"},
    {"tools", {"Chisel", "Hammer", "Plane", "Saw", "Spanner", "Vice"}, "patient hands"},
    {"toys", {"Kite", "Marble Run", "Puppet", "Puzzle", "Spinning Top", "Train"}, "ages 3 to 99"},
}};

constexpr std::array<absl::string_view, 10> kQualities = {
    "Bright", "Classic", "Folding", "Handmade", "Light",
    "Little", "Quiet",   "Sturdy",  "Trusted",  "Weatherproof"};

constexpr std::array<absl::string_view, 10> kMaterials = {
    "Ash", "Bamboo", "Beech", "Brass", "Copper", "Cork", "Enamel", "Linen", "Oak", "Steel"};

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): a good
// mix of consecutive numbers, and the same one in every release of the standard library.
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

// Draws one of `choices` and uses up that part of the randomness.
template <typename T, size_t kSize>
const T& Draw(const std::array<T, kSize>& choices, uint64_t& random) {
  const T& choice = choices[random % kSize];
  random /= kSize;
  return choice;
}

}  // namespace

const std::vector<std::string>& SeedCategories() {
  static const std::vector<std::string>& names = *[] {
    auto* all = new std::vector<std::string>;
    for (const Category& category : kCategories) all->emplace_back(category.name);
    return all;
  }();
  return names;
}

std::string SeedSku(int number) { return absl::StrFormat("SKU-%06d", number); }

v1::Product SeedProduct(int number) {
  uint64_t random = Mix(kSeed + static_cast<uint64_t>(number));
  // In turn, so that even the smallest catalog has something in the first categories.
  const Category& category = kCategories[(number - 1) % kCategories.size()];
  const absl::string_view quality = Draw(kQualities, random);
  const absl::string_view material = Draw(kMaterials, random);
  const absl::string_view thing = Draw(category.things, random);

  v1::Product product;
  product.set_sku(SeedSku(number));
  product.set_name(absl::StrCat(quality, " ", material, " ", thing));
  product.set_category(std::string(category.name));
  product.set_description(
      absl::StrCat("For ", category.purpose, ". Model ", 100 + random % 900, "."));
  return product;
}

}  // namespace catalog
