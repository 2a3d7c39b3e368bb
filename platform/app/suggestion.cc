#include "platform/app/suggestion.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weft::app {
namespace {

// Longer names are not compared: the distance takes time in proportion to the square.
constexpr size_t kMaxLength = 128;

// Levenshtein's distance, one row of the table at a time.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string DidYouMean(absl::string_view given, const std::vector<std::string>& names,
                       absl::string_view prefix) {
  if (given.empty() || given.size() > kMaxLength) return "";
  const std::string* best = nullptr;
  size_t best_distance = 0;
  for (const std::string& name : names) {
    if (name.size() > kMaxLength) continue;
    const bool is_tail = absl::EndsWith(name, absl::StrCat(".", given));
    const size_t distance = is_tail ? 0 : EditDistance(given, name);
    if (distance > std::max<size_t>(2, name.size() / 4)) continue;
    if (best == nullptr || distance < best_distance) {
      best = &name;
      best_distance = distance;
    }
  }
  return best == nullptr ? "" : absl::StrCat("; did you mean \"", prefix, *best, "\"?");
}

}  // namespace weft::app
