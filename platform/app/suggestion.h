// "Did you mean …?" for names that people mistype.
#ifndef WEFT_PLATFORM_APP_SUGGESTION_H_
#define WEFT_PLATFORM_APP_SUGGESTION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weft::app {

// `; did you mean "<prefix><name>"?` with the one of `names` that is closest to `given`; empty when
// none is close. Close is: one of them with `given` as its last parts ("listen" for "grpc.listen"),
// or few edits away (Levenshtein's distance of at most a quarter of its length, at least 2).
std::string DidYouMean(absl::string_view given, const std::vector<std::string>& names,
                       absl::string_view prefix = "");

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_SUGGESTION_H_
